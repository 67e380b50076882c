"""How much there is: of the whole archive, and of one resource, as far as it is visible.

Called by `door`.

Invariants:
- Orthanc's own counts and sizes are passed on only where nothing of what they count is hidden.
"""

from collections.abc import Mapping

from starlette.responses import Response

from pacsgate.gateway.http.orthanc.data_sets import DataSets
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.lists import record_search
from pacsgate.gateway.http.orthanc.reaching import reach_path
from pacsgate.gateway.http.orthanc.reading import WORDS, answer_read, named_in, visible_of
from pacsgate.model.actions import Action
from pacsgate.model.resource import Level
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.engine import Bound
from pacsgate.policy.ir import TRUE
from pacsgate.protocols.orthanc.arguments import read_arguments
from pacsgate.protocols.orthanc.routes import LEVELS
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.protocols.orthanc.statistics import archive_statistics, resource_statistics
from pacsgate.services.orthanc_lists import OrthancLists
from pacsgate.services.orthanc_visible import Visible
from pacsgate.services.resolve import Refusal

_LEVELS = tuple(level for _, level in LEVELS)


async def statistics(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send how much of the archive is visible; only whoever sees all is told how many bytes that is."""
    read_arguments(exchange.parameters, ())

    def work() -> tuple[Bound, Mapping[Level, int] | Refusal | None]:
        bound = exchange.bind()
        if _sees_everything(bound):
            return bound, None
        lists = OrthancLists(exchange.gate.search)
        return bound, lists.counts(exchange.scope, exchange.archive, bound)

    bound, counts = await exchange.in_thread(work)
    if isinstance(counts, Refusal):
        return await exchange.refuse(counts, bound, action=Action.SEARCH)
    told = (
        await DataSets(exchange).document(found.path)
        if counts is None
        else archive_statistics({level: counts[level] for level in _LEVELS}, None)
    )
    await record_search(exchange, bound, found.path, count=1)
    return exchange.json(told)


async def resource_statistics_of(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send how much there is of one resource."""
    read_arguments(exchange.parameters, ())
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    level, identifier = named_in(found)
    named = await visible_of(exchange, level, identifier, reached.reach)

    async def make() -> Mapping[str, object]:
        counted = _counted(named)
        if not named.is_whole:
            return counted
        told = await DataSets(exchange).document(f"/{WORDS[level]}/{identifier}/statistics")
        # What has come to it and is not in the index yet may be hidden.
        return told if told.get("CountInstances") == counted.get("CountInstances") else counted

    return await answer_read(exchange, reached, make, tells_instances=False)


def _sees_everything(bound: Bound) -> bool:
    constraint = bound.constraint(Action.SEARCH)
    return isinstance(constraint, Constraint) and constraint.formula == TRUE


def _counted(named: Visible) -> Mapping[str, object]:
    """The statistics of the visible part, by what the index knows of each instance."""
    below = _LEVELS[_LEVELS.index(named.level) + 1 :]
    size = sum(instance.size or 0 for part in named.parts for instance in part.instances)
    return resource_statistics({level: len(named.ids(level)) for level in below}, size)
