"""DELETE of a study, series or instance.

Standard: none; what dcm4chee, Google and Azure agree on and dicomweb-client sends.
"""

from starlette.responses import Response

from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.named import named_key
from pacsgate.model.actions import Action
from pacsgate.policy.engine import Bound
from pacsgate.protocols.dicomweb.routing import RouteMatch
from pacsgate.services.resolve import Reach, Refusal


async def delete(exchange: Exchange, found: RouteMatch) -> Response:
    """Remove what is named, if every part of it may be removed: 204."""
    key = named_key(found)

    def work() -> tuple[Bound, Reach | Refusal]:
        bound = exchange.bind()
        return bound, exchange.gate.delete.delete(
            exchange.scope, exchange.archive, key, bound, exchange.circumstances(bound)
        )

    bound, outcome = await exchange.at_archive(work)
    if isinstance(outcome, Refusal):
        return await exchange.refuse(
            outcome, bound, action=Action.DELETE, study_instance_uid=key.study_instance_uid
        )
    return Response(status_code=204, headers={"Cache-Control": "no-store"})
