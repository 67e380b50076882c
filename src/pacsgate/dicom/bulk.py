"""Bulk data by path: what a `BulkDataURI` leads to.

Called by the doors for `/bulkdata` and `/pixeldata`.

Standard: PS3.18 section 10.4.1.1.5, 8.7.3.5.2; paths as in PS3.19 A.1.
"""

from pydicom.dataset import Dataset

from pacsgate.dicom.frames import pixel_word_vr
from pacsgate.dicom.json_model import BINARY_VRS, TagPath, little_endian
from pacsgate.dicom.reading import UNREADABLE
from pacsgate.model.errors import RequestError


def bulk_value(dataset: Dataset, path: TagPath) -> bytes:
    """The bytes of the binary element at a path, little endian.

    Encapsulated pixel data is returned as stored; its frames are in `frames`.
    Raises `RequestError` (404) where the path leads nowhere.
    """
    big_endian = dataset.original_encoding[1] is False
    try:
        here = dataset
        for tag, number in zip(path[:-1:2], path[1::2], strict=True):
            if int(number) < 1:
                raise _nowhere()
            here = here[int(tag, 16)].value[int(number) - 1]
        element = here[int(path[-1], 16)]
        vr, value = element.VR, element.value
    except UNREADABLE:
        raise _nowhere() from None
    if vr not in BINARY_VRS or not isinstance(value, bytes):
        raise _nowhere()
    if path == ("7FE00010",):
        vr = pixel_word_vr(dataset)
    return little_endian(value, vr, big_endian=big_endian)


def _nowhere() -> RequestError:
    return RequestError("the object has no bulk data there", status=404)
