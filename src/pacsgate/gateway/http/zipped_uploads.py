"""The files in an uploaded zip, read one after another and never all at once.

A zip says how large its files will be, and may lie, or tell the truth about far more than was sent.  So
what comes out is measured while it does.

Called by `uploads`.

Invariants:
- no more comes out than `EXPANSION` times what was received, or `FREE_BYTES` if that is more.
"""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from pacsgate.model.errors import RequestError
from pacsgate.protocols.orthanc.upload_body import ZIP_MAGIC
from pacsgate.upstream.spool import SpooledFile

MAX_FILES = 50_000
"""In one zip: a CT study of many phases has some ten thousand."""
EXPANSION = 100
"""Uncompressed images shrink to a third, masks and empty slices to a hundredth."""
FREE_BYTES = 256 * 1024 * 1024

_CHUNK_BYTES = 1024 * 1024
_MALFORMED = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)
"""What `zipfile` raises for zips that are damaged, encrypted or of a method that it does not know."""


def is_zip(path: Path) -> bool:
    """Whether a file begins as a zip does."""
    with path.open("rb") as file:
        return file.read(len(ZIP_MAGIC)) == ZIP_MAGIC


def members(file: SpooledFile, at_most: int) -> Iterator[Iterator[bytes]]:
    """The bytes of each file in a zip, to be read before the next is asked for.  Raises `RequestError`."""
    left = [min(at_most, max(FREE_BYTES, file.size * EXPANSION))]
    try:
        with zipfile.ZipFile(file.path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if len(infos) > MAX_FILES:
                raise RequestError(f"the zip holds more than {MAX_FILES} files", status=413)
            for info in infos:
                yield _chunks(archive, info, left)
    except _MALFORMED as malformed:
        raise RequestError("the zip cannot be read", detail=str(malformed)) from malformed


def _chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: list[int]) -> Iterator[bytes]:
    try:
        with archive.open(info) as member:
            while chunk := member.read(_CHUNK_BYTES):
                left[0] -= len(chunk)
                if left[0] < 0:
                    raise RequestError("the zip holds far more than was sent", status=413)
                yield chunk
    except _MALFORMED as malformed:
        raise RequestError("the zip cannot be read", detail=str(malformed)) from malformed
