"""Bytes that claim to be DICOM objects and are not, or not quite."""

import struct
import zlib

from pydicom.uid import DeflatedExplicitVRLittleEndian, MRImageStorage

MEBIBYTE = 1024 * 1024


def deflate_bomb(mebibytes: int) -> bytes:
    """A Part 10 object of the deflated transfer syntax that inflates to this much."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    value = struct.pack("<HH2sHI", 0x0009, 0x1010, b"OB", 0, mebibytes * MEBIBYTE)
    start = compressor.compress(value) + compressor.flush(zlib.Z_FULL_FLUSH)
    # After a full flush the compressor knows nothing of what came before, so each block is the same.
    compressor.compress(bytes(MEBIBYTE))
    compressor.flush(zlib.Z_FULL_FLUSH)
    block = compressor.compress(bytes(MEBIBYTE)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return _file_meta(DeflatedExplicitVRLittleEndian) + start + block * mebibytes + compressor.flush()


def _file_meta(transfer_syntax_uid: str) -> bytes:
    elements = b"".join(
        _text(element, value)
        for element, value in ((0x0002, MRImageStorage), (0x0003, "2.25.4711"), (0x0010, transfer_syntax_uid))
    )
    return bytes(128) + b"DICM" + struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(elements)) + elements


def _text(element: int, value: str) -> bytes:
    data = value.encode("ascii") + b"\0" * (len(value) % 2)
    return struct.pack("<HH2sH", 2, element, b"UI", len(data)) + data
