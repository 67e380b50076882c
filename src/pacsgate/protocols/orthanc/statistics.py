"""Counts and sizes of what is visible, as Orthanc writes them.

The index does not know what an object takes on Orthanc's disk once compressed, so that every size is
that of the files as they are handed out.

Called by the gateway with what the index counted.

Standard: Orthanc's REST API (1.10.1).
"""

from collections.abc import Mapping
from typing import Any

from pacsgate.model.resource import Level

_COUNTS: Mapping[Level, str] = {
    Level.PATIENT: "CountPatients",
    Level.STUDY: "CountStudies",
    Level.SERIES: "CountSeries",
    Level.INSTANCE: "CountInstances",
}
_ARCHIVE_SIZES = ("TotalDiskSize", "TotalUncompressedSize")
_RESOURCE_SIZES = ("DicomDiskSize", "DicomUncompressedSize", "DiskSize", "UncompressedSize")
_MEGABYTE = 1024 * 1024


def archive_statistics(counts: Mapping[Level, int], size: int | None) -> dict[str, Any]:
    """Return `/statistics` of so many resources of each level and so many bytes, if that is known."""
    return _statistics(counts, _ARCHIVE_SIZES, size)


def resource_statistics(counts: Mapping[Level, int], size: int) -> dict[str, Any]:
    """Return the statistics of one resource: `counts` of the levels below it, and its bytes."""
    return _statistics(counts, _RESOURCE_SIZES, size)


def _statistics(counts: Mapping[Level, int], sizes: tuple[str, ...], size: int | None) -> dict[str, Any]:
    document: dict[str, Any] = {_COUNTS[level]: count for level, count in counts.items()}
    if size is None:
        return document
    for name in sizes:
        document[name] = str(size)
        document[f"{name}MB"] = size // _MEGABYTE
    return document
