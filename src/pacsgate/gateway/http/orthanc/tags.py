"""Tags: of one instance whole or element by element, of all instances of something, and those they share.

What concerns several instances is made from each that is visible; only what all of them share is
Orthanc's own answer, where all are.

Called by `door`.

Invariants:
- of a masked element nothing leaves, neither its value nor that it is there.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping
from functools import partial

import msgspec
from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.dicom.masking import hides_tag
from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.orthanc.data_sets import DataSets, Query, side_by_side
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.reaching import hide_reached, reach_path
from pacsgate.gateway.http.orthanc.reading import WORDS, answer_read, named_in, visible_of
from pacsgate.gateway.http.orthanc.relay import relay
from pacsgate.gateway.http.reading import Readings, open_readings
from pacsgate.gateway.http.streams import Watch, started
from pacsgate.model.actions import Action
from pacsgate.model.decision import ReasonCode
from pacsgate.model.mask import Mask
from pacsgate.model.resource import Level
from pacsgate.ports import Chunk
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.arguments import (
    TAGS_ARGUMENTS,
    read_arguments,
    read_flag,
    read_form,
    read_ignored_lengths,
)
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.protocols.orthanc.tag_forms import Tags, TagsForm, in_form, masked
from pacsgate.protocols.orthanc.tag_names import read_content_path, written
from pacsgate.services.orthanc_visible import Visible

_AT_A_TIME = 64
"""Instances whose tags are held at once: 40 KiB each is much."""
_JSON = "application/json; charset=utf-8"
_AS_FORM: Mapping[TagsForm, Query] = {
    TagsForm.FULL: (),
    TagsForm.HUMAN: (("simplify", ""),),
    TagsForm.SHORT: (("short", ""),),
}
"""How Orthanc is asked for a form of one instance's tags."""


async def tags(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send the tags that a row names."""
    if found.operation == "content":
        return await _content(exchange, found)
    arguments = read_arguments(exchange.parameters, TAGS_ARGUMENTS)
    form = read_form(arguments, TagsForm.HUMAN if found.operation == "simplified-tags" else TagsForm.FULL)
    lengths = ",".join(read_ignored_lengths(arguments))
    query: Query = (
        *((("ignore-length", lengths),) if lengths else ()),
        *((("whole", ""),) if read_flag(arguments, "whole") else ()),
    )
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    named = await visible_of(exchange, *named_in(found), reached.reach)
    sets = DataSets(exchange)
    if found.operation == "instances-tags":
        readings = await open_readings(
            exchange, reached.reach, reached.circumstances, EventKind.INSTANCES_ACCESSED
        )
        return await started(exchange.request, _of_each(sets, named, form, query, readings), _JSON)
    if named.level is Level.INSTANCE and named.mask.hides_nothing:
        word = "header" if found.operation == "header" else "tags"
        asked = OrthancRequest("GET", f"/instances/{named.orthanc_id}/{word}", (*query, *_AS_FORM[form]))
        return await relay(exchange, reached, asked, EventKind.INSTANCES_ACCESSED)

    async def make() -> Tags:
        match found.operation:
            case "shared-tags":
                return in_form(await _shared(sets, named), form)
            case "header":
                header = await sets.document(f"/instances/{named.orthanc_id}/header")
                return in_form(masked(header, named.mask), form)
            case _:
                return in_form(await sets.tags(named.orthanc_id, named.mask, query), form)

    return await answer_read(exchange, reached, make)


async def _of_each(
    sets: DataSets, named: Visible, form: TagsForm, query: Query, readings: Readings
) -> AsyncGenerator[Chunk, None]:
    """The tags of each visible instance under its name, some instances at a time."""
    watch, ahead = Watch(sets.exchange, Action.VIEW), b"{"
    try:
        async for some in _some_by_some(sets, named, query):
            body = bytearray()
            for one, tags in some:
                body += ahead + msgspec.json.encode(one.orthanc_id) + b":"
                body += msgspec.json.encode(in_form(tags, form))
                ahead = b","
                readings.sent(one.parts[0], instances=1, bytes_sent=0)
            await watch.check(some[0][0].parts[0])
            readings.sent(some[0][0].parts[0], instances=0, bytes_sent=len(body))
            yield bytes(body)
        yield b"}"
    finally:
        readings.leave()


async def _some_by_some(
    sets: DataSets, named: Visible, query: Query = ()
) -> AsyncGenerator[list[tuple[Visible, Tags]], None]:
    """The visible instances with their tags, in lists that are small enough to hold."""
    instances = named.below(Level.INSTANCE)
    for start in range(0, len(instances), _AT_A_TIME):
        some = instances[start : start + _AT_A_TIME]
        tags = await side_by_side([partial(sets.tags, one.orthanc_id, one.mask, query) for one in some])
        yield list(zip(some, tags, strict=True))


async def _shared(sets: DataSets, named: Visible) -> Tags:
    """The tags that have the same value in all visible instances."""
    if named.is_whole:
        document = await sets.document(f"/{WORDS[named.level]}/{named.orthanc_id}/shared-tags")
        return masked(document, named.mask)
    shared: Tags | None = None
    async for some in _some_by_some(sets, named):
        for _, tags in some:
            known = tags if shared is None else shared
            shared = {
                number: element
                for number, element in known.items()
                if element["Type"] == "String" and tags.get(number) == element
            }
    return shared or {}


async def _content(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send one element: its value, or what is in it."""
    read_arguments(exchange.parameters, ())
    place = read_content_path(found.rest)
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    mask = reached.reach.parts[0].mask
    if any(hides_tag(mask, tag) for tag in place[::2]):
        return await hide_reached(exchange, reached, ReasonCode.OBLIGATION_UNSUPPORTED)
    _, identifier = named_in(found)
    steps = (written(tag).replace(",", "-") if step % 2 == 0 else tag for step, tag in enumerate(place))
    path = "/".join((f"/instances/{identifier}/content", *steps))
    if len(place) % 2 == 0 and not _is_fragment(place):
        return await _places(exchange, reached, path, mask)
    return await relay(exchange, reached, OrthancRequest("GET", path), EventKind.INSTANCES_ACCESSED)


def _is_fragment(place: tuple[str, ...]) -> bool:
    """Whether a place with a number at its end is a fragment of pixel data, and no item of a sequence."""
    return len(place) >= 2 and place[-2] == "7FE00010"


async def _places(exchange: OrthancExchange, reached: Reached, path: str, mask: Mask) -> Response:
    """Send the list of the elements in a data set or item."""

    async def make() -> list[str]:
        listed = await exchange.ask_json(OrthancRequest("GET", path))
        names: Iterable[object] = listed if isinstance(listed, list) else ()
        return [
            name
            for name in names
            if isinstance(name, str) and not hides_tag(mask, name.replace("-", "").upper())
        ]

    return await answer_read(exchange, reached, make)
