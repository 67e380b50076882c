import pytest

from pacsgate.protocols.dimse.extended_negotiation import QueryExtensions, agreed, answered

FIND, MOVE, ECHO = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.2", "1.2.840.10008.1.1"


@pytest.mark.parametrize(
    ("requested", "relational", "answer"),
    [
        (b"\1\1\1\1\1", True, b"\1\1\1\0\0"),
        (b"\1\1\1\1\1", False, b"\0\1\1\0\0"),
        (b"\1", True, b"\1"),
        (b"\0\0\0", True, b"\0\0\0"),
        (b"\2\2\2", True, b"\0\0\0"),
        (b"", True, b""),
    ],
)
def test_what_was_asked_for_and_is_done_is_agreed_on(
    requested: bytes, relational: bool, answer: bytes
) -> None:
    assert answered(FIND, requested, relational=relational) == answer


def test_retrievals_are_relational_or_nothing() -> None:
    assert answered(MOVE, b"\1\1", relational=True) == b"\1\0"


def test_nothing_is_agreed_about_other_services() -> None:
    assert answered(ECHO, b"\1\1\1", relational=True) == b""


def test_what_is_configured_needs_no_agreement() -> None:
    assert agreed(b"", relational=True) == QueryExtensions(relational=True)
    assert agreed(b"\0\1\1\0\0", relational=False) == QueryExtensions(combined_date_time=True, fuzzy=True)
