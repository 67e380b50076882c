from datetime import timedelta

import pytest
from pydantic import ValidationError

from pacsgate.config import PasswordSettings, SessionSettings
from pacsgate.config.durations import read_duration
from pacsgate.model.session_limits import SessionLimits
from pacsgate.model.spans import span_text


def test_spans_are_written_as_people_write_them():
    read = SessionSettings.model_validate(
        {
            "idle": "30 min",
            "roles": {"teleradiologist": {"idle": "5min", "at_most": 1}},
            "token_lifetime": "7 d",
        }
    )
    general = SessionLimits(idle=timedelta(minutes=30))
    assert read.rules.general == general
    assert read.rules.of_roles["teleradiologist"] == SessionLimits(timedelta(minutes=5), general.absolute, 1)
    assert read.token_lifetime == timedelta(days=7)


@pytest.mark.parametrize("text", ["90 s", "15 min", "12 h", "90 d"])
def test_a_span_is_written_as_it_was_read(text):
    assert span_text(read_duration(text)) == text


@pytest.mark.parametrize(
    "wrong",
    [
        {"idle": "10 s"},
        {"absolute": "25 h"},
        {"idle": 15},
        {"idle": "15"},
        {"token_lifetime": "91 d"},
        {"at_most": 0},
        {"roles": {"x": {"roles": {}}}},
    ],
)
def test_limits_that_limit_nothing_are_refused(wrong):
    with pytest.raises(ValidationError):
        SessionSettings.model_validate(wrong)


def test_a_context_word_is_a_word():
    with pytest.raises(ValidationError):
        PasswordSettings.model_validate({"context_words": ["a"]})
