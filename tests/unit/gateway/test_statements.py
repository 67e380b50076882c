"""What a client may say about its own request, and what is not believed."""

from datetime import UTC, datetime

import pytest
from starlette.datastructures import Headers

from pacsgate.gateway.http.statements import with_statements
from pacsgate.model.context import Context
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.subject import Subject

CONTEXT = Context(datetime(2026, 3, 10, tzinfo=UTC), "r1")
RESEARCHER = Subject(DEFAULT_TENANT, "res1", attributes={"purposes": frozenset({"HRESCH"})})


def stated(*pairs: tuple[str, str], subject: Subject = RESEARCHER) -> Context | None:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs]
    return with_statements(CONTEXT, Headers(raw=raw), subject)


def test_who_says_nothing_asks_for_treatment_and_gives_no_reason() -> None:
    assert stated() is CONTEXT


def test_a_purpose_counts_if_it_is_the_subject_s() -> None:
    found = stated(("Pacsgate-Purpose", "HRESCH"))
    assert found is not None
    assert found.purpose == "HRESCH"
    assert stated(("Pacsgate-Purpose", "BTG")) is None
    assert stated(("Pacsgate-Purpose", "HRESCH"), subject=Subject(DEFAULT_TENANT, "rad1")) is None
    assert stated(("Pacsgate-Purpose", "TREAT"), subject=Subject(DEFAULT_TENANT, "rad1")) == CONTEXT


@pytest.mark.parametrize(
    ("written", "reason"),
    [("second opinion", "second opinion"), ("druga%20opinia%3A%20%C5%BC%C3%B3%C5%82%C4%87", "druga opinia: żółć"), ("  ", None), ("50 % done", "50 % done")],
)  # fmt: skip
def test_a_reason_is_a_sentence_in_any_language(written: str, reason: str | None) -> None:
    found = stated(("Pacsgate-Reason", written))
    assert found is not None
    assert found.reason == reason


@pytest.mark.parametrize(
    "pairs",
    [
        [("Pacsgate-Reason", "a"), ("Pacsgate-Reason", "b")],
        [("Pacsgate-Purpose", "TREAT"), ("Pacsgate-Purpose", "HRESCH")],
        [("Pacsgate-Reason", "x" * 201)],
        [("Pacsgate-Reason", "a%0Ab")],
        [("Pacsgate-Reason", "a%00")],
    ],
)
def test_what_cannot_be_recorded_as_it_stands_is_refused(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(RequestError):
        stated(*pairs)
