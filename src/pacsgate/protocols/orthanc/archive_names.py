"""Where each instance lies in the zip file that Orthanc makes of a patient, study or series.

Folders are named by what a person knows: `PatientID PatientName/AccessionNumber StudyDescription/
Modality SeriesDescription`; instances are numbered within their series.  A name that is taken gets a
number behind it.

Called by the gateway's `orthanc_archive`.

Standard: none; Orthanc's own archives, held against it by the tests (1.10.1).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

_KEPT = frozenset("._")


class FolderTags(NamedTuple):
    """What the folders of one series are named by."""

    patient_id: str
    patient_name: str
    accession_number: str
    study_description: str
    modality: str
    series_description: str


@dataclass(slots=True)
class ArchiveNames:
    """Names of one zip file, given out once each.

    Patients, studies and series are told apart by their keys, not by how they are called.
    """

    _folders: dict[tuple[str, ...], str] = field(default_factory=dict)
    _taken: dict[tuple[str, str], int] = field(default_factory=dict)
    _instances: dict[str, int] = field(default_factory=dict)

    def next_name(self, patient: str, study: str, series: str, tags: FolderTags) -> str:
        """The path of one more instance of a series."""
        folder = ""
        levels = (
            ((patient,), f"{tags.patient_id} {tags.patient_name}", "Unknown Patient"),
            ((patient, study), f"{tags.accession_number} {tags.study_description}", "Unknown Study"),
            ((patient, study, series), f"{tags.modality} {tags.series_description}", "Unknown Series"),
        )
        for key, written, unknown in levels:
            if key not in self._folders:
                name = self._free(folder, _readable(written) or unknown)
                self._folders[key] = f"{folder}{name}/"
            folder = self._folders[key]
        number = self._instances.get(folder, 0)
        self._instances[folder] = number + 1
        prefix = tags.modality[:2].upper()
        return f"{folder}{prefix}{number:0{8 - len(prefix)}d}.dcm"

    def _free(self, folder: str, name: str) -> str:
        times = self._taken[folder, name] = self._taken.get((folder, name), 0) + 1
        return name if times == 1 else f"{name}-{times}"


def _readable(written: str) -> str:
    """ASCII letters, digits, dots and underscores; carets and runs of white space are one space.

    Dots alone are no name: they would lead out of the folder in which somebody unpacks the file.
    """
    readable = " ".join("".join(_kept(written.replace("^", " "))).split())
    return readable if readable.strip(".") else ""


def _kept(text: str) -> Iterable[str]:
    return (each for each in text if each.isascii() and (each.isalnum() or each.isspace() or each in _KEPT))
