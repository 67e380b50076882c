"""The common cast of all tests: the demo's hospital, its people, and what the hand-written oracle says of them.

`oracle()` and `visible_series()` read tables that import nothing from pacsgate; the hospital itself is the
demo's, with fresh UIDs and a canary token in everything that identifies.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from pydicom.dataset import Dataset

from pacsgate.cli.demo.hospital import DemoPerson, DemoStudy, instances, people, studies
from tests.support.canaries import Canary, CanaryRecorder, new_token
from tests.support.orthanc_ids import ids_of

ORACLE = Path(__file__).resolve().parent / "oracle"
NEW_STUDY = "new"
"""The oracle's name for a study that the archive does not hold."""
CLERK_SEES = frozenset(
    {
        "PatientID",
        "StudyDescription",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "SOPInstanceUID",
        "Orthanc's identifier",
    }
)
"""Of the attributes that carry tokens, those that the clerk's mask leaves."""


class Expected(StrEnum):
    """A cell of the oracle."""

    ALLOW = "allow"
    NEVER = "403"
    HIDDEN = "404"


def oracle() -> dict[tuple[str, str, str], Expected]:
    """Reads (persona, action, study) → what must come out; questions that make no sense are absent."""
    with (ORACLE / "personas.csv").open(encoding="utf-8", newline="") as table:
        return {
            (row["persona"], row["action"], column): Expected(cell)
            for row in csv.DictReader(table)
            for column, cell in row.items()
            if column not in {"persona", "action"} and cell != "-"
        }


def hidden_series() -> frozenset[tuple[str, str, int]]:
    """Reads the (persona, study, series number) that are hidden although their study is not."""
    with (ORACLE / "series.csv").open(encoding="utf-8", newline="") as table:
        return frozenset(
            (row["persona"], row["study"], int(row["series"]))
            for row in csv.DictReader(table)
            if row["expected"] == "hidden"
        )


def person(name: str) -> DemoPerson:
    """Finds somebody by the name of the account."""
    return next(somebody for somebody in people() if somebody.name == name)


@dataclass(frozen=True, slots=True)
class TestHospital:
    """Studies with tokens in them, and the recorder that knows the tokens."""

    __test__ = False

    studies: dict[str, DemoStudy]
    objects: dict[str, tuple[Dataset, ...]]
    recorder: CanaryRecorder


def new_hospital(seed: str | None = None) -> TestHospital:
    """Makes the demo's hospital with UIDs and tokens of its own; the UIDs of another one with its `seed`."""
    carriers: dict[str, set[Canary]] = {}
    patient_tokens: dict[tuple[str, str], str] = {}
    seed = seed or new_token()
    made = {study.name: replace(study, seed=seed) for study in studies()}
    objects = {name: tuple(_marked(study, carriers, patient_tokens)) for name, study in made.items()}
    frozen = {token: frozenset(places) for token, places in carriers.items()}
    return TestHospital(made, objects, CanaryRecorder(frozen, _who_may_see()))


def _marked(
    study: DemoStudy, carriers: dict[str, set[Canary]], patient_tokens: dict[tuple[str, str], str]
) -> list[Dataset]:
    def carry(token: str, part: str, keyword: str) -> str:
        carriers.setdefault(token, set()).add(Canary(part, keyword))
        return token

    def of_patient(keyword: str) -> str:
        token = patient_tokens.setdefault(
            (study.patient.issuer + "|" + study.patient.patient_id, keyword), new_token()
        )
        return carry(token, study.name, keyword)

    described = {number: new_token() for number in range(1, len(study.series) + 1)}
    accession, description = new_token(), new_token()
    marked = list(instances(study))
    for instance in marked:
        part = f"{study.name}/{instance.SeriesNumber}"
        alphabetic, *others = str(instance.PatientName).split("=")
        instance.PatientName = "=".join([f"{alphabetic}^{of_patient('PatientName')}", *others])
        instance.PatientID = f"{study.patient.patient_id}-{of_patient('PatientID')}"
        instance.AccessionNumber = carry(accession, study.name, "AccessionNumber")
        instance.StudyDescription = (
            f"{study.description} {carry(description, study.name, 'StudyDescription')}"
        )
        instance.SeriesDescription = carry(described[int(instance.SeriesNumber)], part, "SeriesDescription")
        carry(str(instance.StudyInstanceUID), study.name, "StudyInstanceUID")
        carry(str(instance.SeriesInstanceUID), part, "SeriesInstanceUID")
        carry(str(instance.SOPInstanceUID), part, "SOPInstanceUID")
        for identifier, where in zip(ids_of(instance), (study.name, study.name, part, part), strict=True):
            carry(identifier, where, "Orthanc's identifier")
        if "PixelData" in instance and not instance.file_meta.TransferSyntaxUID.is_encapsulated:
            token = carry(new_token(), part, "PixelData").encode("ascii")
            instance.PixelData = token + instance.PixelData[len(token) :]
    return marked


def _who_may_see() -> Callable[[str, Canary], bool]:
    expected, hidden = oracle(), hidden_series()

    def may_see(persona: str, canary: Canary) -> bool:
        study, _, series = canary.part.partition("/")
        if expected.get((persona, "search", study)) is not Expected.ALLOW:
            return False
        if series and (persona, study, int(series)) in hidden:
            return False
        return persona != "clerk1" or canary.keyword in CLERK_SEES

    return may_see
