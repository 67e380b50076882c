"""What all C-FIND handlers have in common: pages of rows go on record, then to the requestor.

Called by `finding` and `worklist`.

Invariants:
- the record of a page is durable before its first row leaves;
- every search that is answered, refused or not understood leaves a record.

Standard: PS3.4 C.4.1.3 (behaviour of an SCP), C.4.1.1.4 (statuses); PS3.7 9.3.2.3 (C-CANCEL).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.gateway.dimse.exchange import Exchange
from pacsgate.gateway.dimse.operation import Operation
from pacsgate.model.actions import Action
from pacsgate.model.decision import Reason, Revision
from pacsgate.model.errors import RequestError
from pacsgate.policy.engine import Bound
from pacsgate.protocols.dimse.identifiers import status_of
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.services.resolve import Refusal

_BETWEEN_LOOKS = 50
"""How many rows are sent before it is looked again whether the requestor still wants them."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """One search on its way: who asks, over which operation, under which rules, and for what."""

    exchange: Exchange
    operation: Operation
    bound: Bound
    said: str
    """The search as the trail names it."""
    pending: Status = Status.PENDING


@dataclass(frozen=True, slots=True)
class PageOfRows(Generic[T]):
    """Some rows, and why they may be told, by which revision."""

    rows: Sequence[T]
    reasons: Sequence[Reason]
    revision: Revision


def tell(asked: Asked, pages: Iterator[PageOfRows[T]], write: Callable[[T], bytes]) -> None:
    """Record and send page after page, and the final status; the first page even if it is empty."""
    operation, told = asked.operation, 0
    circumstances = asked.exchange.circumstances(asked.bound)
    for page in pages:
        rows = page.rows
        event = replace(circumstances, revision=page.revision).event(
            EventKind.QUERY,
            action=Action.SEARCH,
            query=asked.said,
            reasons=page.reasons,
            count=len(rows),
            details={"rows_before": str(told)} if told else {},
        )
        written = [write(row) for row in rows]
        asked.exchange.gate.trail.record(event)
        if not _send(operation, asked.pending, written):
            operation.respond(Status.CANCEL)
            return
        told += len(rows)
    operation.respond(Status.SUCCESS)


def _send(operation: Operation, pending: Status, rows: Sequence[bytes]) -> bool:
    """Send rows; returns whether the requestor still wants more."""
    for first in range(0, len(rows), _BETWEEN_LOOKS):
        if operation.is_cancelled():
            return False
        operation.respond_each(pending, rows[first : first + _BETWEEN_LOOKS])
    return not operation.is_cancelled()


def refuse(exchange: Exchange, operation: Operation, bound: Bound, refusal: Refusal) -> None:
    """Answer a search that the subject may not make; the answer does not say why."""
    exchange.refuse(refusal, bound, action=Action.SEARCH)
    operation.respond(Status.NOT_AUTHORIZED, comment="not authorized")


def turn_down(exchange: Exchange, operation: Operation, bound: Bound, error: RequestError) -> None:
    """Answer a search that nobody could make; the record holds no word of it."""
    status = status_of(error)
    exchange.record(
        exchange.circumstances(bound).event(
            EventKind.QUERY,
            outcome=Outcome.MINOR,
            action=Action.SEARCH,
            count=0,
            details={"status": f"{status:04X}"},
        )
    )
    operation.respond(status, comment=error.public)
