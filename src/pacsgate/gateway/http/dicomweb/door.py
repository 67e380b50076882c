"""The DICOMweb door: a request is a row of the route table, or it is denied.

Who asks has been settled at the edge.  Here the path is read once, matched once, and
the row's handler does the rest.

Called by `app`; calls one handler module for each kind of transaction.

Invariants:
- an unknown route is answered like a missing resource, after the same authentication.

Standard: PS3.18 section 8 (DICOM Web Services).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pacsgate.gateway.http.dicomweb.capabilities import capabilities
from pacsgate.gateway.http.dicomweb.delete import delete
from pacsgate.gateway.http.dicomweb.images import rendered, thumbnail
from pacsgate.gateway.http.dicomweb.metadata import metadata
from pacsgate.gateway.http.dicomweb.pixels import bulkdata, frames, pixeldata
from pacsgate.gateway.http.dicomweb.retrieve import retrieve
from pacsgate.gateway.http.dicomweb.search import search
from pacsgate.gateway.http.dicomweb.store import store
from pacsgate.gateway.http.dicomweb.wado_uri import wado_uri
from pacsgate.gateway.http.edge import Edge, Visit
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.not_implemented import not_implemented
from pacsgate.gateway.http.own_url import own_url
from pacsgate.model.context import RequestLine
from pacsgate.protocols.dicomweb.routes import Handler
from pacsgate.protocols.dicomweb.routing import RouteMatch, match
from pacsgate.protocols.dicomweb.wado_uri import asks_for_wado
from pacsgate.protocols.paths import DICOMWEB_ROOT, canonical_path, seen_by_archive

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
    """Serves one archive below one path: who has none there is authenticated, then finds nothing."""

    edge: Edge
    mount: bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self.edge.serve(scope, receive, send, self._handle)

    async def _handle(self, visit: Visit) -> Response:
        edge, request = self.edge, visit.request
        archive = edge.archive_of(visit.subject)
        if archive is None:
            return await edge.unknown_route(visit)
        path = canonical_path(request.scope["raw_path"][len(self.mount) :])
        found = match(request.method, path, wado_uri=asks_for_wado(visit.parameters))
        if found is None:
            return await edge.unknown_route(visit)
        visit.note_handler(found.route.handler.value)
        stated = await edge.stated(visit)
        if isinstance(stated, Response):
            return stated
        exchange = Exchange(
            gate=edge.gate,
            threads=edge.threads,
            archive_threads=edge.threads_at(archive),
            request=request,
            context=replace(
                stated.context, request=RequestLine(request.method, seen_by_archive(path, root=DICOMWEB_ROOT))
            ),
            credentials=visit.credentials,
            subject=visit.subject,
            archive=archive,
            parameters=visit.parameters,
            root=own_url(request, edge.gate.settings) + self.mount.decode("ascii"),
        )
        handle = (
            _HANDLERS.get(found.route.handler, not_implemented)
            if found.route.implemented
            else not_implemented
        )
        return await handle(exchange, found)
