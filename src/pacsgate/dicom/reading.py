"""Bytes in hand become a pydicom data set, or a `RequestError` that says why not.

pydicom reads lazily and raises whatever its internals raise on bytes that are
not what they claim to be.  `MALFORMED` and `UNREADABLE` name those exceptions
once; every place that touches values of a foreign data set catches exactly them.

Called by `summarise`, and by the archives for what the gate makes itself.

Invariants:
- memory is bounded by the bytes in hand and `MAX_INFLATED_BYTES`;
- only DICOM Part 10 is read: preamble, file meta information, transfer syntax;
- what is read without its pixels says each thing once: of an element that is there twice pydicom takes the
  second and dcmtk the first, so gate and archive would take the object for two different ones.

Standard: PS3.10 section 7.1 (file format); PS3.5 7.1 (each tag once), A.5 (deflated).
"""

import io
import struct
import zlib
from typing import BinaryIO

from pydicom import config
from pydicom.dataset import FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import dcmread, read_dataset, read_partial, read_preamble
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pydicom.valuerep import VR

from pacsgate.dicom.wholeness import is_whole
from pacsgate.model.errors import RequestError

# pydicom's warnings about invalid values quote the values, which are patient data.
config.settings.reading_validation_mode = config.IGNORE

MALFORMED: tuple[type[Exception], ...] = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    MemoryError,  # a length field may claim 4 GiB
    NotImplementedError,
    RecursionError,  # sequences may be nested without end
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What pydicom raises for bytes that are not what they claim to be."""

UNREADABLE: tuple[type[Exception], ...] = (*MALFORMED, OSError)
"""The same for a data set that is in memory whole: an `OSError` is then pydicom's word for an early end."""

_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
"""Float, double float and integer pixel data."""
_VRS = frozenset(vr.value for vr in VR)
_FILE_META = 0x0002
"""The group of the file meta information."""

MAX_INFLATED_BYTES = 1 << 30
"""Of a deflated data set.  The largest images in clinical use (breast tomosynthesis) stay below 1 GiB."""


def read_object(data: bytes | BinaryIO, *, pixels: bool = True) -> FileDataset:
    """Read one DICOM Part 10 object.  Without `pixels`, reading stops at them; their element has no value."""
    source = io.BytesIO(data) if isinstance(data, bytes) else data
    try:
        _examine(source)
        return dcmread(source) if pixels else _without_pixels(source)
    except InvalidDicomError:
        raise RequestError("not a DICOM Part 10 object: the `DICM` prefix is missing") from None
    except MALFORMED as error:
        raise RequestError("the DICOM object cannot be read", detail=type(error).__name__) from None
    except OSError as error:
        # pydicom raises these too, for bytes that end too early; a failing disk has an errno.
        if error.errno is not None:
            raise
        raise RequestError("the DICOM object ends too early") from None


def _without_pixels(source: BinaryIO) -> FileDataset:
    stopped_at: list[BaseTag] = []
    found: set[BaseTag] = set()
    peeked_at: BaseTag | None = None

    def at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
        nonlocal peeked_at
        if tag in _PIXELS:
            stopped_at.append(tag)
        if not found and peeked_at is None and length == 0 and vr not in _VRS:
            peeked_at = tag  # pydicom only looks whether the first element has a VR, and then reads it
        else:
            _note_once(tag, found)
        return tag in _PIXELS

    dataset = read_partial(source, stop_when=at_pixels)
    for tag in stopped_at:
        dataset.add_new(tag, "OW", None)
    return dataset


def _examine(source: BinaryIO) -> None:
    """Refuse what pydicom would take: a data set that was cut off, or one that inflates beyond measure."""
    start = source.tell()
    read_preamble(source, force=False)
    found: set[BaseTag] = set()

    def beyond_file_meta(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        if tag.group == _FILE_META:
            _note_once(tag, found)
        return tag.group != _FILE_META

    meta = read_dataset(source, is_implicit_VR=False, is_little_endian=True, stop_when=beyond_file_meta)
    syntax = UID(meta.get("TransferSyntaxUID") or ExplicitVRLittleEndian)
    if syntax == DeflatedExplicitVRLittleEndian:
        whole = _inflates(source)
    else:
        whole = is_whole(
            source,
            implicit_vr=syntax == ImplicitVRLittleEndian,
            little_endian=syntax != ExplicitVRBigEndian,
        )
    if not whole:
        raise RequestError("the DICOM object ends too early")
    source.seek(start)


def _inflates(source: BinaryIO) -> bool:
    """Whether a deflated data set reaches its end, piece by piece, before pydicom inflates it in one go."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = 0
    while not inflater.eof and (chunk := inflater.unconsumed_tail or source.read(1 << 16)):
        inflated += len(inflater.decompress(chunk, 1 << 20))
        if inflated > MAX_INFLATED_BYTES:
            raise RequestError("the deflated data set is larger than the gate reads", status=413)
    return inflater.eof


def _note_once(tag: BaseTag, found: set[BaseTag]) -> None:
    if tag in found:
        raise RequestError("an element is there twice in the DICOM object")
    found.add(tag)
