"""Rendered images and thumbnails, made by the gate so that only visible frames are in them.

Standard: PS3.18 sections 10.4.1.1.3 (rendered resources) and 10.4.1.1.4 (thumbnails).
"""

from collections.abc import Iterator

from pydicom.dataset import Dataset
from starlette.responses import Response

from pacsgate.dicom.frames import frame_count
from pacsgate.dicom.rendering import RenderedType, render
from pacsgate.dicom.rendering import thumbnail as small_picture
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.named import action_of, named_key
from pacsgate.gateway.http.parts import Piece, send_pieces
from pacsgate.gateway.http.pixel_objects import images, pieces_of
from pacsgate.model.errors import RequestError
from pacsgate.protocols.dicomweb.rendering_parameters import read_rendering
from pacsgate.protocols.dicomweb.routing import RouteMatch
from pacsgate.services.resolve import Part

_NOTHING = RequestError("nothing here can be rendered", status=406)


async def rendered(exchange: Exchange, found: RouteMatch) -> Response:
    """Send every visible frame of what is named, or the named frames, as pictures."""
    representation = exchange.representations(found)[0]
    kind = RenderedType(representation.media.value)
    options = read_rendering(exchange.parameters, thumbnail=False)
    reached = await exchange.reach(named_key(found), action_of(found, representation.media))
    if isinstance(reached, Response):
        return reached

    def pictures(part: Part, dataset: Dataset) -> Iterator[Piece]:
        # A range and not a list: the count is whatever the object says.
        numbers = found.frames or range(1, frame_count(dataset) + 1)
        for number in numbers if representation.multipart else numbers[:1]:
            yield Piece(part, render(dataset, number, kind, options), kind.value)

    return await send_pieces(
        exchange,
        reached,
        lambda: pieces_of(images(exchange, reached.reach, none=_NOTHING), pictures),
        multipart=representation.multipart,
        root_type=kind.value,
    )


async def thumbnail(exchange: Exchange, found: RouteMatch) -> Response:
    """Send one small picture that stands for what is named: of its first visible image."""
    representation = exchange.representations(found)[0]
    options = read_rendering(exchange.parameters, thumbnail=True)
    reached = await exchange.reach(named_key(found), action_of(found, representation.media))
    if isinstance(reached, Response):
        return reached

    def picture(part: Part, dataset: Dataset) -> Iterator[Piece]:
        if found.frames:
            yield Piece(part, render(dataset, found.frames[0], RenderedType.JPEG, options), RenderedType.JPEG)
        else:
            yield Piece(part, small_picture(dataset, options), RenderedType.JPEG)

    return await send_pieces(
        exchange,
        reached,
        lambda: pieces_of(images(exchange, reached.reach, none=_NOTHING), picture),
        multipart=False,
        root_type=RenderedType.JPEG,
    )
