"""An object in Explicit VR Little Endian, whatever it was stored in.

Every frame passes the guards of `frames` before the whole is decoded.  Colours
keep their meaning: what a decoder returns is what PhotometricInterpretation then
says.

Called by the doors when a client accepts only the default transfer syntax.

Standard: PS3.5 A.2; PS3.18 8.7.3.5.2.
"""

import copy

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from pacsgate.dicom.frames import MAX_FRAME_BYTES, UndecodableFrame, decoded_frame, frame_count, pixel_word_vr
from pacsgate.dicom.json_model import BINARY_VRS, little_endian
from pacsgate.dicom.reading import UNREADABLE

MAX_OBJECT_BYTES = 4 * MAX_FRAME_BYTES
"""Of all decoded frames together; they are in memory at once."""


def decompressed(dataset: Dataset) -> Dataset:
    """A copy that `save_as` writes in Explicit VR Little Endian, with the same SOP Instance UID.

    Raises `UndecodableFrame` if a frame cannot be decoded here.
    """
    plain = copy.deepcopy(dataset)
    try:
        syntax = plain.file_meta.TransferSyntaxUID
        if syntax.is_encapsulated:
            _decode_pixels(plain)
        # A data set that is still unread cannot be written in another encoding.
        elements = list(plain.iterall())
        if syntax == ExplicitVRBigEndian:
            _swap_words(plain, elements)
    except UNREADABLE as error:
        raise UndecodableFrame("the object cannot be rewritten") from error
    plain.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    plain.set_original_encoding(is_implicit_vr=False, is_little_endian=True)
    return plain


def _decode_pixels(dataset: Dataset) -> None:
    pixels: list[bytes] = []
    size = 0
    frame = decoded_frame(dataset, 1)
    for number in range(1, frame_count(dataset) + 1):
        frame = decoded_frame(dataset, number) if number > 1 else frame
        pixels.append(frame.pixels.tobytes())
        size += len(pixels[-1])
        if size > MAX_OBJECT_BYTES:
            raise UndecodableFrame(
                f"an object of more than {MAX_OBJECT_BYTES} decoded bytes is not rewritten"
            )
    bits = frame.pixels.dtype.itemsize * 8
    dataset.BitsAllocated = bits
    dataset.PhotometricInterpretation = frame.photometric_interpretation
    if frame.pixels.ndim > 2:
        dataset.PlanarConfiguration = 0
    dataset.add_new("PixelData", "OB" if bits <= 8 else "OW", b"".join(pixels) + b"\0" * (size % 2))
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in dataset:
            del dataset[keyword]


def _swap_words(dataset: Dataset, elements: list[DataElement]) -> None:
    # pydicom writes numbers in the new byte order, but binary values as they were.
    pixels = dataset.get(Tag("PixelData"))
    for element in elements:
        if element.VR in BINARY_VRS and isinstance(element.value, bytes):
            vr = pixel_word_vr(dataset) if element is pixels else element.VR
            element.value = little_endian(element.value, vr, big_endian=True)
