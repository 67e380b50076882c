"""The table: every operation of Orthanc's REST API that the gate knows, and what reaches it.

A request is a row of `ROUTES` or it is nothing.

Compiled and matched by `routing`; read by the documentation and by the tests, which hold it
against what `Orthanc --openapi` lists and against a second table written by hand.

Standard: Orthanc's OpenAPI document (1.10.1) and the sources of 1.11 to 1.13; the DICOMweb plugin.
"""

from pacsgate.protocols.orthanc import (
    route_bytes,
    route_partners,
    route_parts,
    route_resources,
    route_system,
    route_tools,
)
from pacsgate.protocols.orthanc.routes import Handler, Route

ROUTES: tuple[Route, ...] = (
    *route_resources.ROUTES,
    *route_parts.ROUTES,
    *route_bytes.ROUTES,
    *route_tools.ROUTES,
    *route_partners.ROUTES,
    *route_system.ROUTES,
)


def operations_below(template: str) -> tuple[str, ...]:
    """Return what Orthanc lists for a path that only leads on: the words that may follow it, sorted."""
    prefix = f"{template}/"
    words = {
        route.template.removeprefix(prefix).partition("/")[0]
        for route in ROUTES
        if route.template.startswith(prefix) and route.handler is not Handler.DENIED
    }
    return tuple(sorted(word for word in words if not word.startswith("{")))
