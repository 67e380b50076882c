"""Beginnings and ends of transfers are joined by request and study; what has no end is not known."""

from dataclasses import replace

from pacsgate.audit.events import AuditEvent, EventKind, StudyObject
from pacsgate.audit.transfer_tally import UNENDED, transfers
from tests.support.events import numbered


def told(kind: EventKind, request: str, study: str, count: int, phase: str = "begun") -> AuditEvent:
    return replace(
        numbered(1),
        kind=kind,
        request_id=request,
        study=StudyObject(study, "P1"),
        count=count,
        bytes_sent=count * 10,
        recipient="WARD@h:104",
        details={"phase": phase},
    )


BEGUN, DONE = EventKind.TRANSFER_BEGUN, EventKind.INSTANCES_TRANSFERRED


def test_a_transfer_is_whole_when_all_that_was_begun_was_done() -> None:
    found = transfers(
        [
            told(BEGUN, "r1", "1.1", 5),
            told(BEGUN, "r1", "1.2", 100),
            told(DONE, "r1", "1.1", 5, "complete"),
            told(DONE, "r1", "1.2", 37, "broken"),
        ]
    )
    assert [(one.begun, one.done, one.bytes_sent, one.phase, one.is_whole) for one in found] == [
        (5, 5, 50, "complete", True),
        (100, 37, 370, "broken", False),
    ]


def test_a_transfer_without_an_end_is_not_whole() -> None:
    (one,) = transfers([told(BEGUN, "r1", "1.1", 0)])
    assert (one.done, one.phase, one.is_whole) == (None, UNENDED, False)


def test_the_same_study_in_another_request_is_another_transfer() -> None:
    found = transfers([told(BEGUN, "r1", "1.1", 5), told(DONE, "r2", "1.1", 5, "complete")])
    assert [one.done for one in found] == [None]
