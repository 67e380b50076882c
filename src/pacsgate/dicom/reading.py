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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, TypeVar

from pydicom import config
from pydicom.dataset import Dataset, FileDataset
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
_StopWhen = Callable[[BaseTag, str | None, int], bool]
_Read = TypeVar("_Read", bound=Dataset)
_FILE_META = 0x0002
"""The group of the file meta information."""
_BEFORE_DATA_SETS = frozenset({0x0000, _FILE_META})
"""What is no part of any data set (PS3.10 7.1, PS3.7 6.3)."""

MAX_INFLATED_BYTES = 1 << 30
"""Of a deflated data set.  The largest images in clinical use (breast tomosynthesis) stay below 1 GiB."""


def read_object(data: bytes | BinaryIO, *, pixels: bool = True) -> FileDataset:
    """Read one DICOM Part 10 object.  Without `pixels`, reading stops at them; their element has no value."""
    source = io.BytesIO(data) if isinstance(data, bytes) else data
    with _saying_why_not():
        _examine(source)
        if pixels:
            return dcmread(source)
        return _without_pixels(lambda stop: read_partial(source, stop_when=stop))


def read_data_set(source: BinaryIO, transfer_syntax_uid: str) -> Dataset:
    """Read the data set that begins where `source` stands, up to its pixels; their element has no value.

    Its encoding is known otherwise: whoever receives an object over DIMSE has written its head themselves.
    """
    syntax = UID(transfer_syntax_uid)
    with _saying_why_not():
        start = source.tell()
        _require_whole(source, syntax)
        source.seek(start)
        if syntax == DeflatedExplicitVRLittleEndian:
            source = io.BytesIO(zlib.decompress(source.read(), -zlib.MAX_WBITS))
        implicit, little = _encoding_of(syntax)
        dataset = _without_pixels(lambda stop: read_dataset(source, implicit, little, stop_when=stop))
    if any(tag.group in _BEFORE_DATA_SETS for tag in dataset.keys()):  # noqa: SIM118 - iterating it reads
        # In the file they would stand where its head goes on, and contradict it for whoever reads that next.
        raise RequestError("the data set holds elements of a command or of a file's head")
    return dataset


@contextmanager
def _saying_why_not() -> Iterator[None]:
    try:
        yield
    except InvalidDicomError:
        raise RequestError("not a DICOM Part 10 object: the `DICM` prefix is missing") from None
    except MALFORMED as error:
        raise RequestError("the DICOM object cannot be read", detail=type(error).__name__) from None
    except OSError as error:
        # pydicom raises these too, for bytes that end too early; a failing disk has an errno.
        if error.errno is not None:
            raise
        raise RequestError("the DICOM object ends too early") from None


def _without_pixels(read: Callable[[_StopWhen], _Read]) -> _Read:
    """What `read` makes of a data set when it is stopped at the pixels."""
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

    dataset = read(at_pixels)
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
    _require_whole(source, UID(meta.get("TransferSyntaxUID") or ExplicitVRLittleEndian))
    source.seek(start)


def _require_whole(source: BinaryIO, syntax: UID) -> None:
    if syntax == DeflatedExplicitVRLittleEndian:
        whole = _inflates(source)
    else:
        implicit, little = _encoding_of(syntax)
        whole = is_whole(source, implicit_vr=implicit, little_endian=little)
    if not whole:
        raise RequestError("the DICOM object ends too early")


def _encoding_of(syntax: UID) -> tuple[bool, bool]:
    """Whether VRs are implicit, and whether bytes are little endian (PS3.5 annex A)."""
    return syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian


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
