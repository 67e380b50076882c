"""What this gate serves, said from the same table that serves it.

Two forms: JSON for people and programs, and the WADL that the standard asks
for.  Rows that would be answered 501 are not listed.

Called by the HTTP gateway for `GET /` and `OPTIONS /`.

Standard: PS3.18 8.9 (capabilities), Annex H (WADL).
"""

from xml.etree.ElementTree import Element, SubElement, tostring

import msgspec

from pacsgate.protocols.dicomweb.offers import offers
from pacsgate.protocols.dicomweb.routes import ROUTES, Route

_WADL = "http://wadl.dev.java.net/2009/02"


def capabilities_json(service: str) -> bytes:
    """Return each resource with its methods and the media types it can be sent in."""
    resources = [
        {
            "path": template,
            "methods": [
                {
                    "method": route.method,
                    "name": route.route_id,
                    "standard": f"PS3.18 {route.standard}" if route.standard != "none" else None,
                    "mediaTypes": _media_types(route),
                }
                for route in routes
            ],
        }
        for template, routes in _by_template().items()
    ]
    return msgspec.json.encode({"service": service, "resources": resources})


def capabilities_wadl(base: str) -> bytes:
    """Return the same as WADL.  `base` is the URL of the mount."""
    application = Element("application", {"xmlns": _WADL})
    root = _below(application, "resources", base=base)
    for template, routes in _by_template().items():
        path, _, query = template.partition("?")
        resource = _below(root, "resource", path=path.removeprefix("/"))
        for route in routes:
            method = _below(resource, "method", name=route.method, id=route.route_id)
            if query:
                name, _, value = query.partition("=")
                request = _below(method, "request")
                _below(request, "param", name=name, style="query", fixed=value)
            response = _below(method, "response")
            for media in _media_types(route):
                _below(response, "representation", mediaType=media)
    document: bytes = tostring(application, encoding="utf-8", xml_declaration=True)
    return document


def _by_template() -> dict[str, list[Route]]:
    grouped: dict[str, list[Route]] = {}
    for route in ROUTES:
        if route.implemented:
            grouped.setdefault(route.template, []).append(route)
    return grouped


def _media_types(route: Route) -> list[str]:
    # With one frame every form of a row is on offer.
    return [offer.spelled for offer in offers(route, frames=1)]


def _below(parent: Element, tag: str, **attributes: str) -> Element:
    return SubElement(parent, tag, attributes)
