"""Identifiers as peers encode them: written and read by pydicom, which the gate's own code does not use for it."""

import io
import struct
from typing import Any

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacsgate.dicom.attributes import tag_of

SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)


Value = str | bytes | list[Any]


def sent(**values: Value) -> bytes:
    """A data set in Implicit VR Little Endian, as a careless peer makes it: nothing is validated.

    Text is sent in UTF-8 with its SpecificCharacterSet, and lists of dictionaries as items.
    """
    if any(isinstance(value, str) and not value.isascii() for value in values.values()):
        values = {"SpecificCharacterSet": "ISO_IR 192", **values}
    elements = sorted((int(tag_of(keyword), 16), value) for keyword, value in values.items())
    return b"".join(_element(tag >> 16, tag & 0xFFFF, value) for tag, value in elements)


def _element(group: int, element: int, value: Value) -> bytes:
    if isinstance(value, list) and (not value or isinstance(value[0], dict)):
        data = b"".join(_element(0xFFFE, 0xE000, sent(**item)) for item in value)
    else:
        text = "\\".join(value) if isinstance(value, list) else value
        data = text if isinstance(text, bytes) else text.encode()
    data += b" " * (len(data) % 2)
    return struct.pack("<HHL", group, element, len(data)) + data


def encoded(dataset: Dataset, syntax: str = ImplicitVRLittleEndian) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_implicit_VR = UID(syntax).is_implicit_VR
    buffer.is_little_endian = UID(syntax).is_little_endian
    write_dataset(buffer, dataset)
    return bytes(buffer.getvalue())


def decoded(data: bytes, syntax: str = ImplicitVRLittleEndian) -> Dataset:
    return read_dataset(io.BytesIO(data), UID(syntax).is_implicit_VR, UID(syntax).is_little_endian)
