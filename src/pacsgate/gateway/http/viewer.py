"""The OHIF viewer, where it is installed, configured for this gate.

The viewer runs in the browser with the user's own session: it sees what the
user sees.  Its files are public; only its configuration is ours.

Called by `bootstrap`; `pacsgate viewer install` puts the files in place.

Invariants:
- the viewer's page opens for a session only; anybody else is sent to sign in;
- what runs in it can load from, and send to, this gate alone.

Standard: Content Security Policy Level 3; HTML, cross-origin isolation.
"""

import base64
import hashlib
import re
from pathlib import Path

import anyio
import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.wiring import Gate
from pacsgate.identity.credentials import read_credentials
from pacsgate.identity.sessions import COOKIE_NAME
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Subject

_MOUNT = "/viewer"
_PAGE = "index.html"
_SIGN_IN = "/sign-in"
_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def viewer_routes(gate: Gate) -> list[Mount | Route]:
    """The routes of the viewer; none where none is configured."""
    directory = gate.settings.viewer
    if directory is None:
        return []
    headers = _headers((directory / _PAGE).read_bytes())

    async def configuration(_request: Request) -> Response:
        return Response(_CONFIGURATION, media_type="text/javascript", headers=headers)

    return [
        Route(f"{_MOUNT}/app-config.js", configuration),
        Mount(_MOUNT, _Viewer(gate, directory, headers)),
    ]


class _Viewer(StaticFiles):
    """Serves the viewer's files, and its one page for every path that does not name a file."""

    def __init__(self, gate: Gate, directory: Path, headers: dict[str, str]) -> None:
        super().__init__(directory=directory)
        self._gate = gate
        self._headers = headers
        self._contexts = RequestContexts(gate.settings, gate.clock)

    async def get_response(self, path: str, scope: Scope) -> Response:
        if Path(path).suffix:
            response = await super().get_response(path, scope)
        elif await self._has_session(Request(scope)):
            response = await super().get_response(_PAGE, scope)
        else:
            response = RedirectResponse(_SIGN_IN, status_code=303)
        response.headers.update(self._headers)
        return response

    async def _has_session(self, request: Request) -> bool:
        return await anyio.to_thread.run_sync(self._may_look, request)

    def _may_look(self, request: Request) -> bool:
        """Whether somebody has signed in, by all that is demanded; the sign-in page knows what is lacking."""
        credentials = read_credentials(request.headers.get("authorization"), request.cookies.get(COOKIE_NAME))
        context = self._contexts.of(request)
        found = self._gate.authenticator.authenticate(credentials, context)
        if not isinstance(found, Subject):
            return False
        scope = TenantScope(found.tenant)
        return self._gate.policies.demands(scope, found, context).for_anything() is None


def _headers(page: bytes) -> dict[str, str]:
    """The headers of every file: workers obey their own file's, not the page's."""
    inline = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode('ascii')}'"
        for script in _INLINE_SCRIPT.findall(page)
    )
    policy = {
        "default-src": "'self'",
        # The codecs are WebAssembly whose glue makes functions from strings.
        "script-src": f"'self' 'unsafe-eval' {inline}",
        "worker-src": "'self' blob:",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' blob: data:",
        "connect-src": "'self' blob: data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        # Builds follow one another under the same names, with file times that say nothing.
        "Cache-Control": "no-cache",
        "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in policy.items()),
        # Volumes are memory that the page shares with its workers.
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


_SOURCE = {
    "routerBasename": f"{_MOUNT}/",
    "extensions": [],
    "modes": [],
    "showStudyList": True,
    "showWarningMessageForCrossOrigin": False,
    "showCPUFallbackMessage": False,
    "strictZSpacingForVolumeViewport": True,
    "investigationalUseDialog": {"option": "never"},
    # The guided tour covers the first image that anybody opens.
    "customizationService": {"global": {"ohif.tours": {"$set": []}}},
    "defaultDataSourceName": "pacsgate",
    "dataSources": [
        {
            "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
            "sourceName": "pacsgate",
            "configuration": {
                "friendlyName": "pacsgate",
                "name": "pacsgate",
                "qidoRoot": "/dicom-web",
                "wadoRoot": "/dicom-web",
                "wadoUriRoot": "/dicom-web",
                "qidoSupportsIncludeField": True,
                "imageRendering": "wadors",
                "thumbnailRendering": "wadors",
                "enableStudyLazyLoad": True,
                "supportsFuzzyMatching": False,
                "supportsWildcard": True,
                "omitQuotationForMultipartRequest": True,
                "bulkDataURI": {"enabled": True},
            },
        }
    ],
}
# A session that has ended ends the viewer too.
_CONFIGURATION = b"window.config = %s;\nwindow.config.httpErrorHandler = %s;\n" % (
    msgspec.json.encode(_SOURCE),
    b'error => { if (error.status === 401) location.assign("%s"); }' % _SIGN_IN.encode("ascii"),
)
