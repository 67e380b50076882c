"""What a study of the demo's hospital is: values, and the UIDs that follow from them.

Called by `studies`, which holds the table, and by `images`, which makes the objects.

Standard: UIDs derived from a UUID, PS3.5 B.2; person names, PS3.5 6.2.
"""

import uuid
from dataclasses import dataclass
from enum import StrEnum

SEED = "pacsgate demo"
"""From which all UIDs of the hospital follow."""


class Department(StrEnum):
    """A department, as InstitutionalDepartmentName (0008,1040) spells it."""

    CT_A = "CT-A"
    MR_B = "MR-B"
    US_C = "US-C"


@dataclass(frozen=True, slots=True)
class DemoPatient:
    """Somebody made up.  `name` has the component groups of PS3.5 6.2; `charset` can write it."""

    patient_id: str
    name: str
    birth_date: str
    sex: str
    charset: str | tuple[str, ...] = "ISO_IR 100"
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class DemoSeries:
    """One series.  An empty `sources` makes it a report (SR) about the study's first series."""

    modality: str
    description: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DemoStudy:
    """One study with everything that a decision about it may rest on.

    `stored_by` names the account through which it came, or is `None` for what was there before the gate.
    `burned_in` has the patient's name drawn into the pixels of uncompressed images.
    """

    name: str
    patient: DemoPatient
    description: str
    study_date: str
    series: tuple[DemoSeries, ...]
    department: Department | None = None
    referring_physician_name: str = ""
    labels: frozenset[str] = frozenset()
    collections: frozenset[str] = frozenset()
    stored_by: str | None = None
    de_identified: bool = False
    burned_in: bool = False
    seed: str = SEED

    @property
    def accession_number(self) -> str:
        """AccessionNumber (0008,0050)."""
        return f"ACC-{self.name}"

    @property
    def study_instance_uid(self) -> str:
        """StudyInstanceUID (0020,000D)."""
        return self.uid()

    def series_instance_uid(self, number: int) -> str:
        """SeriesInstanceUID (0020,000E) of the series with this number, counting from 1."""
        return self.uid(str(number))

    def sop_instance_uid(self, series: int, instance: int) -> str:
        """SOPInstanceUID (0008,0018) of one instance, counting from 1."""
        return self.uid(str(series), str(instance))

    def uid(self, *parts: str) -> str:
        """Derives a UID from the seed, the study's name and further parts (PS3.5 B.2, UUID derived UID)."""
        return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, '/'.join((self.seed, self.name, *parts))).int}"
