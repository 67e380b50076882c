"""`/modalities`, `/peers`, `/dicom-web/servers`: which partners there are, and nothing that opens them.

Called by `door`.
"""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.model.errors import ArchiveError
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.arguments import read_flag
from pacsgate.protocols.orthanc.partners import public_modality, public_server
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.protocols.query_string import single_values


async def partners(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """The names of all partners of a kind, what they are, or what can be asked of one."""
    public = public_modality if found.route.template.startswith("/modalities") else public_server
    if found.partner is None and read_flag(single_values(exchange.parameters), "expand"):
        every = _mapping(await _ask(exchange, found, expand=True))
        return exchange.json({name: public(_mapping(each)) for name, each in every.items()})
    answer = await _ask(exchange, found)
    if found.operation == "configuration":
        return exchange.json(public(_mapping(answer)))
    if not isinstance(answer, list):
        raise ArchiveError("the archive answered with what is no list")
    return exchange.json([each for each in answer if isinstance(each, str)])


async def _ask(exchange: OrthancExchange, found: OrthancMatch, *, expand: bool = False) -> object:
    query = (("expand", ""),) if expand else ()
    return await exchange.ask_json(OrthancRequest("GET", found.path, query=query))


def _mapping(answer: object) -> Mapping[str, Any]:
    if not isinstance(answer, dict):
        raise ArchiveError("the archive answered with what is no object")
    return answer
