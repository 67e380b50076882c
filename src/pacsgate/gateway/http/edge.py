"""The outermost edge of every door: who asks, what is refused before anything is read, and how it ends.

Who asks comes first: without a credential nothing is parsed and nothing is told.  Then
the door's own `handle` does the rest.  Every error of ours has its answer in
`answers`; what is left ends here, denied and recorded.

Made by `app` and by the routes of the other doors; calls one `handle`.

Invariants:
- `handle` is called for verified subjects only, who have proven themselves as strongly as is demanded,
  and never for a request that asks to be taken for another;
- an exception that nobody expected is a denial with an event, never half an answer;
- every answer carries the id under which the trail knows the request.

Standard: RFC 9110; RFC 6750 section 3.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pacsgate.audit.events import Actor
from pacsgate.gateway.http import answers, metrics
from pacsgate.gateway.http.client_certificate import client_certificate
from pacsgate.gateway.http.cross_site import refuse_cross_site
from pacsgate.gateway.http.mounts import Mount
from pacsgate.gateway.http.named_studies import named_studies
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.same_passwords import SamePasswords
from pacsgate.gateway.http.statements import with_statements
from pacsgate.gateway.http.threads import Threads, completed
from pacsgate.gateway.http.wiring import Gate
from pacsgate.identity.credentials import Credentials, read_credentials
from pacsgate.identity.sessions import COOKIE_NAME
from pacsgate.model.claimed_names import NOBODY
from pacsgate.model.context import Context
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import GoneError, PacsgateError, RecordError, RequestError
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.strength import Strength
from pacsgate.model.subject import Subject
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.protocols.paths import refuse_method_override
from pacsgate.protocols.query_string import Parameters, read_query_string
from pacsgate.services.live_policy import NoPolicyError
from pacsgate.services.record import Circumstances, actor_of, claimed_actor

_log = structlog.get_logger("pacsgate.gateway")

_HANDLER = "pacsgate.handler"
"""Where the matched row's handler is noted in the ASGI scope, for the metrics."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of a verified subject whose path nobody has read yet."""

    request: Request
    context: Context
    credentials: Credentials
    subject: Subject
    parameters: Parameters
    """The query, decoded once."""

    def note_handler(self, name: str) -> None:
        """Say under which name of a closed list the request is counted."""
        self.request.scope[_HANDLER] = name


Handle = Callable[[Visit], Awaitable[Response]]


def _as_it_is(_request: Request, response: Response) -> Response:
    return response


@dataclass(frozen=True, slots=True)
class Edge:
    """What surrounds the work of one door."""

    gate: Gate
    contexts: RequestContexts
    threads: Threads
    mount: Mount | None = None
    """Where the door is, if it is one of archives."""
    at_archives: Mapping[ArchiveName, Threads] = field(default_factory=dict)
    """For whatever may wait for an archive: one that hangs keeps its own waiting, and nobody else's."""
    accepts_cookies: bool = True
    """Whether sessions and certificates count, which browsers and proxies present unasked."""
    invites_scripts: bool = False
    """Whether a page's script, too, is offered Basic: Orthanc's own pages know no other way."""
    passwords: SamePasswords = field(default_factory=SamePasswords)
    retell: Callable[[Request, Response], Response] = _as_it_is
    """How this door says what went wrong, where it is not said as everywhere."""

    async def serve(self, scope: Scope, receive: Receive, send: Send, handle: Handle) -> None:
        """Answer one request, whatever happens."""
        request = Request(scope, receive)
        context = self.contexts.of(request)
        arrived = self.gate.clock.monotonic()
        response = await self._answer(request, context, handle)
        if "x-request-id" not in response.headers:
            response.raw_headers.append((b"x-request-id", context.request_id.encode("ascii")))
        # Objects hold whatever their senders put into them: a browser must not guess that it is a page.
        response.raw_headers.append((b"x-content-type-options", b"nosniff"))
        handler = scope.get(_HANDLER, "none")
        metrics.answered(handler, response.status_code, self.gate.clock.monotonic() - arrived)
        try:
            await response(scope, receive, send)
        except PacsgateError as raised:
            # The server ends the connection of a body that stops short, so that nobody takes it for whole.
            _log.info("answer cut off", request_id=context.request_id, **_told(raised))
            await self._look_again_if_gone(raised, request, context)

    def archive_of(self, subject: Subject) -> ArchiveName | None:
        """The archive that somebody means here; `None` for one that is not there or another tenant's."""
        if self.mount is None:
            return None
        gate = self.gate
        return self.mount.archive_of(TenantScope(subject.tenant), gate.tenant_archives, gate.orthancs)

    def threads_at(self, archive: ArchiveName) -> Threads:
        """For whatever may wait for this archive."""
        return self.at_archives.get(archive, self.threads)

    def _circumstances(self, subject: Subject, context: Context, actor: Actor) -> Circumstances:
        return Circumstances(context, actor, subject.tenant, self.archive_of(subject))

    async def unknown_route(self, visit: Visit) -> Response:
        """The recorded answer to what is in no table."""
        actor = claimed_actor(visit.subject.name, visit.context)
        circumstances = self._circumstances(visit.subject, visit.context, actor)
        await self._record_denial(circumstances, visit.request, ReasonCode.UNKNOWN_ROUTE)
        return answers.not_found()

    async def stated(self, visit: Visit) -> Visit | Response:
        """The visit with what the client says of it, or the recorded refusal of a purpose not its own."""
        context = with_statements(visit.context, visit.request.headers, visit.subject)
        if context is not None:
            return replace(visit, context=context)
        actor = actor_of(visit.subject, visit.context)
        circumstances = self._circumstances(visit.subject, visit.context, actor)
        await self._record_denial(circumstances, visit.request, ReasonCode.PURPOSE_NOT_HELD)
        return answers.forbidden("this account may not ask for this purpose of use")

    async def _answer(self, request: Request, context: Context, handle: Handle) -> Response:
        try:
            visit = await self._admit(request, context)
            return visit if isinstance(visit, Response) else await handle(visit)
        except PacsgateError as raised:
            _log.info("request failed", request_id=context.request_id, **_told(raised))
            await self._look_again_if_gone(raised, request, context)
            return self.retell(request, answers.error(raised))
        except Exception:  # noqa: BLE001 - the outermost edge: whatever broke, the answer is no
            _log.exception("request broke", request_id=context.request_id)
            return self.retell(request, await self._broken(request, context))

    async def _admit(self, request: Request, context: Context) -> Visit | Response:
        # Two fields make one value (RFC 9110 5.2), which is then no credential: which of them would count?
        authorization = ", ".join(request.headers.getlist("authorization")) or None
        cookie = request.cookies.get(COOKIE_NAME) if self.accepts_cookies else None
        certificate = client_certificate(request, self.gate.settings) if self.accepts_cookies else None
        credentials = read_credentials(authorization, cookie, certificate)
        subject = await self._subject(credentials, context)
        if isinstance(subject, AuthenticationFailed) or credentials is None:
            return self.retell(request, await self._turned_away(subject, request, context))
        lacking = await self._lacking(subject, context)
        if lacking is not None:
            circumstances = self._circumstances(subject, context, actor_of(subject, context))
            await self._record_denial(circumstances, request, ReasonCode.STEP_UP_REQUIRED)
            return self.retell(request, answers.step_up(lacking, error="mfa_required"))
        parameters = read_query_string(request.scope["query_string"])
        refuse_method_override(request.headers.keys(), (name for name, _ in parameters))
        refuse_cross_site(request, self.gate.settings)
        return Visit(request, context, credentials, subject, parameters)

    async def _turned_away(
        self, failed: Subject | AuthenticationFailed, request: Request, context: Context
    ) -> Response:
        if not isinstance(failed, AuthenticationFailed):
            raise TypeError("a subject without a credential")
        if failed.kind is FailureKind.NO_CREDENTIAL:
            await self._record_claimed(NOBODY, request, context, ReasonCode.NO_CREDENTIAL)
        navigates = request.headers.get("sec-fetch-mode", "navigate") == "navigate"
        by_script = not navigates and not self.invites_scripts
        by_token = request.headers.get("authorization", "").lower().startswith("bearer ")
        return answers.unauthenticated(failed, by_script=by_script, by_token=by_token)

    async def _subject(
        self, credentials: Credentials | None, context: Context
    ) -> Subject | AuthenticationFailed:
        authenticator = self.gate.authenticator
        if credentials is not None:
            remembered = authenticator.recall(credentials, context)
            if remembered is None and await self.passwords.wait_for(credentials):
                remembered = authenticator.recall(credentials, context)
            if remembered is not None:
                return remembered
        with self.passwords.check(credentials):
            return await self.threads.run(partial(authenticator.authenticate, credentials, context))

    async def _lacking(self, subject: Subject, context: Context) -> Strength | None:
        """What the subject must prove before anything else."""
        scope, policies = TenantScope(subject.tenant), self.gate.policies
        demands = policies.recall_demands(scope, subject, context)
        if demands is None:
            try:
                demands = await self.threads.run(partial(policies.demands, scope, subject, context))
            except NoPolicyError:
                return None  # and nothing is allowed
        return demands.for_anything()

    async def _look_again_if_gone(self, raised: PacsgateError, request: Request, context: Context) -> None:
        """What the archive lost must leave the index too, or every list would go on promising it."""
        if not isinstance(raised, GoneError):
            return
        for named in named_studies(request):
            look_again = partial(
                self.gate.freshness.look_again, named.scope, named.archive, named.study_instance_uid
            )
            try:
                await self.threads_at(named.archive).run(look_again)
            except PacsgateError as failed:
                _log.info("gone study not looked into", request_id=context.request_id, **_told(failed))

    async def _broken(self, request: Request, context: Context) -> Response:
        try:
            await self._record_claimed("(unknown)", request, context, ReasonCode.INTERNAL_ERROR)
        except RecordError as unwritable:
            return answers.error(unwritable)
        return answers.internal_error()

    async def _record_claimed(self, name: str, request: Request, context: Context, code: ReasonCode) -> None:
        archive = None if self.mount is None else self.mount.archive
        circumstances = Circumstances(context, claimed_actor(name, context), archive=archive)
        await self._record_denial(circumstances, request, code)

    async def _record_denial(self, circumstances: Circumstances, request: Request, code: ReasonCode) -> None:
        event = circumstances.denial((Reason(code),), details={"method": request.method})
        await completed(self.gate.trail.submit(event))


def _told(raised: PacsgateError) -> dict[str, object]:
    """What the log may hold of an error: the text of a request's error quotes the request."""
    if isinstance(raised, RequestError):
        return {"status": raised.status, "detail": raised.detail}
    return {"error": raised.public, "detail": raised.detail}
