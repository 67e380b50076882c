"""The images among what a request may view, and what can be made of them.

An image that cannot be shown as asked does not keep its neighbours from being
shown: it is left out like an object without pixels.

Called by the pixel and image handlers.
"""

from collections.abc import Callable, Iterator

from pydicom.dataset import Dataset

from pacsgate.dicom.frames import has_pixels
from pacsgate.dicom.masking import hides_pixels
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.parts import Piece
from pacsgate.model.errors import RequestError
from pacsgate.services.resolve import Part, Reach


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


def pieces_of(
    found: Iterator[tuple[Part, Dataset]], make: Callable[[Part, Dataset], Iterator[Piece]]
) -> Iterator[Piece]:
    """The pieces of each image that has any; raises the first 406 when none has.

    An image whose first piece was made is not left out any more: what breaks in
    it breaks the answer, so that no frame is taken for its neighbour.
    """
    seen = False
    refused: RequestError | None = None
    for part, dataset in found:
        made = make(part, dataset)
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
