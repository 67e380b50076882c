"""What it takes for a name or a small file to survive a power cut.

A file's bytes are durable after `fsync` of the file; its *name* only after
`fsync` of the directory that holds the name.

Called by the embedded archive.
"""

import os
import secrets
from pathlib import Path


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    _sync(directory, os.O_RDONLY | os.O_DIRECTORY)


def sync_file(path: Path) -> None:
    """Make the bytes of a file durable."""
    _sync(path, os.O_RDONLY)


def write_durably(path: Path, content: bytes) -> None:
    """Put a small file in place, whole or not at all."""
    unborn = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    unborn.write_bytes(content)
    sync_file(unborn)
    unborn.rename(path)
    sync_directory(path.parent)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
