"""What Orthanc keeps beside the data sets, to be read: metadata and labels, frames, slices in order.

Called by `door`.

Invariants:
- of a resource of which something is hidden, nothing is told but when its visible part last changed;
- neither the account with which the gate asks nor the name of a resource that is hidden is told.
"""

from collections.abc import Mapping
from functools import partial

from starlette.responses import PlainTextResponse, Response

from pacsgate.gateway.http import answers
from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.orthanc.data_sets import DataSets
from pacsgate.gateway.http.orthanc.documents import Documents
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.reaching import hide_reached, reach_path
from pacsgate.gateway.http.orthanc.reading import WORDS, answer_read, named_in, visible_of
from pacsgate.gateway.http.streams import NO_STORE
from pacsgate.model.actions import Action
from pacsgate.model.decision import ReasonCode
from pacsgate.model.errors import GoneError
from pacsgate.model.resource import Level
from pacsgate.policy.ir import LABELS
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.arguments import read_arguments, read_flag
from pacsgate.protocols.orthanc.identifiers import ids_in
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.protocols.orthanc.table import operations_below
from pacsgate.protocols.orthanc.tag_forms import TagsForm
from pacsgate.services.orthanc_visible import Visible
from pacsgate.services.resolve import Refusal

_LAST_UPDATE = "LastUpdate"
_OF_THE_GATE = frozenset({"HttpUsername"})
"""What tells how the gate itself asks."""
_OF_OTHERS = frozenset({"AnonymizedFrom", "ModifiedFrom"})
"""What names another resource."""


async def metadata(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send the names of all metadata, or with `expand` their values, or one value as text."""
    arguments = read_arguments(exchange.parameters, () if found.name is not None else ("expand", "numeric"))
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    named = await visible_of(exchange, *named_in(found), reached.reach)
    make = partial(metadata_of, exchange, named)
    if found.name is not None:
        value = (await make()).get(found.name)
        return await _text(exchange, reached, value)
    if read_flag(arguments, "expand"):
        return await answer_read(exchange, reached, make, tells_instances=False)

    async def names() -> list[str]:
        return sorted(await make())

    return await answer_read(exchange, reached, names, tells_instances=False)


async def labels(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send the labels of a study, or whether it has one.

    They are the gate's, which policies read.  Who may not write them is not told them.
    """
    read_arguments(exchange.parameters, ())
    if found.orthanc_id is None:
        # Which labels there are would tell of what is hidden.
        return exchange.json([])
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    held = await exchange.at_archive(partial(_labels_of, exchange, *named_in(found)))

    async def make() -> list[str]:
        return held

    if found.name is None:
        return await answer_read(exchange, reached, make, tells_instances=False)
    return await _text(exchange, reached, "" if found.name in held else None)


async def frames(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send the numbers of an instance's frames, or what there is of each."""
    read_arguments(exchange.parameters, ())
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    path = f"/instances/{named_in(found)[1]}/frames"

    async def make() -> object:
        every = await exchange.ask_json(OrthancRequest("GET", path))
        if found.frame is None:
            return every
        if not isinstance(every, list) or found.frame not in every:
            raise GoneError
        return operations_below(found.route.template)

    return await answer_read(exchange, reached, make, tells_instances=False)


async def slices(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send the slices of a series in order, where all of it is visible."""
    read_arguments(exchange.parameters, ())
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    level, identifier = named_in(found)
    named = await visible_of(exchange, level, identifier, reached.reach)
    if not named.is_whole:
        return await hide_reached(exchange, reached, ReasonCode.PARTLY_VISIBLE)

    async def make() -> object:
        document = await DataSets(exchange).document(f"/series/{identifier}/ordered-slices")
        if not ids_in(document) <= frozenset(named.ids(Level.INSTANCE)):
            # Something has come to it that is not in the index yet, so it is not decided who may see it.
            raise GoneError
        return document

    return await answer_read(exchange, reached, make)


async def metadata_of(exchange: OrthancExchange, named: Visible) -> Mapping[str, str]:
    """The metadata that may be told, by name."""
    sets = DataSets(exchange)
    documents = Documents(sets, TagsForm.HUMAN)
    if not named.is_whole:
        return {_LAST_UPDATE: await documents.last_change(named)}
    path = f"/{WORDS[named.level]}/{named.orthanc_id}/metadata"
    held = await sets.document(path, (("expand", ""),))
    others = {str(held[name]) for name in _OF_OTHERS if name in held}
    known = await documents.searchable(frozenset(others))
    return {
        name: str(value)
        for name, value in held.items()
        if name not in _OF_THE_GATE and (name not in _OF_OTHERS or value in known)
    }


async def _text(exchange: OrthancExchange, reached: Reached, text: str | None) -> Response:
    """Send one value as text, as Orthanc does; what is not there is missing."""
    if text is None:
        return answers.not_found()

    async def make() -> str:
        return text

    def send(value: object) -> Response:
        return PlainTextResponse(str(value), headers=NO_STORE)

    return await answer_read(exchange, reached, make, tells_instances=False, send=send)


def _labels_of(exchange: OrthancExchange, level: Level, identifier: str) -> list[str]:
    """The labels of a study that the subject may change."""
    if level is not Level.STUDY:
        return []
    reach = exchange.reach_here(level, identifier, Action.UPDATE, exchange.bind())
    if isinstance(reach, Refusal):
        return []
    return sorted(str(label) for study in reach.studies for label in study.facts.get(LABELS.name, ()))
