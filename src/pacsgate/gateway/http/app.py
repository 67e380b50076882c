"""The whole HTTP door: which path belongs to whom.

DICOMweb requests are told apart by their raw path, before anybody decodes it.
Everything else (health, pages, the viewer) is a small Starlette application
that `bootstrap` puts together.

Called by `bootstrap`.

Invariants:
- a path reaches the DICOMweb door only if its prefix is spelled plainly; a
  percent-encoded spelling of the prefix is an unknown page.
"""

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from pacsgate.gateway.http.dicomweb import DicomWebDoor
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.settings import HttpSettings
from pacsgate.gateway.http.statements import PURPOSE, REASON
from pacsgate.gateway.http.threads import Threads
from pacsgate.gateway.http.wiring import Gate
from pacsgate.model.resource import ArchiveName

_DICOMWEB = b"/dicom-web"
_ARCHIVES = b"/archives/"

THREADS = 16
"""Blocking work at a time in one worker: who asks and what is found, and as much again for each archive."""

EXPOSED_HEADERS = ("Content-Location", "Location", "Warning", "X-Request-Id")


class HttpDoor:
    """The ASGI application of one worker."""

    def __init__(self, gate: Gate, pages: Starlette, contexts: RequestContexts) -> None:
        self._gate = gate
        self._pages = pages
        self._contexts = contexts
        self._threads = Threads(THREADS)
        self._at_archive = {name: Threads(THREADS) for name in gate.archives}
        self._main = self._make(gate.settings.main_archive, _DICOMWEB)
        self._archives = {name.encode("ascii"): self._make(name, _mount(name)) for name in gate.archives}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the door its path names."""
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
            return
        door = self._door(scope["raw_path"])
        await (door or self._pages)(scope, receive, send)

    def _door(self, raw_path: bytes) -> DicomWebDoor | None:
        if _is_below(raw_path, _DICOMWEB):
            return self._main
        if raw_path.startswith(_ARCHIVES):
            name = raw_path[len(_ARCHIVES) :].partition(b"/")[0]
            mount = _ARCHIVES + name + _DICOMWEB
            if _is_below(raw_path, mount):
                return self._archives.get(name) or self._make(None, mount)
        return None

    def _make(self, archive: ArchiveName | None, mount: bytes) -> DicomWebDoor:
        # An archive that hangs keeps its own threads waiting, and nobody else's.
        at_archive = self._threads if archive is None else self._at_archive[archive]
        return DicomWebDoor(self._gate, archive, mount, self._threads, at_archive, self._contexts)


def _mount(name: ArchiveName) -> bytes:
    return _ARCHIVES + name.encode("ascii") + _DICOMWEB


def _is_below(raw_path: bytes, mount: bytes) -> bool:
    return raw_path == mount or raw_path.startswith(mount + b"/")


def with_cors(app: ASGIApp, settings: HttpSettings) -> ASGIApp:
    """Let the configured origins, and no others, call from their own pages."""
    if not settings.cors_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.cors_origins,
        allow_methods=("GET", "HEAD", "POST", "DELETE", "OPTIONS"),
        allow_headers=("Accept", "Authorization", "Content-Type", PURPOSE, REASON),
        allow_credentials=True,
        expose_headers=EXPOSED_HEADERS,
    )
