"""The DICOMweb door: a request is a row of the route table, or it is denied.

Who asks comes first: without a credential nothing is parsed and nothing is
told.  Then the path is read once, matched once, and the row's handler does the
rest.  Every error of ours has its answer in `answers`; what is left ends here,
denied and recorded.

Called by `app`; calls one handler module for each kind of transaction.

Invariants:
- an unknown route is answered like a missing resource, after the same authentication;
- an exception that nobody expected is a denial with an event, never a half answer.

Standard: PS3.18 section 8 (DICOM Web Services).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pacsgate.gateway.http import answers, metrics
from pacsgate.gateway.http.dicomweb_capabilities import capabilities
from pacsgate.gateway.http.dicomweb_delete import delete
from pacsgate.gateway.http.dicomweb_images import rendered, thumbnail
from pacsgate.gateway.http.dicomweb_metadata import metadata
from pacsgate.gateway.http.dicomweb_pixels import bulkdata, frames, pixeldata
from pacsgate.gateway.http.dicomweb_retrieve import retrieve
from pacsgate.gateway.http.dicomweb_search import search
from pacsgate.gateway.http.dicomweb_store import store
from pacsgate.gateway.http.dicomweb_wado_uri import wado_uri
from pacsgate.gateway.http.exchange import Exchange, named_study
from pacsgate.gateway.http.not_implemented import not_implemented
from pacsgate.gateway.http.own_url import own_url
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.statements import with_statements
from pacsgate.gateway.http.threads import Threads, completed
from pacsgate.gateway.http.wiring import Gate
from pacsgate.identity.authenticate import Authenticator
from pacsgate.identity.credentials import Credentials, read_credentials
from pacsgate.identity.sessions import COOKIE_NAME
from pacsgate.model.context import Context, RequestLine
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import GoneError, PacsgateError, RecordError, RequestError
from pacsgate.model.resource import ArchiveName
from pacsgate.model.subject import Subject
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.protocols.dicomweb.paths import canonical_path, refuse_method_override, seen_by_archive
from pacsgate.protocols.dicomweb.query_string import read_query_string
from pacsgate.protocols.dicomweb.routes import Handler
from pacsgate.protocols.dicomweb.routing import RouteMatch, match
from pacsgate.protocols.dicomweb.wado_uri import asks_for_wado
from pacsgate.services.record import Circumstances, actor_of, claimed_actor

_log = structlog.get_logger("pacsgate.gateway")

_HANDLER = "pacsgate.handler"
"""Where the matched row's handler is noted in the ASGI scope, for the metrics."""

Handle = Callable[[Exchange, RouteMatch], Awaitable[Response]]

_HANDLERS: Mapping[Handler, Handle] = {
    Handler.CAPABILITIES: capabilities,
    Handler.SEARCH: search,
    Handler.RETRIEVE: retrieve,
    Handler.METADATA: metadata,
    Handler.FRAMES: frames,
    Handler.BULKDATA: bulkdata,
    Handler.PIXELDATA: pixeldata,
    Handler.RENDERED: rendered,
    Handler.THUMBNAIL: thumbnail,
    Handler.STORE: store,
    Handler.DELETE: delete,
    Handler.WADO_URI: wado_uri,
}


@dataclass(frozen=True, slots=True)
class DicomWebDoor:
    """Serves one archive below one path."""

    gate: Gate
    archive: ArchiveName | None
    """`None` for an archive that is not configured: authenticated, then not found."""
    mount: bytes
    threads: Threads
    archive_threads: Threads
    """For whatever may wait for the archive."""
    contexts: RequestContexts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        request = Request(scope, receive)
        context = self.contexts.of(request)
        arrived = self.gate.clock.monotonic()
        try:
            response = await self._answer(request, context)
        except PacsgateError as raised:
            _log.info("request failed", request_id=context.request_id, **_told(raised))
            response = answers.error(raised)
            await self._look_again_if_gone(raised, request, context)
        except Exception:  # noqa: BLE001 - the outermost edge: whatever broke, the answer is no
            _log.exception("request broke", request_id=context.request_id)
            response = await self._broken(context)
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

    async def _answer(self, request: Request, context: Context) -> Response:
        # Two fields make one value (RFC 9110 5.2), which is then no credential: which of them would count?
        authorization = ", ".join(request.headers.getlist("authorization")) or None
        credentials = read_credentials(authorization, request.cookies.get(COOKIE_NAME))
        subject = await self._subject(credentials, context)
        if isinstance(subject, AuthenticationFailed):
            if subject.kind is FailureKind.NO_CREDENTIAL:
                await self._record_anonymous(request, context)
            by_script = request.headers.get("sec-fetch-mode", "navigate") != "navigate"
            return answers.unauthenticated(subject, by_script=by_script)
        if credentials is None or self.archive is None:
            return await self._unknown_route(request, subject, context)
        parameters = read_query_string(request.scope["query_string"])
        refuse_method_override(request.headers.keys(), (name for name, _ in parameters))
        path = canonical_path(request.scope["raw_path"][len(self.mount) :])
        found = match(request.method, path, wado_uri=asks_for_wado(parameters))
        if found is None:
            return await self._unknown_route(request, subject, context)
        request.scope[_HANDLER] = found.route.handler.value
        stated = with_statements(context, request.headers, subject)
        if stated is None:
            return await self._purpose_not_held(request, subject, context)
        exchange = Exchange(
            gate=self.gate,
            threads=self.threads,
            archive_threads=self.archive_threads,
            request=request,
            context=replace(stated, request=RequestLine(request.method, seen_by_archive(path))),
            credentials=credentials,
            subject=subject,
            archive=self.archive,
            parameters=parameters,
            root=own_url(request, self.gate.settings) + self.mount.decode("ascii"),
        )
        handle = (
            _HANDLERS.get(found.route.handler, not_implemented)
            if found.route.implemented
            else not_implemented
        )
        return await handle(exchange, found)

    async def _look_again_if_gone(self, raised: PacsgateError, request: Request, context: Context) -> None:
        """What the archive lost must leave the index too, or every list would go on promising it."""
        named = named_study(request)
        if not isinstance(raised, GoneError) or named is None:
            return
        look_again = partial(
            self.gate.freshness.look_again, named.scope, named.archive, named.study_instance_uid
        )
        try:
            await self.archive_threads.run(look_again)
        except PacsgateError as failed:
            _log.info("gone study not looked into", request_id=context.request_id, **_told(failed))

    async def _subject(
        self, credentials: Credentials | None, context: Context
    ) -> Subject | AuthenticationFailed:
        authenticator: Authenticator = self.gate.authenticator
        if credentials is not None:
            remembered = authenticator.recall(credentials, context)
            if remembered is not None:
                return remembered
        return await self.threads.run(partial(authenticator.authenticate, credentials, context))

    async def _unknown_route(self, request: Request, subject: Subject, context: Context) -> Response:
        actor = claimed_actor(subject.name, context)
        await self._record_denial(
            Circumstances(context, actor, subject.tenant, self.archive), request, ReasonCode.UNKNOWN_ROUTE
        )
        return answers.not_found()

    async def _purpose_not_held(self, request: Request, subject: Subject, context: Context) -> Response:
        circumstances = Circumstances(context, actor_of(subject, context), subject.tenant, self.archive)
        await self._record_denial(circumstances, request, ReasonCode.PURPOSE_NOT_HELD)
        return answers.forbidden("this account may not ask for this purpose of use")

    async def _record_anonymous(self, request: Request, context: Context) -> None:
        circumstances = Circumstances(context, claimed_actor("(nobody)", context), archive=self.archive)
        await self._record_denial(circumstances, request, ReasonCode.NO_CREDENTIAL)

    async def _record_denial(self, circumstances: Circumstances, request: Request, code: ReasonCode) -> None:
        event = circumstances.denial((Reason(code),), details={"method": request.method})
        await completed(self.gate.trail.submit(event))

    async def _broken(self, context: Context) -> Response:
        event = Circumstances(context, claimed_actor("(unknown)", context), archive=self.archive).denial(
            (Reason(ReasonCode.INTERNAL_ERROR),)
        )
        try:
            await completed(self.gate.trail.submit(event))
        except RecordError as unwritable:
            return answers.error(unwritable)
        return answers.internal_error()


def _told(raised: PacsgateError) -> dict[str, object]:
    """What the log may hold of an error: the text of a request's error quotes the request."""
    if isinstance(raised, RequestError):
        return {"status": raised.status, "detail": raised.detail}
    return {"error": raised.public, "detail": raised.detail}
