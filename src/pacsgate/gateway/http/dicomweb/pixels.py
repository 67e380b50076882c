"""Frames, pixel data and bulk data, made by the gate from the objects that the subject may view.

A frame leaves as it is stored if the client accepts that, else decoded if it
accepts plain bytes, else not at all (406).

Standard: PS3.18 sections 10.4.1.1.5 and 10.4.1.1.6, table 8.7.3-5.
"""

from collections.abc import Callable, Iterator

from pydicom.dataset import Dataset
from starlette.responses import Response

from pacsgate.dicom.bulk import bulk_value
from pacsgate.dicom.frames import (
    EXPLICIT_LITTLE_ENDIAN,
    NATIVE_MEDIA_TYPE,
    EncodedFrame,
    UndecodableFrame,
    decoded_frame,
    encoded_frame,
    encoded_frames,
)
from pacsgate.dicom.json_model import TagPath, to_json
from pacsgate.dicom.masking import hides_tag
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.named import action_of, named_key
from pacsgate.gateway.http.parts import Piece, send_pieces
from pacsgate.gateway.http.pixel_objects import StoredImage, images, pieces_of, stored_images
from pacsgate.model.errors import RequestError
from pacsgate.protocols.dicomweb.accept import AS_STORED, Representation
from pacsgate.protocols.dicomweb.bulk_uris import bulkdata_url
from pacsgate.protocols.dicomweb.routing import RouteMatch
from pacsgate.services.resolve import Part, Reach

_NO_PIXELS = RequestError("there are no pixels here", status=404)


async def frames(exchange: Exchange, found: RouteMatch) -> Response:
    """Send the named frames of one instance."""
    return await _pixels(exchange, found, found.frames)


async def pixeldata(exchange: Exchange, found: RouteMatch) -> Response:
    """Send every frame of what is named."""
    return await _pixels(exchange, found, None)


async def _pixels(exchange: Exchange, found: RouteMatch, numbers: tuple[int, ...] | None) -> Response:
    accepted = exchange.representations(found)
    reached = await exchange.reach(named_key(found), action_of(found, accepted[0].media))
    if isinstance(reached, Response):
        return reached

    def every_frame(part: Part, dataset: Dataset) -> Iterator[Piece]:
        for number, frame in enumerate(encoded_frames(dataset), start=1):
            yield _piece(part, lambda: dataset, frame, number, accepted)

    def named_frames(part: Part, image: StoredImage) -> Iterator[Piece]:
        for number in numbers or ():
            frame = encoded_frame(image.header, number, image.pixels)
            yield _piece(part, image.whole, frame, number, accepted)

    def pieces() -> Iterator[Piece]:
        if numbers is None:
            return pieces_of(images(exchange, reached.reach, none=_NO_PIXELS), every_frame)
        return pieces_of(stored_images(exchange, reached.reach, none=_NO_PIXELS), named_frames)

    return await send_pieces(
        exchange,
        reached,
        pieces,
        multipart=accepted[0].multipart,
        root_type=accepted[0].media.value,
    )


def _piece(
    part: Part,
    whole: Callable[[], Dataset],
    frame: EncodedFrame,
    number: int,
    accepted: tuple[Representation, ...],
) -> Piece:
    for representation in accepted:
        syntaxes = representation.transfer_syntaxes
        if representation.media == frame.media_type:
            if not syntaxes or AS_STORED in syntaxes or frame.transfer_syntax_uid in syntaxes:
                return _as_stored(part, frame)
        elif representation.media == NATIVE_MEDIA_TYPE:
            # `transfer-syntax=*` with plain bytes asks for whatever is stored, whatever it is called.
            if AS_STORED in syntaxes:
                return _as_stored(part, frame)
            if not syntaxes or EXPLICIT_LITTLE_ENDIAN in syntaxes:
                try:
                    pixels = decoded_frame(whole(), number).pixels
                except UndecodableFrame:
                    continue  # what is stored may be acceptable too, only less so
                return Piece(
                    part, pixels.tobytes(), f"{NATIVE_MEDIA_TYPE}; transfer-syntax={EXPLICIT_LITTLE_ENDIAN}"
                )
    raise RequestError("no accepted media type can be made from the stored frames", status=406)


def _as_stored(part: Part, frame: EncodedFrame) -> Piece:
    return Piece(part, frame.data, f"{frame.media_type}; transfer-syntax={frame.transfer_syntax_uid}")


async def bulkdata(exchange: Exchange, found: RouteMatch) -> Response:
    """Send one bulk data value of an instance, or all of what is named."""
    accepted = exchange.representations(found)[0]
    reached = await exchange.reach(named_key(found), action_of(found, accepted.media))
    if isinstance(reached, Response):
        return reached
    return await send_pieces(
        exchange,
        reached,
        lambda: _bulk_pieces(exchange, reached.reach, found.bulkdata),
        multipart=accepted.multipart,
        root_type=NATIVE_MEDIA_TYPE,
    )


def _bulk_pieces(exchange: Exchange, reach: Reach, place: TagPath | None) -> Iterator[Piece]:
    """The values that a mask leaves.  Raises `RequestError` (404) when there is none."""
    archive = exchange.gate.archives[exchange.archive]
    seen = False
    for part in reach.parts:
        for instance in part.instances:
            key = part.key_of(instance)
            dataset = archive.dataset(key)
            for one in _bulk_places(dataset) if place is None else (place,):
                # What is hidden hides what is below it; every other step is the number of an item.
                if any(hides_tag(part.mask, tag) for tag in one[::2]):
                    continue
                seen = True
                data = bulk_value(dataset, one)
                yield Piece(part, data, NATIVE_MEDIA_TYPE, bulkdata_url(exchange.root, key, one))
    if not seen:
        raise RequestError("there is no bulk data here", status=404)


def _bulk_places(dataset: Dataset) -> tuple[TagPath, ...]:
    """Every value that metadata replaces by a link."""
    places: list[TagPath] = []

    def note(place: TagPath) -> str:
        places.append(place)
        return ""

    to_json(dataset, note)
    return tuple(places)
