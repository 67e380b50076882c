"""The images among what a request may view, and what can be made of them.

An image that cannot be shown as asked does not keep its neighbours from being
shown: it is left out like an object without pixels.

Called by the pixel and image handlers.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from pydicom.dataset import Dataset

from pacsgate.dicom.frames import has_pixels
from pacsgate.dicom.masking import hides_pixels
from pacsgate.dicom.pixel_file import PixelFile, pixels_in_place
from pacsgate.dicom.reading import MALFORMED
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.parts import Piece
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ResourceKey
from pacsgate.ports import Archive
from pacsgate.services.resolve import Part, Reach

Image = TypeVar("Image")


def images(exchange: Exchange, reach: Reach, *, none: RequestError) -> Iterator[tuple[Part, Dataset]]:
    """Each image with its pixels, one at a time; raises `none` when there is not a single one."""
    archive = exchange.gate.archives[exchange.archive]
    seen = False
    for part in reach.parts:
        if hides_pixels(part.mask):
            continue
        for instance in part.instances:
            dataset = archive.dataset(part.key_of(instance))
            if has_pixels(dataset):
                seen = True
                yield part, dataset
    if not seen:
        raise none


@dataclass(frozen=True, slots=True)
class StoredImage:
    """One image of which some frames are wanted: what it says of itself, and where its pixels are."""

    header: Dataset
    pixels: PixelFile | None
    """`None` if `header` is the whole image."""
    whole: Callable[[], Dataset]


def stored_images(
    exchange: Exchange, reach: Reach, *, none: RequestError
) -> Iterator[tuple[Part, StoredImage]]:
    """The same, without reading the pixels of those that the archive has in a file at hand."""
    archive = exchange.gate.archives[exchange.archive]
    seen = False
    for part in reach.parts:
        if hides_pixels(part.mask):
            continue
        for instance in part.instances:
            for image in _opened(archive, part.key_of(instance)):
                if has_pixels(image.header):
                    seen = True
                    yield part, image
    if not seen:
        raise none


def _opened(archive: Archive, key: ResourceKey) -> Iterator[StoredImage]:
    """The one image, open until the next is asked for."""
    file = archive.file(key)
    if file is not None:
        with file, suppress(*MALFORMED):
            found = pixels_in_place(file)
            if found is not None:
                yield StoredImage(*found, lambda: archive.dataset(key))
                return
    dataset = archive.dataset(key)
    yield StoredImage(dataset, None, lambda: dataset)


def pieces_of(
    found: Iterator[tuple[Part, Image]], make: Callable[[Part, Image], Iterator[Piece]]
) -> Iterator[Piece]:
    """The pieces of each image that has any; raises the first 406 when none has.

    An image whose first piece was made is not left out any more: what breaks in
    it breaks the answer, so that no frame is taken for its neighbour.
    """
    seen = False
    refused: RequestError | None = None
    for part, image in found:
        made = make(part, image)
        try:
            first = next(made)
        except RequestError as error:
            if error.status != 406:
                raise
            refused = refused or error
            continue
        seen = True
        yield first
        yield from made
    if refused is not None and not seen:
        raise refused
