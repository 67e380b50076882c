"""Part 10 objects for tests of archives, made from the files that pydicom ships."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.data import get_testdata_file

from pacsgate.dicom.uids import deterministic_uid
from pacsgate.model.resource import ResourceKey

SHIPPED = ("CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm", "test-SR.dcm", "SC_rgb_jpeg_dcmtk.dcm")
"""Little- and big-header objects: native, JPEG 2000, JPEG, and one without pixels."""


@dataclass(frozen=True)
class Part10:
    """A whole object with its name."""

    key: ResourceKey
    data: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def part10(data: bytes) -> Part10:
    """Names the object by what pydicom reads in it."""
    ds = dcmread(io.BytesIO(data), stop_before_pixels=True)
    return Part10(
        ResourceKey(str(ds.StudyInstanceUID), str(ds.SeriesInstanceUID), str(ds.SOPInstanceUID)), data
    )


def shipped(name: str) -> Part10:
    """One of pydicom's files, unchanged."""
    return part10(Path(str(get_testdata_file(name, download=False))).read_bytes())


def values_of(data: bytes) -> dict[int, Any]:
    """The values of an object by tag.  dcmtk leaves the padding out, and makes `OW` of an `OB`."""
    padding = 0xFFFCFFFC
    return {int(one.tag): one.value for one in dcmread(io.BytesIO(data)) if one.tag != padding}


def variant(name: str = "MR_small.dcm", **changes: Any) -> Part10:
    """One of pydicom's files with these attributes changed."""
    ds = dcmread(str(get_testdata_file(name, download=False)))
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return part10(buffer.getvalue())


def small_hospital(studies: int = 3, series: int = 2, instances: int = 2) -> tuple[Part10, ...]:
    """Some studies of one patient each, with series and instances."""
    return tuple(
        variant(
            PatientID=f"P{s}",
            PatientName=f"Test^Patient{s}",
            StudyInstanceUID=deterministic_uid("study", str(s)),
            SeriesInstanceUID=deterministic_uid("series", str(s), str(e)),
            SOPInstanceUID=deterministic_uid("sop", str(s), str(e), str(i)),
            InstanceNumber=i + 1,
        )
        for s in range(studies)
        for e in range(series)
        for i in range(instances)
    )
