"""What C-MOVE and C-GET have in common: how a request is judged, recorded and answered.

Called by `moving` and `getting`.

Invariants:
- nothing is sent before its beginning is on record, and no final response before its end is;
- a response names objects that the requester may have, and no others;
- every request that is refused, not understood or about nothing visible leaves a record.

Standard: PS3.4 C.4.2.1.5 and C.4.3.1.3 (statuses), C.4.2.1.6 to C.4.2.1.9 (counts).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pacsgate.audit.events import AuditEvent, EventKind, Outcome
from pacsgate.gateway.dimse.exchange import Exchange
from pacsgate.gateway.dimse.operation import Operation, SubOperations
from pacsgate.model.actions import Action
from pacsgate.model.decision import Reason
from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.policy.engine import Bound
from pacsgate.protocols.dimse.failed_instances import failed_instances
from pacsgate.protocols.dimse.identifiers import read_identifier, status_of, unique_keys
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.services.judge_transfer import TooManyObjectsError, Transfer, judge_transfer
from pacsgate.services.record_transfer import Phase, begun, ended
from pacsgate.services.resolve_many import ResolveMany
from pacsgate.services.send_objects import Progress
from pacsgate.services.shadowed import ShadowedResolveMany

PENDING_SECONDS = 1.0
"""How often a requester hears of a transfer, and its rights are looked at again."""

_TOO_MUCH = 413
"""What a `RequestError` says of a request that is too large."""
_COMMENT = "not authorized"
"""Of every refusal: it says nothing about what there is."""


class CancelledError(Exception):
    """The requester wants nothing more of this request."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """One request to retrieve, by somebody who could ever do so."""

    exchange: Exchange
    operation: Operation
    bound: Bound
    action: Action
    destination: str | None = None
    """The Move Destination, as the request names it."""

    @property
    def unreadable(self) -> Status:
        """What answers a requester who may not have what it asks for."""
        old = self.exchange.gate.settings.refuses_as_dcm4chee
        return Status.NO_READ_PERMISSION if old else Status.NOT_AUTHORIZED

    def permitted(self, receiver: Bound | None, *, refused: Status, withheld: Status) -> Transfer | None:
        """What of the request is carried out; `None` when it has been answered already.

        `refused` answers what the requester may not have, `withheld` what the receiver may not have.
        """
        transfer = self._judge(receiver)
        if transfer is None:
            return None
        whole = self.exchange.gate.settings.refuses_as_dcm4chee or not transfer.parts
        self._note_refusals(transfer)
        if whole and transfer.refused is not None:
            self.operation.respond(refused, comment=_COMMENT)
        elif whole and transfer.withheld:
            self.operation.respond(withheld, comment=_COMMENT)
        elif not transfer.parts:
            # Nothing that the requester may know of matches, and that is a success.
            self.operation.respond(Status.SUCCESS, sub_operations=SubOperations(0))
        else:
            return transfer
        return None

    def go_on(self) -> None:
        """Raise `CancelledError` or `ArchiveError` if there is no reason to go on."""
        if self.operation.is_cancelled():
            raise CancelledError
        if self.exchange.established.withdrawn.is_set():
            raise ArchiveError("access was withdrawn")

    def refuse(self, status: Status, reasons: Iterable[Reason]) -> None:
        """Record a denial and answer it."""
        self._note(reasons)
        self.operation.respond(status, comment=_COMMENT)

    def turn_down(self, status: Status, comment: str) -> None:
        """Record and answer a request that cannot be served, whoever makes it."""
        event = self.exchange.circumstances(self.bound).event(
            EventKind.DENIED,
            outcome=Outcome.MINOR,
            action=self.action,
            details={"status": f"{status:04X}"},
        )
        self.exchange.record(event)
        self.operation.respond(status, comment=comment)

    def begin(self, transfer: Transfer, recipient: str) -> None:
        """Make the beginning of a transfer durable.  Raises `RecordError`."""
        self._record(begun(self.exchange.circumstances(self.bound), transfer, recipient))

    def end(
        self, transfer: Transfer, recipient: str, progress: Progress, phase: Phase, cause: str | None
    ) -> None:
        """Make its end durable, at the time that it is now.  Raises `RecordError`."""
        circumstances = self.exchange.circumstances(self.bound)
        context = replace(circumstances.context, now=self.exchange.gate.clock.now())
        circumstances = replace(circumstances, context=context)
        self._record(ended(circumstances, transfer, recipient, progress, phase, cause))

    def tell(self, progress: Progress) -> None:
        """Say how far it has come."""
        self.operation.respond(Status.PENDING, sub_operations=counts(progress, remaining=True))

    def conclude(self, progress: Progress, phase: Phase, *, withdrawn: bool = False) -> None:
        """Give the final response."""
        if withdrawn:
            self.operation.respond(Status.NOT_AUTHORIZED, comment=_COMMENT, sub_operations=counts(progress))
            return
        failed = failed_instances(progress.failed, self.operation.transfer_syntax_uid)
        self.operation.respond(
            Status.CANCEL if phase is Phase.CANCELLED else _status(progress),
            identifier=failed if progress.failed else None,
            sub_operations=counts(progress, remaining=phase is Phase.CANCELLED),
        )

    def _judge(self, receiver: Bound | None) -> Transfer | None:
        try:
            root = self.operation.service.root
            if root is None:
                raise TypeError("a SOP class of C-MOVE and C-GET has an information model")
            identifier = read_identifier(self.operation.identifier, self.operation.transfer_syntax_uid, root)
            keys = unique_keys(identifier, relational=self.exchange.gate.settings.relational_queries)
            return judge_transfer(self._resolve(), keys, self.action, receiver, self.go_on)
        except TooManyObjectsError:
            self.turn_down(Status.CANNOT_CALCULATE_MATCHES, "more objects than can be counted")
        except ArchiveError as error:
            self.turn_down(Status.CANNOT_CALCULATE_MATCHES, error.public)
        except RequestError as error:
            status = Status.CANNOT_CALCULATE_MATCHES if error.status == _TOO_MUCH else status_of(error)
            self.turn_down(status, error.public)
        except CancelledError:
            self.operation.respond(Status.CANCEL, sub_operations=SubOperations(0, remaining=0))
        return None

    def _resolve(self) -> ResolveMany:
        gate = self.exchange.gate
        scope, archive = self.exchange.scope, self.exchange.archive
        return ShadowedResolveMany(gate.search, gate.freshness, scope, archive, self.bound, gate.shadow)

    def _note_refusals(self, transfer: Transfer) -> None:
        """Record, in one event, that some of what was named is refused or is not there."""
        reasons = [reason for each in transfer.refusals.values() for reason in each.reasons]
        reasons += [reason for each in transfer.withheld for reason in each.reasons]
        if reasons:
            refused, withheld = len(transfer.refusals), len(transfer.withheld)
            details = {"studies_refused": str(refused), "parts_withheld": str(withheld)}
            only = next(iter(transfer.refusals)) if refused == 1 else None
            self._note(dict.fromkeys(reasons), details, study_instance_uid=only)

    def _note(
        self,
        reasons: Iterable[Reason],
        details: Mapping[str, str] | None = None,
        *,
        study_instance_uid: str | None = None,
    ) -> None:
        named = {} if self.destination is None else {"destination": self.destination}
        self.exchange.record(
            self.exchange.circumstances(self.bound).denial(
                reasons,
                action=self.action,
                study_instance_uid=study_instance_uid,
                details={**(details or {}), **named},
            )
        )

    def _record(self, events: Iterable[AuditEvent]) -> None:
        """All at once, so that a request about many studies waits for one disk write."""
        for submitted in [self.exchange.gate.trail.submit(event) for event in events]:
            submitted.result()


def counts(progress: Progress, *, remaining: bool = False) -> SubOperations:
    """The counters of a response."""
    return SubOperations(
        progress.completed,
        len(progress.failed),
        progress.warning,
        len(progress.waiting) if remaining else None,
    )


def _status(progress: Progress) -> Status:
    if not progress.failed and not progress.warning:
        return Status.SUCCESS
    if progress.completed or progress.warning:
        return Status.SUB_OPERATIONS_WITH_FAILURES
    return Status.CANNOT_PERFORM_SUB_OPERATIONS
