"""Where the files of a trail lie, what they are called, and how a file that grows is read.

Names start with a time, so that they sort by age.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pacsgate.audit.canonical import encode_time

SUFFIX = ".jsonl"
_MANIFESTS = "manifests"
_TIME_IN_NAMES = "%Y%m%dT%H%M%S.%fZ"


def new_name(started: datetime, *parts: str) -> str:
    """A name that no other file has, on this machine or another."""
    moment = encode_time(started).translate({ord(":"): None, ord("-"): None})
    return "-".join((moment, *parts, str(os.getpid()), os.urandom(4).hex()))


def time_in_name(name: str) -> datetime:
    """When the file was begun; the beginning of time for a name that is none of ours."""
    try:
        return datetime.strptime(name.partition("-")[0], _TIME_IN_NAMES).replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def segment_path(trail: Path, segment: str) -> Path:
    """The file of a segment."""
    return trail / f"{segment}{SUFFIX}"


def segment_names(trail: Path) -> tuple[str, ...]:
    """All segments that are there, oldest first."""
    return tuple(sorted(path.stem for path in trail.glob(f"*{SUFFIX}")))


def manifest_directory(trail: Path) -> Path:
    """The directory of the manifest files."""
    return trail / _MANIFESTS


def manifest_paths(trail: Path) -> tuple[Path, ...]:
    """All manifest files, oldest first."""
    return tuple(sorted(manifest_directory(trail).glob(f"*{SUFFIX}")))


def lines_until(file: BinaryIO, end: int) -> Iterator[bytes]:
    """The lines from where `file` stands up to the byte `end`.

    A live segment grows while it is read.  Without a fixed end, a line seen half
    written would be followed by lines seen whole, which looks like tampering.
    """
    left = end - file.tell()
    while left > 0 and (line := file.readline(left)):
        left -= len(line)
        yield line
