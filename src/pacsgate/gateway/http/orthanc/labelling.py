"""PUT and DELETE of a study's label.

Called by `door`.
"""

from starlette.responses import Response

from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.reaching import reach_path
from pacsgate.gateway.http.streams import NO_STORE
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.protocols.orthanc.routing import OrthancMatch


async def write_label(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Give a study a label, or take one away.  Only studies have labels here: policies ask for no others."""
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    if found.level is not Level.STUDY or found.name is None:
        raise RequestError("only studies have labels here: label the study")
    label, present = found.name, found.route.method == "PUT"
    # A label is of a StudyInstanceUID: where two patients have it, it is the label of both.
    uid = reached.reach.studies[0].study_instance_uid
    every = await exchange.reach(ResourceKey(uid), reached.reach.action)
    if isinstance(every, Response):
        return every

    def work() -> None:
        exchange.gate.label.change(
            exchange.scope, exchange.archive, every.reach, label, every.circumstances, present=present
        )

    await exchange.in_thread(work)
    return Response(headers={**NO_STORE, "Content-Type": "text/plain"})
