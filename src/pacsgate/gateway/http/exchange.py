"""One request on its way through the door: who asks, when, where, and what is recorded of it.

A door makes one `Exchange` per request and hands it to a handler.  Everything
that touches the database goes through `in_thread`, and what may wait for an archive
through `at_archive`, so that an archive that hangs holds up nobody else.

Invariants:
- everything that one request decides before its answer begins, it decides at the same instant;
- `record` returns only when the event is durable.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from pacsgate.audit.events import AuditEvent
from pacsgate.gateway.http import answers
from pacsgate.gateway.http.named_studies import NamedStudy, note_studies
from pacsgate.gateway.http.threads import Threads, completed
from pacsgate.gateway.http.wiring import Gate
from pacsgate.identity.credentials import Credentials
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.errors import ArchiveError
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import Bound
from pacsgate.protocols.dicomweb.accept import Representation, negotiate
from pacsgate.protocols.dicomweb.offers import offers
from pacsgate.protocols.dicomweb.routes import Route
from pacsgate.protocols.dicomweb.routing import RouteMatch
from pacsgate.protocols.query_string import Parameters, single_values
from pacsgate.services.record import Circumstances, actor_of
from pacsgate.services.resolve import Part, Reach, Refusal, reach_among

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reached:
    """What a request may touch, and the circumstances that its events share."""

    reach: Reach
    circumstances: Circumstances


@dataclass(frozen=True, slots=True)
class Exchange:
    """An authenticated request at one archive."""

    gate: Gate
    threads: Threads
    archive_threads: Threads
    request: Request
    context: Context
    credentials: Credentials
    subject: Subject
    archive: ArchiveName
    parameters: Parameters
    """The query, decoded once."""
    root: str
    """URL of the DICOMweb root that the client used, without a trailing slash."""

    @property
    def scope(self) -> TenantScope:
        """The subject's tenant, which is where everything is looked for."""
        return TenantScope(self.subject.tenant)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run blocking work that no archive takes part in, in one of the bounded threads."""
        return await self.threads.run(work)

    async def at_archive(self, work: Callable[[], T]) -> T:
        """Run work that may wait for this archive, in one of its own bounded threads."""
        return await self.archive_threads.run(work)

    def bind(self) -> Bound:
        """What the live policy says about the subject; reads the epochs, so it is never stale."""
        self.gate.shadow.hear(self.subject, self.context)
        return self.gate.policies.bind(self.scope, self.subject, self.context, self.archive)

    def circumstances(self, bound: Bound) -> Circumstances:
        """What all events of this request share."""
        return Circumstances(
            self.context,
            actor_of(self.subject, self.context, bound.roles),
            self.subject.tenant,
            self.archive,
            bound.revision,
        )

    async def reach(self, key: ResourceKey, action: Action) -> "Reached | Response":
        """The parts of a resource on which an action is allowed, or the recorded refusal."""
        note_studies(self.request, NamedStudy(self.scope, self.archive, key.study_instance_uid))

        if (reached := self._recall(key, action)) is not None:
            return reached

        def work() -> tuple[Bound, Reach | Refusal]:
            bound = self.bind()
            return bound, self.gate.resolver.reach(self.scope, self.archive, key, action, bound)

        bound, found = await self.at_archive(work)
        if isinstance(found, Refusal):
            return await self.refuse(found, bound, action=action, study_instance_uid=key.study_instance_uid)
        return Reached(found, self.circumstances(bound))

    def _recall(self, key: ResourceKey, action: Action) -> Reached | None:
        """The answer of `reach` without a thread, for another instance of a recent study."""
        if key.sop_instance_uid is None:
            return None
        bound = self.gate.policies.recall(self.scope, self.subject, self.context, self.archive)
        if bound is None:
            return None
        reach = self.gate.resolver.recall(self.scope, self.archive, key, action, bound)
        return None if reach is None else Reached(reach, self.circumstances(bound))

    async def record(self, event: AuditEvent) -> None:
        """Make an event durable before anything leaves.  Raises `RecordError`."""
        await completed(self.gate.trail.submit(event))

    async def refuse(
        self, refused: Refusal, bound: Bound, *, action: Action | None, study_instance_uid: str | None = None
    ) -> Response:
        """Record a denial and make its answer."""
        await self.record(
            self.circumstances(bound).denial(
                refused.reasons, action=action, study_instance_uid=study_instance_uid
            )
        )
        return answers.refusal(refused)

    def representations(self, found: RouteMatch) -> tuple[Representation, ...]:
        """What this row can send and this client accepts, best first.  Raises `RequestError` 406."""
        accept = self.request.headers.getlist("accept")
        parameters = single_values(parameter for parameter in self.parameters if parameter[0] == "accept")
        return _representations(
            found.route, len(found.frames), ", ".join(accept) or None, parameters.get("accept")
        )

    def require_still_allowed(self, action: Action, part: Part) -> None:
        """Ask everything again in the middle of a long answer; raises `ArchiveError` to cut it off.

        Runs in a thread.  The credential is verified anew and the study looked up anew, so that a disabled
        user, a revoked token, a changed policy and a label that was just given all end the stream.
        """
        context = replace(self.context, now=self.gate.clock.now(), begun=self.context.asked_at)
        subject = self.gate.authenticator.authenticate(self.credentials, context)
        if isinstance(subject, Subject):
            bound = self.gate.policies.bind(self.scope, subject, context, self.archive)
            key = part.key_of(part.instances[0])
            held = self.gate.index.studies(self.scope, self.archive, key.study_instance_uid)
            if isinstance(reach_among(held, key, action, bound), Reach):
                return
        raise ArchiveError("access was withdrawn while the answer was being sent")


@lru_cache(maxsize=1024)
def _representations(
    route: Route, frames: int, header: str | None, parameter: str | None
) -> tuple[Representation, ...]:
    """Remembered, because a client sends the same header with every request."""
    return negotiate(offers(route, frames=frames), header, parameter)
