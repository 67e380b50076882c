"""The documents of patients, studies, series and instances: `/studies/{id}`, its parents, its children.

Where all of a resource is visible, its document is Orthanc's own, reduced to fields that the gate
knows.  Where something of it is hidden, its tags are those of the first visible
instance, and all else is worked out of what is visible.

Called by `door` for its rows; `Documents` also by lists and finds for each of theirs.

Invariants:
- no field of a document comes from what is hidden, not even the time of its last change;
- a document holds no attribute that a search could not answer with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from starlette.responses import Response

from pacsgate.dicom.attributes import level_of
from pacsgate.gateway.http.orthanc.data_sets import DataSets, side_by_side
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.reaching import reach_path
from pacsgate.gateway.http.orthanc.reading import WORDS, answer_read, named_in, visible_of
from pacsgate.gateway.http.streams import Watch
from pacsgate.model.actions import Action
from pacsgate.model.errors import GoneError, RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.arguments import (
    DOCUMENT_ARGUMENTS,
    RELATIVES_ARGUMENTS,
    read_arguments,
    read_flag,
    read_form,
    read_requested_tags,
)
from pacsgate.protocols.orthanc.documents import CHILDREN as LISTS
from pacsgate.protocols.orthanc.documents import (
    MAIN_TAGS,
    VisiblePart,
    composed,
    other_ids,
    picked,
    reduced,
)
from pacsgate.protocols.orthanc.routes import LEVELS
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.protocols.orthanc.tag_forms import TagsForm
from pacsgate.services.orthanc_visible import CHILDREN, Visible, id_at, is_above, visible
from pacsgate.services.resolve import Refusal

MOST_DOCUMENTS = 10_000
"""In one answer: each is a question to Orthanc."""

_MAIN = frozenset(keyword for keywords in MAIN_TAGS.values() for keyword in keywords)
_STABLE_AGE = timedelta(seconds=60)
"""Orthanc's own, unless it is configured otherwise."""
_MOMENT = "%Y%m%dT%H%M%S"

Document = dict[str, Any]


async def resource(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send the document of one resource."""
    arguments = read_arguments(exchange.parameters, DOCUMENT_ARGUMENTS)
    documents = documents_of(exchange, arguments)
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    named = await visible_of(exchange, *named_in(found), reached.reach)
    return await answer_read(exchange, reached, partial(documents.of, named), tells_instances=False)


async def relatives(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send the parent or the children of one resource at the level that the last word names."""
    arguments = read_arguments(exchange.parameters, RELATIVES_ARGUMENTS)
    documents, expand = documents_of(exchange, arguments), read_flag(arguments, "expand", default=True)
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    level, identifier = named_in(found)
    target = _level_named(found.operation)
    if is_above(target, level):
        above = await exchange.reach_named(target, id_at(reached.reach.parts[0], target), Action.SEARCH)
        if isinstance(above, Response):
            return above
        parent = await visible_of(exchange, target, id_at(above.reach.parts[0], target), above.reach)
        return await answer_read(exchange, above, partial(documents.of, parent), tells_instances=False)
    children = visible(level, identifier, reached.reach.parts).below(target)

    if expand and len(children) > MOST_DOCUMENTS:
        raise RequestError(
            f"these are more than {MOST_DOCUMENTS} documents: ask with `expand=false`", status=413
        )

    async def make() -> object:
        return await documents.of_each(children) if expand else [child.orthanc_id for child in children]

    return await answer_read(exchange, reached, make, tells_instances=False)


def documents_of(exchange: OrthancExchange, arguments: Mapping[str, str]) -> "Documents":
    """The documents of an answer as its arguments want them."""
    return Documents(DataSets(exchange), read_form(arguments, TagsForm.HUMAN), read_requested_tags(arguments))


def _level_named(word: str) -> Level:
    return next(level for plural, level in LEVELS if word in {plural, level.value})


@dataclass(frozen=True, slots=True)
class Documents:
    """Makes the documents of one answer."""

    sets: DataSets
    form: TagsForm
    requested: tuple[str, ...] = ()

    @property
    def exchange(self) -> OrthancExchange:
        """The request that is answered."""
        return self.sets.exchange

    async def of(self, named: Visible) -> Document:
        """One document.  Raises `GoneError`, `ArchiveError`."""
        is_told_alike = named.is_whole and named.is_even
        document = await (self._own(named) if is_told_alike else self._composed(named))
        if self.requested:
            # With no more than `search`, one is told what can be searched, and not what is in a report.
            told = [keyword for keyword in self.requested if level_of(keyword) or keyword in _MAIN]
            tags = await self.sets.tags(*named.speaker)
            document["RequestedTags"] = picked(tags, told, form=self.form)
        return document

    async def of_each(self, each_named: Sequence[Visible]) -> list[Document]:
        """The documents of a list; what Orthanc has lost meanwhile is left out."""

        async def one(named: Visible) -> Document | None:
            try:
                return await self.of(named)
            except GoneError:
                return None

        watch = Watch(self.exchange, Action.SEARCH)
        made = await side_by_side([partial(one, named) for named in each_named])
        if each_named:  # a long list takes longer than a revocation may
            await watch.check(each_named[-1].parts[0])
        return [document for document in made if document is not None]

    async def _own(self, named: Visible) -> Document:
        """Orthanc's document, reduced."""
        document = await self.sets.document(f"/{WORDS[named.level]}/{named.orthanc_id}", (("full", ""),))
        below = CHILDREN.get(named.level)
        children = frozenset(() if below is None else named.ids(below))
        if below is not None and not children.issuperset(document[LISTS[named.level]]):
            # Something has come to it that is not in the index yet, so it is not decided who may see it.
            return await self._composed(named)
        known = children | await self.searchable(other_ids(document))
        # What it says of a study's patient, Orthanc has from the study's own first instance.
        made = reduced(document, named.level, visible=known, mask=named.mask, form=self.form)
        # Orthanc's labels decide nothing here; the gate's have a route of their own.
        return made | {"Labels": []} if "Labels" in made else made

    async def searchable(self, identifiers: frozenset[str]) -> frozenset[str]:
        """Those of some identifiers that the subject may know."""
        if not identifiers:
            return identifiers

        def work() -> frozenset[str]:
            bound = self.exchange.bind()
            return frozenset(
                identifier
                for identifier in identifiers
                if not isinstance(self.exchange.reach_here(None, identifier, Action.SEARCH, bound), Refusal)
            )

        return await self.exchange.at_archive(work)

    async def _composed(self, named: Visible) -> Document:
        """The document of what is visible of a resource."""
        changed = await self.last_change(named)
        stable_since = (self.exchange.context.now - _STABLE_AGE).strftime(_MOMENT)
        part = VisiblePart(
            level=named.level,
            orthanc_id=named.orthanc_id,
            parent=named.parent,
            tags=await self.sets.tags(*named.speaker),
            children=named.ids(CHILDREN[named.level]),
            last_update=changed,
            is_stable=changed <= stable_since,
        )
        return composed(part, form=self.form)

    async def last_change(self, named: Visible) -> str:
        """When the newest of what is visible came, in a form that sorts as text."""
        if named.level is Level.INSTANCE:
            return await self.sets.text(f"/instances/{named.orthanc_id}/metadata/ReceptionDate")
        if named.level is Level.SERIES and named.is_whole:
            return await self.sets.text(f"/series/{named.orthanc_id}/metadata/LastUpdate")
        below = named.below(Level.INSTANCE if named.level is Level.SERIES else Level.SERIES)
        return max(await side_by_side([partial(self.last_change, one) for one in below]))
