"""One message: read, its sender's right checked, recorded, told to whoever derives permissions, acknowledged.

Called by `listener`, from a thread; calls the engine, the trail, `merge_patients` and the occurrences.

Invariants:
- nothing follows from a message whose event is not durable, nor from a sender without `GrantByOrder`;
- a positive acknowledgement is given when everything that follows has been done.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from pacsgate.audit.events import AuditEvent, EventKind, Outcome
from pacsgate.gateway.hl7.senders import Sender
from pacsgate.model.context import Context
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import PacsgateError, RecordError, RequestError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.subject import SubjectKind
from pacsgate.model.tenant_archives import TenantArchives
from pacsgate.ports import Accounts, Clock, Trail
from pacsgate.ports.occurrences import Occurrence, OccurrenceKind, Occurrences
from pacsgate.protocols.hl7.acknowledgement import Acknowledged, Fault, acknowledgement
from pacsgate.protocols.hl7.facts import message_facts
from pacsgate.protocols.hl7.message import Message, read_header, read_message
from pacsgate.services.administration import words
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.merge_patients import MERGE, MergePatients
from pacsgate.services.record import Circumstances, actor_of, claimed_actor

_TAKEN = frozenset({"ADT", "ORM", "ORU", "OMG", "OMI"})
"""Message codes from which something may follow."""


@dataclass(frozen=True, slots=True)
class Reception:
    """The use cases and adapters that a message needs."""

    archives: TenantArchives
    clock: Clock
    accounts: Accounts
    policies: LivePolicy
    trail: Trail
    merge: MergePatients
    occurrences: Occurrences
    network_of: Callable[[str | None], str]
    new_id: Callable[[], str]

    def context(self, address: str) -> Context:
        """The circumstances of what comes from an address now."""
        return Context(
            self.clock.now(), self.new_id(), client_address=address, network=self.network_of(address)
        )

    def refuse(self, address: str) -> None:
        """Record that somebody called who is no sender."""
        context = self.context(address)
        circumstances = Circumstances(context, claimed_actor("hl7", context), DEFAULT_TENANT)
        self.trail.record(circumstances.denial((Reason(ReasonCode.NO_CREDENTIAL),)))

    def broken(self, sender: Sender, address: str) -> bytes:
        """Record that a message broke something here; returns its acknowledgement."""
        context = self.context(address)
        actor = claimed_actor(sender.account, context)
        circumstances = Circumstances(context, actor, sender.scope.tenant, self.archives.main(sender.scope))
        with suppress(RecordError):  # nothing follows from the message, recorded or not
            self.trail.record(circumstances.denial((Reason(ReasonCode.INTERNAL_ERROR),)))
        return acknowledgement(
            None,
            Acknowledged.FAILED,
            context.now,
            fault=Fault.APPLICATION_ERROR,
            comment="something broke here: its own record says where",
        )

    def receive(self, sender: Sender, address: str, data: bytes) -> bytes:
        """Take a message; returns its acknowledgement."""
        context = self.context(address)
        try:
            message = read_message(data)
        except RequestError as refused:
            comment = refused.public
            self.trail.record(self._unread(sender, context, comment))
            header = read_header(data)
            return acknowledgement(
                header, Acknowledged.FAILED, context.now, fault=Fault.DATA_TYPE, comment=comment
            )
        try:
            return self._take(sender, context, message, data)
        except RecordError:
            comment = "it cannot be recorded now: send it again later"
        except RequestError as refused:
            return acknowledgement(
                message,
                Acknowledged.FAILED,
                context.now,
                fault=Fault.REQUIRED_FIELD_MISSING,
                comment=refused.public,
            )
        except PacsgateError as failed:
            comment = failed.public
        return acknowledgement(
            message, Acknowledged.FAILED, context.now, fault=Fault.APPLICATION_ERROR, comment=comment
        )

    def _take(self, sender: Sender, context: Context, message: Message, data: bytes) -> bytes:
        scope, archive = sender.scope, self.archives.main(sender.scope)
        subject = self.accounts.subject(scope, SubjectKind.DEVICE, sender.account, context.now)
        if subject is None:
            claimed = claimed_actor(sender.account, context)
            circumstances = Circumstances(context, claimed, scope.tenant, archive)
            self.trail.record(circumstances.denial((Reason(ReasonCode.UNKNOWN_SUBJECT),)))
            return acknowledgement(message, Acknowledged.REFUSED, context.now, comment="not authorized")
        bound = self.policies.bind_once(scope, subject, context, archive)
        actor = actor_of(subject, context, bound.roles)
        circumstances = Circumstances(context, actor, scope.tenant, archive, bound.revision)
        if Permission.GRANT_BY_ORDER not in bound.permissions:
            details = {"permission": Permission.GRANT_BY_ORDER.value, **_described(message)}
            self.trail.record(circumstances.denial((Reason(ReasonCode.NO_PERMISSION),), details=details))
            return acknowledgement(message, Acknowledged.REFUSED, context.now, comment="not authorized")
        if message.text("MSH", 9) not in _TAKEN:
            return acknowledgement(
                message,
                Acknowledged.REFUSED,
                context.now,
                fault=Fault.UNSUPPORTED_MESSAGE_TYPE,
                comment=f"taken are {', '.join(sorted(_TAKEN))}",
            )
        self.trail.record(circumstances.event(EventKind.MESSAGE_RECEIVED, details=_described(message)))
        if message.kind == MERGE:
            self.merge.merge(scope, message, actor, context.now)
        self.occurrences.happened(
            Occurrence(
                OccurrenceKind.MESSAGE_RECEIVED,
                scope,
                archive,
                context.now,
                f"{sender.account} {message.control_id or context.request_id}",
                subject,
                message=data,
            )
        )
        return acknowledgement(message, Acknowledged.ACCEPTED, context.now)

    def _unread(self, sender: Sender, context: Context, why: str) -> AuditEvent:
        actor = claimed_actor(sender.account, context)
        circumstances = Circumstances(context, actor, sender.scope.tenant, self.archives.main(sender.scope))
        return circumstances.event(EventKind.MESSAGE_RECEIVED, outcome=Outcome.SERIOUS, details={"why": why})


def _described(message: Message) -> dict[str, str]:
    """What the record says of a message: its kind, its name, whom and which study it is about."""
    facts = message_facts(message)
    details = {
        "message": message.kind,
        "control_id": message.control_id,
        **{
            name: words(facts[name])
            for name in ("sending_application", "sending_facility", "patient_id", "study_uid")
            if name in facts
        },
    }
    return {name: text for name, text in details.items() if text}
