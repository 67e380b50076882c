"""The door for proxies that ask before they pass a request on: nginx, Traefik, Envoy.

The proxy says who it is in a header of its own, which its configuration sets, and hands on
what the client sent to say who it is.  The client decides: no credential of its own, 401, which the
proxy passes to it.  What is safe unseen is answered 200, with its record durable.  Everything else is
403 `needs-gate`, which is no denial: the proxy hands the request to the gate itself, which answers
as it always does.

The paths are the gate's own (`/orthanc/…`, `/dicom-web/…`), so that one request is the same
question here and at the doors, read by the same modules.

Called by `bootstrap`, which mounts it; calls `safe_unseen`.

Invariants:
- 200 only for an enforcement point, for a row that could pass unseen, spelled as the gate would send it on;
- what is let through is on record before it is let through;
- all that goes wrong is "no".

Standard: RFC 9110 15.5.2 (401); nginx ngx_http_auth_request_module; Envoy ext_authz (HTTP service).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar, assert_never

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.gateway.http import answers
from pacsgate.gateway.http.asked.request import PATH, Question, is_about_orthanc, read_asked
from pacsgate.gateway.http.edge import Edge, Visit
from pacsgate.gateway.http.mounts import Mount, MountTable
from pacsgate.gateway.http.passing import passed_by, passing
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.threads import Threads, completed
from pacsgate.gateway.http.wiring import Gate
from pacsgate.identity.credentials import read_credentials
from pacsgate.model.actions import Action
from pacsgate.model.context import Context, RequestLine
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import Bound
from pacsgate.protocols.auth_check.unseen_rows import EveryObject, NoObject, OneObject
from pacsgate.services.evaluate_for_others import may_ask_for_others
from pacsgate.services.record import Circumstances, actor_of, claimed_actor
from pacsgate.services.safe_unseen import SafeUnseen, Whole, anything, everything

ENFORCEMENT_POINT = "Pacsgate-Enforcement-Point"
"""What the proxy sends to say who it is: a credential as in `Authorization`."""
NEEDS_GATE = "needs-gate"
THREADS = 16
"""Questions at a time in one worker that memory cannot answer, and as many again about each archive."""

_KINDS = {
    Action.SEARCH: EventKind.INSTANCES_ACCESSED,
    Action.VIEW: EventKind.INSTANCES_ACCESSED,
    Action.RETRIEVE: EventKind.INSTANCES_TRANSFERRED,
    Action.EXPORT: EventKind.DATA_EXPORTED,
}
T = TypeVar("T")


def auth_check_routes(
    gate: Gate, contexts: RequestContexts, safe: SafeUnseen, mounts: MountTable
) -> list[Route]:
    """The question by headers, and that by path."""
    threads = Threads(THREADS)
    at_archive = {name: Threads(THREADS) for name in gate.archives}
    edge = Edge(gate, contexts, threads, retell=_retold)
    door = AuthCheckDoor(edge, replace(edge, invites_scripts=True), safe, mounts, at_archive)
    return [Route(PATH, door), Route(PATH + "/{asked:path}", door)]


@dataclass(frozen=True, slots=True)
class _Asking:
    """Who asks about whom."""

    point: Subject
    subject: Subject
    context: Context

    @property
    def scope(self) -> TenantScope:
        return TenantScope(self.subject.tenant)


@dataclass(frozen=True, slots=True)
class AuthCheckDoor:
    """Answers proxies."""

    edge: Edge
    to_orthanc: Edge
    """The same for requests to Orthanc's own API, whose pages are challenged as at its door."""
    safe: SafeUnseen
    mounts: MountTable
    at_archive: Mapping[ArchiveName, Threads]
    """An archive that hangs keeps questions about itself waiting, and no others."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one question."""
        about_orthanc = is_about_orthanc(Request(scope), self.mounts)
        edge = self.to_orthanc if about_orthanc else self.edge
        await edge.serve(scope, receive, send, self._handle)

    async def _handle(self, visit: Visit) -> Response:
        visit.note_handler("auth-check")
        point = await self._point(visit)
        if point is None:
            return await self._not_a_point(visit)
        gate, scope = self.edge.gate, TenantScope(point.tenant)
        archive_at = partial(
            Mount.archive_of, scope=scope, archives=gate.tenant_archives, orthancs=gate.orthancs
        )
        question = read_asked(visit.request, self.mounts, archive_at)
        archive = gate.tenant_archives.main(scope) if question is None else question.archive
        if not await self._may_ask(point, visit.context, archive):
            return await self._not_a_point(visit)
        stated = await self.edge.stated(visit)
        if isinstance(stated, Response) or point.tenant != visit.subject.tenant:
            return needs_gate()
        asking = _Asking(point, visit.subject, stated.context)
        if question is None:
            await self._record_unanswered(asking, archive, None)
            return needs_gate()
        line = RequestLine(question.asked.method, question.seen)
        asking = replace(asking, context=replace(asking.context, request=line))
        if await self._lets_through(question, asking):
            return Response(status_code=200, headers={"Cache-Control": "no-store"})
        await self._record_unanswered(asking, archive, question)
        return needs_gate()

    # -------------------------------------------------------------------------------- who asks

    async def _point(self, visit: Visit) -> Subject | None:
        """The proxy, by its own credential."""
        given = ", ".join(visit.request.headers.getlist(ENFORCEMENT_POINT)) or None
        credentials = read_credentials(given, None)
        if credentials is None:
            return None
        authenticator = self.edge.gate.authenticator
        found = authenticator.recall(credentials, visit.context)
        if found is None:
            authenticate = partial(authenticator.authenticate, credentials, visit.context)
            verified = await self.edge.threads.run(authenticate)
            return verified if isinstance(verified, Subject) else None
        return found

    async def _may_ask(self, point: Subject, context: Context, archive: ArchiveName) -> bool:
        bound = await self._bound(point, context, archive)
        return may_ask_for_others(point, bound)

    async def _not_a_point(self, visit: Visit) -> Response:
        # Named as claimed: whoever is turned away here is not the client.
        circumstances = Circumstances(visit.context, claimed_actor("(enforcement point)", visit.context))
        await self._record(circumstances.denial((Reason(ReasonCode.NO_PERMISSION),)))
        return answers.problem(403, "only an enforcement point may ask this")

    async def _bound(self, subject: Subject, context: Context, archive: ArchiveName) -> Bound:
        policies, scope = self.edge.gate.policies, TenantScope(subject.tenant)
        remembered = policies.recall(scope, subject, context, archive)
        if remembered is not None:
            return remembered
        return await self.edge.threads.run(partial(policies.bind, scope, subject, context, archive))

    # ------------------------------------------------------------------------------- the answer

    async def _lets_through(self, question: Question, asking: _Asking) -> bool:
        bound = await self._bound(asking.subject, asking.context, question.archive)
        shared = Circumstances(
            asking.context,
            actor_of(asking.subject, asking.context, bound.roles),
            asking.subject.tenant,
            question.archive,
            bound.revision,
        )
        match question.unseen:
            case OneObject() as one:
                whole = await self._whole(one, question.archive, asking, bound)
                if whole is not None:
                    await self._record_whole(whole, shared, asking)
                return whole is not None
            case EveryObject(actions):
                safe = everything(bound, actions)
                if safe:
                    await self._record(
                        shared.event(
                            EventKind.QUERY,
                            action=Action.SEARCH,
                            query=question.seen,
                            recipient=passed_by(asking.point),
                        )
                    )
                return safe
            case NoObject():
                return anything(bound)
            case _:
                assert_never(question.unseen)

    async def _whole(
        self, one: OneObject, archive: ArchiveName, asking: _Asking, bound: Bound
    ) -> Whole | None:
        safe, scope, name = self.safe, asking.scope, one.name
        if isinstance(name, ResourceKey):
            remembered = safe.recall_key(scope, archive, name, one.actions, bound)
            look = partial(safe.key, scope, archive, name, one.actions, bound)
        else:
            named = (scope, archive, name.level, name.orthanc_id, one.actions, bound)
            remembered = safe.recall_named(*named)
            look = partial(safe.named, *named)
        return remembered if remembered is not None else await self._heard(asking, archive, look)

    async def _heard(self, asking: _Asking, archive: ArchiveName, look: Callable[[], T]) -> T:
        def work() -> T:
            self.edge.gate.shadow.hear(asking.subject, asking.context)
            return look()

        return await self.at_archive[archive].run(work)

    # ------------------------------------------------------------------------------ the record

    async def _record_whole(self, whole: Whole, shared: Circumstances, asking: _Asking) -> None:
        reach = whole.reach
        for event in passing(reach, shared, asking.point, _KINDS[reach.action], reach.action):
            if reach.action is Action.EXPORT:
                await self._record(event)
                continue
            reading = self.edge.gate.windows.enter(event)
            try:
                if reading.opening is not None:
                    await completed(reading.opening)
            finally:
                reading.leave(instances=reach.instance_count, bytes_sent=0)

    async def _record_unanswered(
        self, asking: _Asking, archive: ArchiveName, question: Question | None
    ) -> None:
        shared = Circumstances(
            asking.context, actor_of(asking.point, asking.context), asking.point.tenant, archive
        )
        details = {"subject": asking.subject.name, "decision": NEEDS_GATE}
        query = None if question is None else f"{question.asked.method} {question.seen}"
        await self._record(shared.event(EventKind.EVALUATED, query=query, details=details))

    async def _record(self, event: AuditEvent) -> None:
        await completed(self.edge.gate.trail.submit(event))


def needs_gate() -> Response:
    """Not unseen: ask the gate itself."""
    return answers.problem(403, NEEDS_GATE, "this must go through the gate itself")


def _retold(_request: Request, told: Response) -> Response:
    """Every "no" but that for want of a credential sends the request to the gate, which says it in full."""
    return told if told.status_code == 401 or told.status_code >= 500 else needs_gate()
