"""How large an image a compressed frame claims to be, read from its first bytes.

Decoders allocate what the codestream says, not what the data set says.  Asking
first keeps a few kilobytes from becoming gigabytes.

Called by `frames` before any decoder sees a frame.

Standard: ITU-T T.81 B.2.2 (JPEG), T.87 C.2.2 (JPEG-LS), T.800 A.5.1 (JPEG 2000); PS3.5 annex G (RLE).
"""

import struct
from itertools import pairwise
from typing import NamedTuple

_SOF = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
"""Start of frame of every JPEG process and of JPEG-LS; C4, C8 and CC are other segments."""
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_2000 = b"\xff\x4f\xff\x51"


class Size(NamedTuple):
    """Rows, columns and samples per pixel."""

    rows: int
    columns: int
    samples: int


def declared_size(codestream: bytes) -> Size | None:
    """The size in a JPEG, JPEG-LS or JPEG 2000 codestream (in a JP2 box, too), or `None` if it has none."""
    if codestream.startswith(b"\xff\xd8"):
        return _jpeg_size(codestream)
    start = codestream.find(_JPEG_2000)
    return _jpeg_2000_size(codestream[start:]) if start >= 0 else None


def is_whole(codestream: bytes) -> bool:
    """Whether a JPEG or JPEG-LS codestream has its end.  CharLS 2 takes seconds over one that has not."""
    return codestream.rstrip(b"\0").endswith(b"\xff\xd9")


def _jpeg_size(codestream: bytes) -> Size | None:
    at = 2
    while at + 4 <= len(codestream):
        if codestream[at] != 0xFF:
            return None
        marker = codestream[at + 1]
        if marker == 0xFF or marker in _STANDALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _SOF:
            if at + 10 > len(codestream):
                return None
            rows, columns, samples = struct.unpack_from(">HHB", codestream, at + 5)
            return Size(rows, columns, samples)
        at += 2 + int.from_bytes(codestream[at + 2 : at + 4])
    return None


def _jpeg_2000_size(codestream: bytes) -> Size | None:
    # SIZ: marker, length, capabilities, then eight 32-bit fields and the number of components.
    if len(codestream) < 42:
        return None
    right, bottom, left, top = struct.unpack_from(">4I", codestream, 8)
    (samples,) = struct.unpack_from(">H", codestream, 40)
    return Size(bottom - top, right - left, samples)


def rle_exceeds(frame: bytes, limit: int) -> bool:
    """Whether an RLE frame decodes to more than `limit` bytes; decodes nothing.

    Two bytes can stand for 128, so a short frame cannot and is not looked at.
    """
    if len(frame) * 64 <= limit:
        return False
    count, *starts = struct.unpack_from("<16L", frame)
    bounds = [*starts[:count], len(frame)]
    decoded = 0
    for start, end in pairwise(bounds):
        decoded += _rle_length(frame[start:end], limit)
        if decoded > limit:
            return True
    return False


def _rle_length(segment: bytes, limit: int) -> int:
    decoded = at = 0
    while at < len(segment) and decoded <= limit:
        control = segment[at]
        if control < 128:  # that many literal bytes follow, and one more
            decoded += min(control + 1, len(segment) - at - 1)
            at += control + 2
        else:  # a run of one byte; 128 itself stands for nothing
            decoded += 257 - control if control > 128 and at + 1 < len(segment) else 0
            at += 2 if control > 128 else 1
    return decoded
