"""The whole HTTP door: which path belongs to whom.

Requests of the dialects are told apart by their raw path, before anybody decodes it.
Everything else (health, pages, the viewer) is a small Starlette application
that `bootstrap` puts together.

Called by `bootstrap`.

Invariants:
- a listener that mounts `/` serves no page, whatever its path;
- a listener that redirects serves nothing, and believes nothing that is sent to it.
"""

from dataclasses import replace
from typing import assert_never

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pacsgate.gateway.http import answers
from pacsgate.gateway.http.dicomweb.door import DicomWebDoor
from pacsgate.gateway.http.edge import Edge
from pacsgate.gateway.http.mounts import Dialect, Listeners, Mount
from pacsgate.gateway.http.orthanc.door import OrthancDoor
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.settings import HttpSettings
from pacsgate.gateway.http.statements import PURPOSE, REASON
from pacsgate.gateway.http.threads import Threads
from pacsgate.gateway.http.transport_security import came_securely, elsewhere, strictly
from pacsgate.gateway.http.wiring import Gate

THREADS = 16
"""Blocking work at a time in one worker: who asks and what is found, and as much again for each archive."""

EXPOSED_HEADERS = ("Content-Location", "Location", "Warning", "X-Request-Id")


class HttpDoor:
    """The ASGI application of one worker."""

    def __init__(self, gate: Gate, pages: Starlette, contexts: RequestContexts, listeners: Listeners) -> None:
        self._gate = gate
        self._pages = pages
        self._contexts = contexts
        self._listeners = listeners
        self._threads = Threads(THREADS)
        self._at_archive = {name: Threads(THREADS) for name in gate.archives}
        tables = [listener.table for listener in listeners.listeners]
        self._doors = {
            (mount, table.public_url): self._make(mount, table.public_url)
            for table in tables
            for mount in table.mounts
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the door its path names."""
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
            return
        table = self._listeners.table(tuple(scope["server"]))
        if table.only_redirects:
            await elsewhere(scope, table.public_url or "")(scope, receive, send)
            return
        if table.is_strict and came_securely(scope, self._gate.settings.trusted_proxies):
            send = strictly(send)
        mount = table.find(scope["raw_path"])
        if mount is not None:
            door = self._doors.get((mount, table.public_url)) or self._make(mount, table.public_url)
        else:
            door = self._pages if table.has_pages else _nothing()
        await door(scope, receive, send)

    def _make(self, mount: Mount, public_url: str | None) -> ASGIApp:
        gate = replace(self._gate, settings=replace(self._gate.settings, public_url=public_url))
        edge = Edge(
            gate,
            self._contexts,
            self._threads,
            mount,
            self._at_archive,
            invites_scripts=mount.dialect is Dialect.ORTHANC,
        )
        match mount.dialect:
            case Dialect.DICOMWEB:
                return DicomWebDoor(edge, mount.path)
            case Dialect.ORTHANC:
                return OrthancDoor(edge, mount.path)
            case _:
                assert_never(mount.dialect)


def _nothing() -> Response:
    """A path that cannot be below `/`, such as the `*` of OPTIONS."""
    return answers.not_found()


def with_cors(app: ASGIApp, settings: HttpSettings) -> ASGIApp:
    """Let the configured origins, and no others, call from their own pages."""
    if not settings.cors_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.cors_origins,
        allow_methods=("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"),
        allow_headers=("Accept", "Authorization", "Content-Type", PURPOSE, REASON),
        allow_credentials=True,
        expose_headers=EXPOSED_HEADERS,
    )
