"""The Orthanc door: a request is a row of the table of Orthanc's REST API, or it is denied.

Who asks has been settled at the edge.  Here the path is read once and matched once; a
row whose needs the subject could never meet is refused before anything is looked up.  What the row needs on
images is the handler's to ask, of everything that path, query and body name.

Called by `app`; calls one handler for each kind of row.

Invariants:
- an unknown route is answered like a missing resource, after the same authentication;
- no path of a client reaches Orthanc: handlers make what they ask.

Standard: Orthanc's REST API (protocols.orthanc.routes).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pacsgate.gateway.http.edge import Edge, Visit
from pacsgate.gateway.http.orthanc.archive import archive
from pacsgate.gateway.http.orthanc.attachments import attachment
from pacsgate.gateway.http.orthanc.bulk_content import bulk_content
from pacsgate.gateway.http.orthanc.bytes import file
from pacsgate.gateway.http.orthanc.commitments import commitment
from pacsgate.gateway.http.orthanc.counts import resource_statistics_of, statistics
from pacsgate.gateway.http.orthanc.create import create
from pacsgate.gateway.http.orthanc.delete import bulk_delete, delete
from pacsgate.gateway.http.orthanc.documents import relatives, resource
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.images import image
from pacsgate.gateway.http.orthanc.jobs import job
from pacsgate.gateway.http.orthanc.labelling import write_label
from pacsgate.gateway.http.orthanc.lists import count, find, listed
from pacsgate.gateway.http.orthanc.lookup import changes, lookup
from pacsgate.gateway.http.orthanc.merge import merge, split
from pacsgate.gateway.http.orthanc.metadata import frames, labels, metadata, slices
from pacsgate.gateway.http.orthanc.modify import bulk_modify, modified_file, modify
from pacsgate.gateway.http.orthanc.modules import module
from pacsgate.gateway.http.orthanc.operate import exports, operate
from pacsgate.gateway.http.orthanc.partners import partners
from pacsgate.gateway.http.orthanc.queries import query
from pacsgate.gateway.http.orthanc.remote import remote
from pacsgate.gateway.http.orthanc.send import send
from pacsgate.gateway.http.orthanc.straight import send_straight
from pacsgate.gateway.http.orthanc.system import denied, operations, static, system, wado_uri
from pacsgate.gateway.http.orthanc.tags import tags
from pacsgate.gateway.http.orthanc.upload import upload
from pacsgate.gateway.http.orthanc.writes import protection, reconstruct, write_attachment, write_metadata
from pacsgate.gateway.http.own_url import own_url
from pacsgate.model.context import RequestLine
from pacsgate.protocols.orthanc.routes import Handler
from pacsgate.protocols.orthanc.routing import OrthancMatch, match
from pacsgate.protocols.paths import canonical_path, seen_by_archive

Handle = Callable[[OrthancExchange, OrthancMatch], Awaitable[Response]]

_HANDLERS: Mapping[Handler, Handle] = {
    Handler.LIST: listed,
    Handler.RESOURCE: resource,
    Handler.RELATIVES: relatives,
    Handler.TAGS: tags,
    Handler.MODULE: module,
    Handler.SLICES: slices,
    Handler.FRAMES: frames,
    Handler.FIND: find,
    Handler.LOOKUP: lookup,
    Handler.COUNT: count,
    Handler.BULK_CONTENT: bulk_content,
    Handler.CHANGES: changes,
    Handler.STATISTICS: statistics,
    Handler.RESOURCE_STATISTICS: resource_statistics_of,
    Handler.METADATA: metadata,
    Handler.LABELS: labels,
    Handler.SYSTEM: system,
    Handler.OPERATIONS: operations,
    Handler.STATIC: static,
    Handler.WADO_URI: wado_uri,
    Handler.DENIED: denied,
    Handler.FILE: file,
    Handler.IMAGE: image,
    Handler.ATTACHMENT: attachment,
    Handler.ARCHIVE: archive,
    Handler.UPLOAD: upload,
    Handler.CREATE: create,
    Handler.DELETE: delete,
    Handler.BULK_DELETE: bulk_delete,
    Handler.WRITE_METADATA: write_metadata,
    Handler.WRITE_ATTACHMENT: write_attachment,
    Handler.WRITE_LABEL: write_label,
    Handler.PROTECTION: protection,
    Handler.RECONSTRUCT: reconstruct,
    Handler.MODIFY: modify,
    Handler.BULK_MODIFY: bulk_modify,
    Handler.MODIFIED_FILE: modified_file,
    Handler.MERGE: merge,
    Handler.SPLIT: split,
    Handler.SEND: send,
    Handler.SEND_STRAIGHT: send_straight,
    Handler.COMMITMENT: commitment,
    Handler.PARTNERS: partners,
    Handler.REMOTE: remote,
    Handler.QUERY: query,
    Handler.JOB: job,
    Handler.CONFIGURE: operate,
    Handler.OPERATE: operate,
    Handler.EXPORTS: exports,
}


@dataclass(frozen=True, slots=True)
class OrthancDoor:
    """Serves one archive of kind `orthanc` below one path; without one everything is not found."""

    edge: Edge
    mount: bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self.edge.serve(scope, receive, send, self._handle)

    async def _handle(self, visit: Visit) -> Response:
        edge, request = self.edge, visit.request
        here = edge.archive_of(visit.subject)
        orthanc = None if here is None else edge.gate.orthancs.get(here)
        if here is None or orthanc is None:
            return await edge.unknown_route(visit)
        path = canonical_path(request.scope["raw_path"][len(self.mount) :], slash_may_end=True)
        found = match(request.method, path)
        if found is None:
            return await edge.unknown_route(visit)
        visit.note_handler(f"orthanc-{found.route.handler}")
        stated = await edge.stated(visit)
        if isinstance(stated, Response):
            return stated
        mount = self.mount.decode("ascii")
        exchange = OrthancExchange(
            gate=edge.gate,
            threads=edge.threads,
            archive_threads=edge.threads_at(here),
            request=request,
            context=replace(
                stated.context, request=RequestLine(request.method, seen_by_archive(path, root=""))
            ),
            credentials=visit.credentials,
            subject=visit.subject,
            archive=here,
            parameters=visit.parameters,
            root=own_url(request, edge.gate.settings) + mount,
            orthanc=orthanc,
            mount=mount,
        )
        return await exchange.refuse_unmet(found.route.needs) or await _HANDLERS[found.route.handler](
            exchange, found
        )
