"""Searches for patients, made of searches for studies.

The index knows studies.  A patient is there if a study of theirs is, and stands where the newest of
these does; what is told of a patient is what that study says.  Studies without a PatientID are
nobody's: they are found as studies only.

Called by the DICOM door; calls `find_all`.

Invariants:
- a patient is told of exactly when the engine would allow `search` on a study of theirs that matches,
  with its PatientID;
- counts are of all visible studies of the patient, whether they match or not.

Standard: PS3.4 C.6.1.1.2 (patient level), C.3.4 (computed counts).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pacsgate.dicom.attributes import tag_of
from pacsgate.dicom.query import MatchKey, Query, SingleValue
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.resource import Level
from pacsgate.protocols.dimse.query_keys import PATIENT_COUNTS
from pacsgate.services.find_all import FindAll
from pacsgate.services.resolve import Refusal
from pacsgate.services.search import Findings, Found

_ISSUER = tag_of("IssuerOfPatientID")

_Patient = tuple[str, str]
"""PatientID and its issuer."""


@dataclass(frozen=True, slots=True)
class FindPatients:
    """Walks through searches for patients."""

    all: FindAll

    def pages(self, queries: Iterable[Query], counts: Collection[str]) -> Iterator[Findings | Refusal]:
        """Each page of patients who have a study that meets a query, with the `counts` that are wanted."""
        told: set[_Patient] = set()
        for number, page in enumerate(self.all.pages(queries)):
            if isinstance(page, Refusal):
                yield page
                return
            rows = []
            for study in page.rows:
                patient = study.patient_id, _text(study.attributes, _ISSUER)
                if study.patient_id and patient not in told:
                    told.add(patient)
                    rows.append(self._row(study, patient, counts))
            if rows or number == 0:
                yield replace(page, rows=tuple(rows))

    def _row(self, study: Found, patient: _Patient, counts: Collection[str]) -> Found:
        if not counts:
            return study
        return replace(study, attributes={**study.attributes, **self._counted(patient, counts)})

    def _counted(self, patient: _Patient, counts: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
        """The sums over a patient's visible studies; none where one of these hides its own count."""
        patient_id, issuer = patient
        key = MatchKey(("PatientID",), SingleValue(patient_id))
        sums: dict[str, int | None] = dict.fromkeys(counts, 0)
        for page in self.all.pages([Query(Level.STUDY, (key,))]):
            for study in () if isinstance(page, Refusal) else page.rows:
                if _text(study.attributes, _ISSUER) == issuer:
                    for keyword, total in sums.items():
                        added = _count(study.attributes, PATIENT_COUNTS[keyword])
                        sums[keyword] = None if total is None or added is None else total + added
        return {
            tag_of(keyword): {"vr": "IS", "Value": [total]}
            for keyword, total in sums.items()
            if total is not None
        }


def _text(attributes: DicomJson, tag: str) -> str:
    values = attributes.get(tag, {}).get("Value", ())
    return str(values[0]) if values and values[0] is not None else ""


def _count(attributes: DicomJson, keyword: str) -> int | None:
    """What a study adds to a sum: its own count, or itself."""
    if not keyword:
        return 1
    values = attributes.get(tag_of(keyword), {}).get("Value", ())
    return next((value for value in values if isinstance(value, int)), None)
