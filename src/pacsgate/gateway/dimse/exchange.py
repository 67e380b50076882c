"""One DIMSE operation on its way through the door: who asks, when, over which association.

`admission` makes one `Established` per association; `standing` makes one `Exchange` of it per request
message and hands it to a handler.

Invariants:
- everything that one operation decides before its first response, it decides at the same instant;
- `record` returns only when the event is durable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Event

from pynetdicom.association import Association

from pacsgate.audit.events import AuditEvent
from pacsgate.gateway.dimse.series_run import SeriesRun
from pacsgate.gateway.dimse.settings import AnsweredAe
from pacsgate.gateway.dimse.wiring import DimseGate
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.errors import ArchiveError
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import Bound
from pacsgate.ports.associations import Admitted, Requestor
from pacsgate.services.record import Circumstances, actor_of
from pacsgate.services.resolve import Part, Reach, Refusal, reach_among


@dataclass(frozen=True, slots=True)
class Established:
    """An association whose requestor is known."""

    gate: DimseGate
    association: Association
    answered: AnsweredAe
    requestor: Requestor
    admitted: Admitted
    withdrawn: Event
    """Set when the subject may not go on; long operations look at it between objects."""
    extended: Mapping[str, bytes] = field(default_factory=dict)
    """SOP class to what was agreed about it (PS3.7 D.3.3.5)."""
    series: SeriesRun = field(default_factory=SeriesRun)
    """What is being stored; `association` ends it."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request message of an association."""

    established: Established
    context: Context
    """Read when the message came in."""
    subject: Subject
    """As the directory says now."""

    @property
    def gate(self) -> DimseGate:
        """The use cases."""
        return self.established.gate

    @property
    def scope(self) -> TenantScope:
        """The subject's tenant, which is where everything is looked for."""
        return TenantScope(self.subject.tenant)

    @property
    def archive(self) -> ArchiveName:
        """The archive behind the called AE title."""
        return self.established.answered.archive

    def bind(self) -> Bound:
        """What the live policy says about the subject; reads the epochs, so it is never stale."""
        self.gate.shadow.hear(self.subject, self.context)
        return self.gate.policies.bind(self.scope, self.subject, self.context, self.archive)

    def bind_again(self) -> Bound:
        """What it says now about who the subject is now, in the middle of a long operation.

        Raises `ArchiveError` if the subject may not go on.
        """
        established = self.established
        context = replace(self.context, now=self.gate.clock.now(), begun=self.context.asked_at)
        subject = None
        if not established.withdrawn.is_set():
            subject = self.gate.door.still(self.scope, established.admitted, established.requestor, context)
        if subject is None:
            raise ArchiveError("access was withdrawn")
        return self.gate.policies.bind(self.scope, subject, context, self.archive)

    def circumstances(self, bound: Bound) -> Circumstances:
        """What all events of this operation share."""
        return Circumstances(
            self.context,
            actor_of(self.subject, self.context, bound.roles),
            self.subject.tenant,
            self.archive,
            bound.revision,
        )

    def record(self, event: AuditEvent) -> None:
        """Make an event durable before anything leaves.  Raises `RecordError`."""
        self.gate.trail.record(event)

    def refuse(
        self, refused: Refusal, bound: Bound, *, action: Action | None, study_instance_uid: str | None = None
    ) -> None:
        """Record a denial."""
        self.record(
            self.circumstances(bound).denial(
                refused.reasons, action=action, study_instance_uid=study_instance_uid
            )
        )

    def require_still_allowed(self, action: Action, part: Part) -> None:
        """Ask everything again in the middle of a long operation; raises `ArchiveError` to cut it off."""
        bound = self.bind_again()
        key = part.key_of(part.instances[0])
        held = self.gate.index.studies(self.scope, self.archive, key.study_instance_uid)
        if not isinstance(reach_among(held, key, action, bound), Reach):
            raise ArchiveError("access was withdrawn while objects were being sent")
