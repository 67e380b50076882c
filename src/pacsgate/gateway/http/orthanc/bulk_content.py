"""`/tools/bulk-content`: the documents of many resources, or of what they have at another level.

Called by `door`.

Invariants:
- one name that may not be viewed refuses the whole request, with the answer that it alone would get.
"""

from collections.abc import Iterator

from starlette.responses import Response

from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.orthanc.data_sets import DataSets
from pacsgate.gateway.http.orthanc.documents import MOST_DOCUMENTS, Document, Documents
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.metadata import metadata_of
from pacsgate.gateway.http.orthanc.reaching import MAX_LIST_BYTES
from pacsgate.gateway.http.orthanc.reading import answer_read
from pacsgate.model.actions import Action
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.policy.engine import Bound
from pacsgate.protocols.orthanc.resource_lists import BulkContent, read_bulk_content
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.services.orthanc_visible import Visible, id_at, is_above, visible
from pacsgate.services.resolve import Reach, Refusal
from pacsgate.services.united_reach import united


async def bulk_content(exchange: OrthancExchange, _found: OrthancMatch) -> Response:
    """Send the documents of everything that the body names."""
    asked = read_bulk_content(await read_body(exchange.request, at_most=MAX_LIST_BYTES))
    if len(asked.resources) > MOST_DOCUMENTS:
        raise RequestError(f"the request names more than {MOST_DOCUMENTS} resources", status=413)

    def work() -> tuple[Bound, Refusal | tuple[list[Reach], list[Visible]]]:
        bound = exchange.bind()
        return bound, _reached(exchange, asked, bound)

    bound, outcome = await exchange.at_archive(work)
    if isinstance(outcome, Refusal):
        return await exchange.refuse(outcome, bound, action=Action.VIEW)
    reaches, wanted = outcome
    if len(wanted) > MOST_DOCUMENTS:
        raise RequestError(f"these are more than {MOST_DOCUMENTS} documents: ask for fewer", status=413)
    documents = Documents(DataSets(exchange), asked.form)

    async def make() -> list[Document]:
        told = await documents.of_each(wanted)
        if asked.metadata:
            by_id = {named.orthanc_id: named for named in wanted}
            for document in told:
                document["Metadata"] = await metadata_of(exchange, by_id[document["ID"]])
        return told

    reached = Reached(united(reaches), exchange.circumstances(bound))
    return await answer_read(exchange, reached, make, tells_instances=False)


def _reached(
    exchange: OrthancExchange, asked: BulkContent, bound: Bound
) -> Refusal | tuple[list[Reach], list[Visible]]:
    """What each name leads to, and what of it is wanted."""
    reaches: list[Reach] = []
    wanted: dict[str, Visible] = {}
    for name in asked.resources:
        named = _reach(exchange, None, name, bound)
        if isinstance(named, Refusal):
            return named
        reaches.append(named[0])
        for each in _at_level(exchange, named[1], asked.level, bound):
            wanted.setdefault(each.orthanc_id, each)
    return reaches, list(wanted.values())


def _reach(
    exchange: OrthancExchange, level: Level | None, name: str, bound: Bound
) -> Refusal | tuple[Reach, Visible]:
    reach = exchange.reach_here(level, name, Action.VIEW, bound)
    if isinstance(reach, Refusal):
        return reach
    named = exchange.gate.names.resolve(exchange.scope, exchange.archive, level, name)
    if named is None:
        raise RequestError("a resource went away while it was asked for", status=404)
    return reach, visible(named.level, name, reach.parts, studies=len(named.keys))


def _at_level(
    exchange: OrthancExchange, named: Visible, level: Level | None, bound: Bound
) -> Iterator[Visible]:
    """What a resource has at a level: itself, what is below it, or what it belongs to."""
    if level is None or level is named.level:
        yield named
    elif is_above(level, named.level):
        above = _reach(exchange, level, id_at(named.parts[0], level), bound)
        if not isinstance(above, Refusal):
            yield above[1]
    else:
        yield from named.below(level)
