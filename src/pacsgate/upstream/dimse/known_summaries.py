"""Summaries of objects that were fetched once, for as long as the archive's rows say the same of them.

Over DIMSE an object's header comes with its pixels only.  So that the index of an
archive can be confirmed without moving all its images each time, what was read of a
series is written down beside a digest of all that the archive told of it.

Called by `archive`.

Invariants:
- a summary counts only for the very rows that it was read under;
- a file that cannot be read, or was cut off, counts for nothing.
"""

import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.resource import ResourceKey
from pacsgate.ports import Arrival
from pacsgate.upstream.spool import create_private


class _Known(msgspec.Struct):
    """One line of a file."""

    told: str
    size: int
    digest: str
    summary: InstanceSummary


class KnownSummaries:
    """One file for each series, below `directory`; shared by all processes of a machine."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory

    def read(self, series: ResourceKey) -> Mapping[tuple[str, str], Arrival]:
        """What is known of a series' instances, by SOP Instance UID and what was told of it."""
        decoder = msgspec.json.Decoder(_Known)
        try:
            lines = self._path(series).read_bytes().splitlines()
            known = [decoder.decode(line) for line in lines]
        except (OSError, msgspec.DecodeError):
            return {}
        return {
            (one.summary.sop_instance_uid, one.told): Arrival(one.summary, one.size, one.digest, cursor="")
            for one in known
        }

    def write(self, series: ResourceKey, found: Iterable[tuple[str, Arrival]]) -> None:
        """Know this of a series from now on, and nothing else: what was told, and what was read."""
        path = self._path(series)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        unborn = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        encoder = msgspec.json.Encoder()
        with create_private(unborn) as file:
            for told, arrival in found:
                line = _Known(told, arrival.size or 0, arrival.digest or "", arrival.summary)
                file.write(encoder.encode(line) + b"\n")
        unborn.rename(path)

    def forget(self, study_instance_uid: str) -> None:
        """Know nothing of a study any more."""
        for path in self._study(study_instance_uid).glob("*"):
            path.unlink(missing_ok=True)

    def _path(self, series: ResourceKey) -> Path:
        return self._study(series.study_instance_uid) / (series.series_instance_uid or "")

    def _study(self, study_instance_uid: str) -> Path:
        return self._directory / study_instance_uid
