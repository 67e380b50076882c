from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.cli.instants import read_instant
from pacsgate.model.errors import SettingsError

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("45m", NOW + timedelta(minutes=45)),
        ("12h", NOW + timedelta(hours=12)),
        ("30d", NOW + timedelta(days=30)),
        ("2027-01-01", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01T08:00", datetime(2027, 1, 1, 8, tzinfo=UTC)),
        ("2027-01-01T08:00+01:00", datetime(2027, 1, 1, 7, tzinfo=UTC)),
        ("2027-01-01T08:00Z", datetime(2027, 1, 1, 8, tzinfo=UTC)),
    ],
)
def test_a_point_in_time_is_a_span_from_now_or_an_instant_in_utc(text, at):
    assert read_instant(text, NOW) == at


@given(st.datetimes(timezones=st.timezones()).filter(lambda at: 1900 < at.year < 2200))
def test_any_instant_written_with_its_offset_is_read_as_the_same_instant(at):
    assert read_instant(at.isoformat(), NOW) == at.astimezone(UTC)


@given(st.text(max_size=30))
def test_whatever_else_is_typed_raises_nothing_but_our_own_error(text):
    with suppress(SettingsError):
        assert read_instant(text, NOW).tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "0d", "1w", "-1d", "1.5d", "tomorrow", "99999999d", "9999-12-31T23:59-23:00", "٣d"]
)
def test_what_is_no_point_in_time_is_refused(text):
    with pytest.raises(SettingsError):
        read_instant(text, NOW)
