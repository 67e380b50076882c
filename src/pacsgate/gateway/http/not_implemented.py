"""Rows that stand in the table and have no implementation: authorised, then 501.

Only somebody who could have it learns that it is missing; everybody else gets
the refusal that they would get if it were there.

Called by the DICOMweb door.
"""

from starlette.responses import Response

from pacsgate.gateway.http import answers
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.model.actions import Action
from pacsgate.model.decision import Deny, Reason, ReasonCode
from pacsgate.model.resource import ResourceKey
from pacsgate.protocols.dicomweb.routes import ActionsNeeded
from pacsgate.protocols.dicomweb.routing import RouteMatch
from pacsgate.services.resolve import Answer, Refusal


async def not_implemented(exchange: Exchange, found: RouteMatch) -> Response:
    """Refuse as if it were implemented; say 501 where that would have been an answer."""
    bound = await exchange.in_thread(exchange.bind)
    needs = found.route.needs
    never = [(action, bound.could(action)) for action in _in_order(needs)]
    denied = [(action, deny) for action, deny in never if deny is not None]
    if any(action in needs.all_of for action, _ in denied) or (needs.any_of and len(denied) == len(never)):
        action, deny = denied[0]
        return await exchange.refuse(_forbidden(deny), bound, action=action)
    if found.key is not None:
        reached = await _reach_all(exchange, found.key, needs)
        if reached is not None:
            return reached
    refusal = Refusal(Answer.NOT_IMPLEMENTED, (Reason(ReasonCode.NOT_IMPLEMENTED),), bound.revision)
    await exchange.record(exchange.circumstances(bound).denial(refusal.reasons, action=never[0][0]))
    return answers.refusal(refusal)


async def _reach_all(exchange: Exchange, key: ResourceKey, needs: ActionsNeeded) -> Response | None:
    for action in sorted(needs.all_of):
        reached = await exchange.reach(key, action)
        if isinstance(reached, Response):
            return reached
    return None


def _in_order(needs: ActionsNeeded) -> list[Action]:
    return sorted(needs.all_of) + sorted(needs.any_of)


def _forbidden(deny: Deny) -> Refusal:
    return Refusal(Answer.FORBIDDEN, deny.reasons, deny.revision, deny.message)
