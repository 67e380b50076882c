"""The head of a Part 10 file: preamble and File Meta Information, around a data set that stays as it is.

Objects that come over DIMSE have no head; the gate puts this one in front.  It
says nothing of when, from where or by whom they came, so that the same data set
always makes the same file.

Called by whoever receives objects over DIMSE, or sends stored ones.

Standard: PS3.10 7.1 (file meta information), PS3.5 7.1.2 (explicit VR).
"""

import struct
from dataclasses import dataclass

from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import RequestError

IMPLEMENTATION_CLASS_UID = "2.25.190145307263281894337471186218465142903"
"""Of every version of pacsgate (PS3.7 D.3.3.2)."""
IMPLEMENTATION_VERSION_NAME = "PACSGATE"

MAX_HEAD_BYTES = 64 * 1024
"""Of the heads that are read; real ones have some 350 bytes, private information included."""

_PREAMBLE = bytes(128) + b"DICM"
LEAST_BEGINNING = len(_PREAMBLE) + 12
"""Bytes of a file that say how long its head is."""
_GROUP_LENGTH = b"\x02\x00\x00\x00UL\x04\x00"
_LONG = frozenset({b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UN", b"UT", b"UC", b"UR", b"SV", b"UV"})
_SOP_CLASS, _SOP_INSTANCE, _TRANSFER_SYNTAX = 0x0002, 0x0003, 0x0010


@dataclass(frozen=True, slots=True)
class Part10Head:
    """What the head of a file says, and where its data set begins."""

    data_set_offset: int
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


def part10_head(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    """Everything of a Part 10 file that comes before its data set."""
    elements = b"".join(
        (
            _element(0x0001, b"OB", b"\x00\x01"),
            _element(_SOP_CLASS, b"UI", _uid(sop_class_uid)),
            _element(_SOP_INSTANCE, b"UI", _uid(sop_instance_uid)),
            _element(_TRANSFER_SYNTAX, b"UI", _uid(transfer_syntax_uid)),
            _element(0x0012, b"UI", _uid(IMPLEMENTATION_CLASS_UID)),
            _element(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME.encode("ascii")),
        )
    )
    return _PREAMBLE + _element(0x0000, b"UL", struct.pack("<L", len(elements))) + elements


def head_size(beginning: bytes) -> int:
    """Where the data set of a file begins, by its first `LEAST_BEGINNING` bytes.  Raises `RequestError`."""
    if len(beginning) < LEAST_BEGINNING or beginning[128:140] != b"DICM" + _GROUP_LENGTH:
        raise RequestError("not a Part 10 file with File Meta Information")
    (length,) = struct.unpack_from("<L", beginning, LEAST_BEGINNING - 4)
    size = LEAST_BEGINNING + int(length)
    if size > MAX_HEAD_BYTES:
        raise RequestError("the File Meta Information is too long")
    return size


def read_part10_head(beginning: bytes) -> Part10Head:
    """What the first `head_size` bytes of a file say.  Raises `RequestError`."""
    size = head_size(beginning)
    if len(beginning) < size:
        raise RequestError("the File Meta Information ends early")
    found: dict[int, str] = {}
    at = LEAST_BEGINNING
    try:
        while at < size:
            group, element, vr, length = struct.unpack_from("<HH2sH", beginning, at)
            at += 8
            if vr in _LONG:
                (length,) = struct.unpack_from("<L", beginning, at)
                at += 4
            if group != 0x0002 or at + length > size:
                raise RequestError("damaged File Meta Information")
            if vr == b"UI":
                found[element] = beginning[at : at + length].decode("ascii").rstrip("\0 ")
            at += length
    except (struct.error, UnicodeDecodeError):
        raise RequestError("damaged File Meta Information") from None
    uids = [found.get(element, "") for element in (_SOP_CLASS, _SOP_INSTANCE, _TRANSFER_SYNTAX)]
    if not all(is_valid_uid(uid) for uid in uids):
        raise RequestError("the File Meta Information lacks a UID")
    return Part10Head(size, *uids)


def _uid(uid: str) -> bytes:
    return uid.encode("ascii")


def _element(element: int, vr: bytes, value: bytes) -> bytes:
    padding = b"" if len(value) % 2 == 0 else b"\x00"
    form = "<HH2sxxL" if vr in _LONG else "<HH2sH"
    return struct.pack(form, 0x0002, element, vr, len(value) + len(padding)) + value + padding
