"""DELETE of a patient, study, series or instance, and of many of them: every part of each, or nothing.

What is removed is asked from the archive by the names that were decided, never as "the patient": what has
come to it meanwhile stays.

Called by `door`.
"""

from starlette.responses import Response

from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.reaching import MAX_LIST_BYTES, name_of, reach_each, reach_path
from pacsgate.model.actions import Action
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.policy.engine import Bound
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.protocols.orthanc.resource_lists import read_bulk_delete
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.services.resolve import Reach, Refusal
from pacsgate.services.united_reach import keys_at, largest_keys

_ANCESTORS = {
    Level.PATIENT: (),
    Level.STUDY: (Level.PATIENT,),
    Level.SERIES: (Level.STUDY, Level.PATIENT),
    Level.INSTANCE: (Level.SERIES, Level.STUDY, Level.PATIENT),
}
"""Nearest first."""
_WORDS = {Level.PATIENT: "patients", Level.STUDY: "studies", Level.SERIES: "series"}


async def delete(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Remove what the path names; the answer says which ancestor, of those that one may see, is left."""
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    level, _ = name_of(found)
    keys = keys_at(reached.reach, level)

    def work() -> tuple[Bound, Reach | Refusal, dict[str, str] | None]:
        removed = exchange.gate.delete.remove(
            exchange.scope, exchange.archive, keys, reached.reach, reached.circumstances
        )
        bound = exchange.bind()
        return bound, removed, _remaining(exchange, bound, level, keys[0])

    bound, outcome, remaining = await exchange.at_archive(work)
    if isinstance(outcome, Refusal):
        return await exchange.refuse(outcome, bound, action=Action.DELETE)
    return exchange.json({"RemainingAncestor": remaining})


async def bulk_delete(exchange: OrthancExchange, _found: OrthancMatch) -> Response:
    """Remove everything that the body names, or nothing."""
    asked = read_bulk_delete(await read_body(exchange.request, at_most=MAX_LIST_BYTES))
    outcome = await reach_each(exchange, asked.resources, Action.DELETE, level=asked.level)
    if isinstance(outcome, Response):
        return outcome
    (reached,) = outcome

    def work() -> tuple[Bound, Reach | Refusal]:
        removed = exchange.gate.delete.remove(
            exchange.scope,
            exchange.archive,
            largest_keys(reached.reach),
            reached.reach,
            reached.circumstances,
        )
        return exchange.bind(), removed

    bound, removed = await exchange.at_archive(work)
    if isinstance(removed, Refusal):
        return await exchange.refuse(removed, bound, action=Action.DELETE)
    return exchange.json({})


def _remaining(
    exchange: OrthancExchange, bound: Bound, level: Level, key: ResourceKey
) -> dict[str, str] | None:
    """The nearest ancestor of which the subject can still see something."""
    uids = {
        Level.PATIENT: (),
        Level.STUDY: (key.study_instance_uid,),
        Level.SERIES: (key.study_instance_uid, key.series_instance_uid or ""),
    }
    for ancestor in _ANCESTORS[level]:
        name = orthanc_id(key.patient_id or "", *uids[ancestor])
        if isinstance(exchange.reach_here(ancestor, name, Action.SEARCH, bound), Reach):
            path = f"/{_WORDS[ancestor]}/{name}"
            return {"ID": name, "Path": path, "Type": ancestor.value.capitalize()}
    return None
