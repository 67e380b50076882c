"""Bytes that nginx sends: the gate decides and records, and tells nginx where it finds them.

The answer has no body but an `X-Accel-Redirect` to an internal location of nginx, which leads to
Orthanc.  Only what leaves whole and unchanged is handed over, one named object at a time, and
only to a configured proxy; everybody else, and everything else, gets its bytes from the gate.

What the gate does not send, it can neither count nor cut off: the record says how many instances were
handed over, and an answer that has begun goes on when access is withdrawn.

Called by `single_object` and the handler of Orthanc's pictures.

Invariants:
- a path is made of identifiers that the gate computed; of the client's request nothing is in it but
  the arguments that the caller lists.

Standard: nginx, ngx_http_proxy_module, `X-Accel-Redirect`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from urllib.parse import quote, urlencode

from starlette.responses import Response

from pacsgate.gateway.http.client_address import is_from_proxy
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.reading import Readings
from pacsgate.gateway.http.streams import NO_STORE
from pacsgate.services.resolve import Part


def nginx_location(exchange: Exchange) -> str | None:
    """Where nginx finds this archive, if nginx may be told to send something of it; else `None`."""
    location = exchange.gate.settings.offloads.get(exchange.archive)
    if location is None or exchange.request.method != "GET":
        return None
    return location if is_from_proxy(exchange.request, exchange.gate.settings.trusted_proxies) else None


def hand_over(
    readings: Readings,
    part: Part,
    target: str,
    *,
    query: Sequence[tuple[str, str]] = (),
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """The answer that makes nginx send what it finds at `target`.  `readings` are counted and left."""
    readings.handed_over(part)
    readings.leave()
    arguments = f"?{urlencode(query, quote_via=quote)}" if query else ""
    return Response(headers={**NO_STORE, **headers, "X-Accel-Redirect": quote(target) + arguments})
