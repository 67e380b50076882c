"""C-FIND finds what QIDO-RS finds: every persona, every level, every attribute and count."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_FIND
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
)

from pacsgate.dicom.attributes import RETURNED_KEYWORDS, tag_of, vr_of
from pacsgate.model.resource import Level
from pacsgate.protocols.dimse.query_keys import PATIENT_COUNTS
from tests.e2e.expectations import could, personas, sees, studies, visible_series
from tests.support.dimse import Dicom, title_of
from tests.support.hospital import RunningHospital

PATIENT_ROOT = PatientRootQueryRetrieveInformationModelFind
STUDY_ROOT = StudyRootQueryRetrieveInformationModelFind
SEARCHERS = tuple(persona for persona in personas() if could(persona, "search"))
OTHERS = tuple(persona for persona in personas() if not could(persona, "search"))
KEYWORDS = {
    level: sorted(RETURNED_KEYWORDS[level] - {"RetrieveURL"}) for level in Level if level is not Level.PATIENT
}
SUCCESS, NOT_AUTHORIZED, CANCEL = 0x0000, 0x0124, 0xFE00
MISMATCH, UNREADABLE = 0xA900, 0xC000

Row = Mapping[str, list[Any]]


def identifier(level: str, *empty: str, **values: Any) -> Dataset:
    made = Dataset()
    made.QueryRetrieveLevel = level
    for keyword in empty:
        setattr(made, keyword, [] if vr_of(keyword) == "SQ" else "")
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


@dataclass(frozen=True)
class Workstation:
    """One association of a persona; the recorder looks at every row."""

    hospital: RunningHospital
    persona: str
    association: Association

    def find(self, asked: Dataset, model: str = STUDY_ROOT) -> list[Row]:
        """The rows of a C-FIND as values by tag."""
        answers = list(self.association.send_c_find(asked, model))
        assert int(answers[-1][0].Status) == SUCCESS
        rows = [row for _, row in answers if row is not None]
        for row in rows:
            self.hospital.recorder.see(self.persona, str(row), "a row of C-FIND")
        return [
            {tag: element.get("Value", []) for tag, element in row.to_json_dict().items()} for row in rows
        ]


@contextmanager
def workstation(
    hospital: RunningHospital, dicom: Dicom, persona: str, **options: Any
) -> Iterator[Workstation]:
    with dicom.association(persona, STUDY_ROOT, PATIENT_ROOT, **options) as association:
        yield Workstation(hospital, persona, association)


def by_web(hospital: RunningHospital, persona: str, path: str) -> list[Row]:
    response = hospital.client(persona).get(path)
    assert response.status_code in {200, 204}, response.text
    rows = response.json() if response.status_code == 200 else []
    return [{tag: element.get("Value", []) for tag, element in row.items()} for row in rows]


def reduced(rows: list[Row], keywords: list[str]) -> list[dict[str, Any]]:
    """What rows say of some attributes; what one lacks, it says nothing of."""
    said = [{keyword: row.get(tag_of(keyword), []) for keyword in keywords} for row in rows]
    return sorted(said, key=repr)


@pytest.mark.parametrize("persona", SEARCHERS)
def test_studies_and_patients_are_the_same_over_dimse_as_over_the_web(
    hospital: RunningHospital, dicom: Dicom, persona: str
) -> None:
    of_study = KEYWORDS[Level.STUDY]
    listed = by_web(hospital, persona, "/studies?limit=1000")
    with workstation(hospital, dicom, persona) as at:
        found = at.find(identifier("STUDY", *of_study))
        assert reduced(found, of_study) == reduced(listed, of_study)
        assert {row[tag_of("StudyInstanceUID")][0] for row in found} == {
            hospital.studies[name].study_instance_uid for name in studies() if sees(persona, name)
        }
        asked = identifier("PATIENT", "PatientName", "PatientID", *PATIENT_COUNTS)
        patients = at.find(asked, PATIENT_ROOT)
    assert {
        row[tag_of("PatientID")][0]: {keyword: row[tag_of(keyword)] for keyword in PATIENT_COUNTS}
        for row in patients
    } == summed(listed)
    names = {row[tag_of("PatientID")][0]: row.get(tag_of("PatientName"), []) for row in listed}
    assert all(row[tag_of("PatientName")] == names[row[tag_of("PatientID")][0]] for row in patients)


def summed(studies_listed: list[Row]) -> dict[str, dict[str, list[int]]]:
    """The counts of each patient, from those of their studies; none where a study has none."""
    sums: dict[str, dict[str, list[int]]] = {}
    for row in studies_listed:
        patient = sums.setdefault(row[tag_of("PatientID")][0], {keyword: [0] for keyword in PATIENT_COUNTS})
        for keyword, of_study in PATIENT_COUNTS.items():
            added = row.get(tag_of(of_study), []) if of_study else [1]
            patient[keyword] = [patient[keyword][0] + added[0]] if patient[keyword] and added else []
    return sums


@pytest.mark.parametrize("persona", SEARCHERS)
def test_series_and_instances_are_the_same_over_dimse_as_over_the_web(
    hospital: RunningHospital, dicom: Dicom, persona: str
) -> None:
    of_series = [*KEYWORDS[Level.SERIES], "StudyInstanceUID"]
    of_instance = [*KEYWORDS[Level.INSTANCE], "StudyInstanceUID", "SeriesInstanceUID"]
    with workstation(hospital, dicom, persona) as at:
        for name in studies():
            uid = hospital.studies[name].study_instance_uid
            series = at.find(identifier("SERIES", *KEYWORDS[Level.SERIES], StudyInstanceUID=uid))
            assert len(series) == len(visible_series(persona, name))
            web = by_web(hospital, persona, f"{hospital.study(name)}/series")
            assert reduced(series, of_series) == reduced(web, of_series)
            for number in visible_series(persona, name)[:1]:
                parent = hospital.studies[name].series_instance_uid(number)
                asked = identifier(
                    "IMAGE", *KEYWORDS[Level.INSTANCE], StudyInstanceUID=uid, SeriesInstanceUID=parent
                )
                web = by_web(hospital, persona, f"{hospital.series(name, number)}/instances")
                assert reduced(at.find(asked), of_instance) == reduced(web, of_instance)


def test_matching_finds_the_same_over_dimse_as_over_the_web(hospital: RunningHospital, dicom: Dicom) -> None:
    uids = [study.study_instance_uid for study in hospital.studies.values()]
    asked: list[dict[str, Any]] = [
        {"PatientID": str(hospital.objects["S1"][0].PatientID)},
        {"PatientName": str(hospital.objects["S1"][0].PatientName)[:6] + "*"},
        {"StudyDate": "20200101-"},
        {"StudyDate": "-20200101"},
        {"ModalitiesInStudy": ["CT", "SR"]},
        {"StudyDescription": "*"},
        {"StudyInstanceUID": uids},
        {"StudyInstanceUID": uids[0], "StudyTime": "0000-2359"},
    ]
    uid = ["StudyInstanceUID"]
    for persona in ("rad1", "chief1"):
        with workstation(hospital, dicom, persona) as at:
            for values in asked:
                query = "&".join(
                    f"{keyword}={','.join(value) if isinstance(value, list) else value}"
                    for keyword, value in values.items()
                )
                found = at.find(identifier("STUDY", *uid, **values))
                web = by_web(hospital, persona, f"/studies?limit=1000&{query}")
                assert reduced(found, uid) == reduced(web, uid), values


@pytest.mark.parametrize("persona", OTHERS)
def test_who_may_never_search_gets_no_context_to_search_on(dicom: Dicom, persona: str) -> None:
    with pytest.raises(ConnectionAbortedError):
        dicom.find(persona, identifier("STUDY", "StudyInstanceUID"))


def test_a_key_that_is_masked_is_refused_and_says_nothing(hospital: RunningHospital, dicom: Dicom) -> None:
    name = str(hospital.objects["S1"][0].PatientName)
    for value in (name, "NOBODY^AT^ALL"):
        asked = identifier("STUDY", "StudyInstanceUID", PatientName=value)
        assert dicom.find("clerk1", asked) == ([], NOT_AUTHORIZED)


def test_what_is_masked_has_no_value(hospital: RunningHospital, dicom: Dicom) -> None:
    with workstation(hospital, dicom, "clerk1") as at:
        rows = at.find(identifier("STUDY", "PatientName", "PatientID"))
    assert rows
    assert all(row["00100010"] == [] and row["00100020"] for row in rows)


def test_a_hidden_study_is_found_like_one_that_does_not_exist(
    hospital: RunningHospital, dicom: Dicom
) -> None:
    hidden = hospital.studies["S2"].study_instance_uid
    for uid in (hidden, "1.2.3.4.5"):
        for asked in (
            identifier("STUDY", StudyInstanceUID=uid),
            identifier("SERIES", "SeriesInstanceUID", StudyInstanceUID=uid),
        ):
            assert dicom.find("rad1", asked) == ([], SUCCESS)


def test_a_real_workstation_finds_its_persons_studies(hospital: RunningHospital, dicom: Dicom) -> None:
    visible = [study for name, study in hospital.studies.items() if sees("rad2", name)]
    printed = dicom.tool(
        "findscu", "-v", "-S", "@", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID",
        "-k", "PatientID", "-k", "InstanceAvailability", calling=title_of("rad2"),
    )  # fmt: skip
    hospital.recorder.see("rad2", printed, "the output of findscu")
    assert "Received Final Find Response (Success)" in printed
    assert printed.count("RetrieveAETitle") == len(visible)
    assert printed.count("[PACSGATE]") == len(visible)
    assert printed.count("[ONLINE]") == len(visible)
    assert all(f"[{study.study_instance_uid}" in printed for study in visible)


def test_rows_come_in_every_transfer_syntax_that_is_agreed_on(
    hospital: RunningHospital, dicom: Dicom
) -> None:
    asked = identifier("STUDY", *KEYWORDS[Level.STUDY])
    with workstation(hospital, dicom, "chief1") as at:
        usual = at.find(asked)
    with workstation(hospital, dicom, "chief1", syntaxes=[ExplicitVRBigEndian]) as at:
        assert at.find(asked) == usual


def test_fuzzy_names_are_matched_where_that_was_agreed_on(hospital: RunningHospital, dicom: Dicom) -> None:
    name = str(hospital.objects["S1"][0].PatientName)
    words = name.replace("^", " ").split()
    beginning = f"{words[-1][:4]}"
    asked = identifier("STUDY", "StudyInstanceUID", PatientName=beginning)
    uid = ["StudyInstanceUID"]
    wanted = SOPClassExtendedNegotiation()
    wanted.sop_class_uid = STUDY_ROOT
    wanted.service_class_application_information = b"\1\1\1\1"
    with dicom.associated(
        [build_context(STUDY_ROOT, ExplicitVRBigEndian)],
        calling=title_of("chief1"),
        negotiation=[wanted],
    ) as association:
        agreed = association.acceptor.sop_class_extended
        fuzzy = Workstation(hospital, "chief1", association).find(asked)
    assert agreed == {STUDY_ROOT: b"\0\1\1\0"}
    web = by_web(hospital, "chief1", f"/studies?limit=1000&fuzzymatching=true&PatientName={beginning}")
    assert fuzzy
    assert reduced(fuzzy, uid) == reduced(web, uid)
    with workstation(hospital, dicom, "chief1") as at:
        assert at.find(asked) == []


# ------------------------------------------------------------------ what is asked badly


def test_a_search_that_is_none_is_answered_with_its_status(dicom: Dicom) -> None:
    asked = [
        (identifier("SERIES", "SeriesInstanceUID"), MISMATCH),
        (identifier("PATIENT", "PatientID"), MISMATCH),
        (identifier("NOWHERE"), MISMATCH),
        (Dataset(), MISMATCH),
        (identifier("STUDY", PatientID="A\\B"), MISMATCH),
        (identifier("STUDY", PatientID="A\x00B"), MISMATCH),
        (identifier("STUDY", PatientID="A\x1b[2J"), MISMATCH),
        (identifier("STUDY", PatientID="A" * 1000 + "*"), SUCCESS),
        (identifier("STUDY", SpecificCharacterSet="ISO_IR 999", PatientName="A"), MISMATCH),
        (identifier("STUDY", Modality="CT"), MISMATCH),
    ]
    asked[3][0].PatientID = "P"
    with dicom.association("chief1", STUDY_ROOT) as association:
        for query, expected in asked:
            answers = list(association.send_c_find(query, STUDY_ROOT))
            assert [int(status.Status) for status, _ in answers] == [expected], query


def test_bytes_that_are_no_identifier_are_not_understood(dicom: Dicom) -> None:
    with dicom.association("chief1", STUDY_ROOT) as association:
        association._reactor_checkpoint.clear()
        context_id = association.accepted_contexts[0].context_id
        for number, data in enumerate((b"\xff" * 100, b"\x08\0\x52\0\xff\xff\xff\x7f", b"\0" * 64), 1):
            request = C_FIND()
            request.MessageID, request.AffectedSOPClassUID = number, STUDY_ROOT
            request.Priority, request.Identifier = 2, io.BytesIO(data)
            association.dimse.send_msg(request, context_id)
            _, answer = association.dimse.get_msg(block=True)
            assert answer.Status in {UNREADABLE, MISMATCH}


def test_an_optional_key_that_is_not_supported_is_said_to_be_so(dicom: Dicom) -> None:
    with dicom.association("chief1", STUDY_ROOT) as association:
        asked = identifier("STUDY", "StudyInstanceUID", PatientBirthName="DOE")
        statuses = {int(status.Status) for status, _ in association.send_c_find(asked, STUDY_ROOT)}
    assert statuses == {0xFF01, SUCCESS}


def test_a_search_that_is_cancelled_ends_with_the_word_for_it(dicom: Dicom) -> None:
    with dicom.association("chief1", STUDY_ROOT) as association:
        context_id = association.accepted_contexts[0].context_id
        association.send_c_cancel(1, context_id)
        answers = list(association.send_c_find(identifier("STUDY", "StudyInstanceUID"), STUDY_ROOT, msg_id=2))
    assert int(answers[-1][0].Status) == SUCCESS


def test_a_search_is_on_record_with_its_keys_and_never_its_answer(
    hospital: RunningHospital, dicom: Dicom
) -> None:
    asked = identifier("STUDY", "StudyInstanceUID", PatientName="UNHEARD^OF*")
    assert dicom.find("rad1", asked) == ([], SUCCESS)
    trail = hospital.cli("audit", "search", "--kind", "QUERY", "--json").stdout
    said = "C-FIND Study Root STUDY?PatientName=UNHEARD^OF*&StudyInstanceUID="
    assert said in trail
