"""What a partner has promised to keep: the report, and the removal of what it keeps.

Called by `door`.

Standard: PS3.4 annex J (Storage Commitment).
"""

from starlette.responses import Response

from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.owned import own
from pacsgate.gateway.http.orthanc.reaching import action_of, reach_each
from pacsgate.model.errors import ConflictError
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.ports.handles import HandleKind
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.services.resolve import Refusal
from pacsgate.services.united_reach import keys_at

_KEPT = "Success"


async def commitment(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Tell what the partner answered; or remove, instance by instance, what it has promised to keep."""
    owned = await own(exchange, HandleKind.COMMITMENT, found.handle)
    if isinstance(owned, Response):
        return owned
    report = await exchange.ask_json(OrthancRequest("GET", f"/storage-commitment/{owned.handle}"))
    if found.route.method == "GET":
        return exchange.json(report)
    if not isinstance(report, dict) or report.get("Status") != _KEPT:
        raise ConflictError("the partner has not promised to keep all of it, so nothing is removed")
    outcome = await reach_each(
        exchange, [_name(key) for key in owned.keys], action_of(found), level=Level.INSTANCE
    )
    if isinstance(outcome, Response):
        return outcome
    (reached,) = outcome
    removed = await exchange.at_archive(
        lambda: exchange.gate.delete.remove(
            exchange.scope,
            exchange.archive,
            keys_at(reached.reach, Level.INSTANCE),
            reached.reach,
            reached.circumstances,
        )
    )
    if isinstance(removed, Refusal):
        bound = await exchange.in_thread(exchange.bind)
        return await exchange.refuse(removed, bound, action=action_of(found))
    return exchange.json({})


def _name(key: ResourceKey) -> str:
    uids = (key.study_instance_uid, key.series_instance_uid or "", key.sop_instance_uid or "")
    return orthanc_id(key.patient_id or "", *uids)
