"""What this gate serves, for whoever may do anything here at all.

Standard: PS3.18 section 8.9 (capabilities).
"""

from starlette.responses import Response

from pacsgate.gateway.http.exchange import Exchange
from pacsgate.model.actions import ALL_ACTIONS
from pacsgate.protocols.dicomweb.capabilities import capabilities_json, capabilities_wadl
from pacsgate.protocols.dicomweb.media_types import MediaType
from pacsgate.protocols.dicomweb.routing import RouteMatch
from pacsgate.services.resolve import Answer, Refusal


async def capabilities(exchange: Exchange, found: RouteMatch) -> Response:
    """Describe the resources, in JSON or WADL."""
    representation = exchange.representations(found)[0]
    bound = await exchange.in_thread(exchange.bind)
    never = [bound.could(action) for action in sorted(ALL_ACTIONS)]
    denied = [deny for deny in never if deny is not None]
    if len(denied) == len(never):
        refusal = Refusal(Answer.FORBIDDEN, denied[0].reasons, denied[0].revision)
        return await exchange.refuse(refusal, bound, action=None)
    if representation.media is MediaType.WADL:
        return Response(capabilities_wadl(exchange.root), headers={"Content-Type": MediaType.WADL})
    return Response(capabilities_json("pacsgate"), headers={"Content-Type": representation.media})
