"""Where the pixel data of an object is, so that a frame can be read without its neighbours.

An object with a thousand frames is a gigabyte, and a viewer asks for them one at a
time.  What lies before the pixel data says how large a frame is or where its
codestream begins; then only that is read.

Called by the embedded archive (objects in files) and by `frames` (objects in memory).

Standard: PS3.5 section 7.1 (element headers), A.4 (encapsulation); PS3.10 section 7.1.
"""

import io
from dataclasses import dataclass
from typing import BinaryIO

from pydicom.dataset import Dataset, FileDataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

_PIXELS = {0x7FE00008: "OF", 0x7FE00009: "OD", 0x7FE00010: "OW"}
"""Float, double float and integer pixel data, with the VR where none is written (PS3.5 A.1)."""
_UNDEFINED = 0xFFFFFFFF
_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@dataclass(frozen=True, slots=True)
class PixelFile:
    """The value of a pixel data element: from `start` on in `file`; `size` `None` is up to its delimiter."""

    file: BinaryIO
    start: int
    size: int | None

    def read(self, begin: int, end: int) -> bytes:
        """Some bytes of the value.  Raises `EOFError` if they are not there in full."""
        self.file.seek(self.start + begin)
        data = self.file.read(end - begin)
        if (self.size is not None and end > self.size) or len(data) < end - begin:
            raise EOFError
        return data

    def encapsulated(self) -> BinaryIO:
        """The file, standing at the first item: the Basic Offset Table."""
        self.file.seek(self.start)
        return self.file


def pixels_in_memory(dataset: Dataset) -> PixelFile:
    """Those of a data set that was read whole."""
    value: bytes = next(dataset[keyword].value for keyword in _KEYWORDS if keyword in dataset)
    return PixelFile(io.BytesIO(value), 0, len(value))


def pixels_in_place(file: BinaryIO) -> tuple[FileDataset, PixelFile] | None:
    """What a Part 10 file says before its pixel data, and where that is.

    `None` if it has none, or is deflated as a whole.  Raises what pydicom does
    for a file that is not what it claims to be (`reading.MALFORMED`).
    """
    found: list[tuple[int, str | None, int]] = []

    def at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
        if tag in _PIXELS:
            found.append((int(tag), vr, length))
        return tag in _PIXELS

    dataset = read_partial(file, stop_when=at_pixels)
    if not found or dataset.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        return None
    ((tag, vr, length),) = found
    dataset.add_new(tag, vr if vr is not None and vr != "UN" else _PIXELS[tag], None)
    # pydicom stops where the element begins: tag, VR and length are still ahead.
    start = file.tell() + (12 if vr in EXPLICIT_VR_LENGTH_32 else 8)
    return dataset, PixelFile(file, start, None if length == _UNDEFINED else length)
