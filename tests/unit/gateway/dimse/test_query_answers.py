"""Rows leave page by page, each on record before, and no further than somebody wants them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome
from pacsgate.gateway.dimse.query_answers import Asked, PageOfRows, refuse, tell, turn_down
from pacsgate.model.context import Context
from pacsgate.model.decision import Reason, ReasonCode, Revision
from pacsgate.model.errors import RecordError, RequestError
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.services.record import Circumstances
from pacsgate.services.resolve import Answer, Refusal
from tests.support.clocks import START
from tests.support.trails import ListTrail

REASON = Reason(ReasonCode.PERMITTED_BY_RULE, rule_id="r")


@dataclass
class Requestor:
    """Both ends of an operation: what was sent, and when the requestor had enough."""

    trail: ListTrail
    patience: int = 1_000_000
    rows: list[bytes] = field(default_factory=list)
    final: list[tuple[Status, str | None]] = field(default_factory=list)
    on_record: list[int] = field(default_factory=list)

    def is_cancelled(self) -> bool:
        return len(self.rows) >= self.patience

    def respond_each(self, status: Status, identifiers: Iterable[bytes]) -> None:
        assert status is Status.PENDING_WITHOUT_OPTIONAL_KEYS
        self.on_record.append(len(self.trail.events))
        self.rows += identifiers

    def respond(self, status: Status, *, comment: str | None = None) -> None:
        self.final.append((status, comment))


@dataclass
class FakeExchange:
    trail: ListTrail

    @property
    def gate(self) -> "FakeExchange":
        return self

    def circumstances(self, _bound: Any) -> Circumstances:
        return Circumstances(Context(START, "r"), Actor("ann", verified=True))

    def record(self, event: AuditEvent) -> None:
        self.trail.record(event)

    def refuse(self, refusal: Refusal, bound: Any, *, action: Any) -> None:
        self.record(self.circumstances(bound).denial(refusal.reasons, action=action))


@pytest.fixture
def requestor() -> Requestor:
    return Requestor(ListTrail())


def asked(requestor: Requestor) -> Any:
    exchange: Any = FakeExchange(requestor.trail)
    operation: Any = requestor
    return Asked(exchange, operation, None, "C-FIND …", Status.PENDING_WITHOUT_OPTIONAL_KEYS)  # type: ignore[arg-type]


def pages(*sizes: int) -> Iterator[PageOfRows[int]]:
    return (PageOfRows(range(size), (REASON,), Revision(str(size))) for size in sizes)


def written(row: int) -> bytes:
    return bytes([row % 256])


def test_each_page_is_on_record_before_its_rows_leave(requestor: Requestor) -> None:
    tell(asked(requestor), pages(120, 30), written)
    assert len(requestor.rows) == 150
    assert requestor.on_record == [1, 1, 1, 2]
    assert [event.count for event in requestor.trail.events] == [120, 30]
    assert [event.revision for event in requestor.trail.events] == ["120", "30"]
    assert [event.details for event in requestor.trail.events] == [{}, {"rows_before": "120"}]
    assert requestor.final == [(Status.SUCCESS, None)]


def test_an_empty_page_is_on_record_too(requestor: Requestor) -> None:
    tell(asked(requestor), pages(0), written)
    assert [event.count for event in requestor.trail.events] == [0]
    assert requestor.final == [(Status.SUCCESS, None)]


def test_no_row_leaves_that_is_not_on_record(requestor: Requestor) -> None:
    requestor.trail.broken = True
    with pytest.raises(RecordError):
        tell(asked(requestor), pages(3), written)
    assert requestor.rows == []


@pytest.mark.parametrize(("patience", "sent"), [(0, 0), (1, 50), (60, 100), (150, 150)])
def test_who_cancels_gets_no_more_rows_and_no_more_pages_are_read(
    requestor: Requestor, patience: int, sent: int
) -> None:
    requestor.patience = patience
    read = []

    def noted() -> Iterator[PageOfRows[int]]:
        for number, page in enumerate(pages(100, 50, 50)):
            read.append(number)
            yield page

    tell(asked(requestor), noted(), written)
    assert len(requestor.rows) == sent
    assert requestor.final == [(Status.CANCEL, None)]
    assert len(read) == (2 if sent == 150 else 1)


def test_a_refusal_says_nothing_and_is_on_record(requestor: Requestor) -> None:
    its = asked(requestor)
    refusal = Refusal(Answer.FORBIDDEN, (Reason(ReasonCode.MASKED_KEY),), None, "a message for people")
    refuse(its.exchange, its.operation, its.bound, refusal)
    assert requestor.final == [(Status.NOT_AUTHORIZED, "not authorized")]
    assert [event.kind for event in requestor.trail.events] == [EventKind.DENIED]


@pytest.mark.parametrize(
    ("http", "status"), [(400, Status.IDENTIFIER_DOES_NOT_MATCH), (413, Status.OUT_OF_RESOURCES)]
)
def test_a_search_that_nobody_could_make_is_on_record_without_its_words(
    requestor: Requestor, http: int, status: Status
) -> None:
    its = asked(requestor)
    turn_down(its.exchange, its.operation, its.bound, RequestError("`PatientID` is odd", status=http))
    assert requestor.final == [(status, "`PatientID` is odd")]
    (event,) = requestor.trail.events
    assert (event.kind, event.outcome, event.query) == (EventKind.QUERY, Outcome.MINOR, None)
