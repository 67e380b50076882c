"""Over DIMSE a persona gets what the web gives: the same studies, series, instances and counts, and the same refusals.

Every question is put twice, to the DICOM door and to DICOMweb, and the hand-written oracle is the third answer.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.presentation import StoragePresentationContexts, build_context
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelMove,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from pacsgate.model.application_entity import RemoteAe
from tests.e2e import expectations
from tests.e2e.expectations import MISSING, cell, contents, could, personas, sees, studies, visible_series
from tests.support.data_sets import identifier
from tests.support.dcmqrscp import running_dcmqrscp
from tests.support.dimse import (
    Dicom,
    add_devices,
    dicom_doors,
    role_of_scp,
    storing,
    title_of,
    user_identity,
    with_dicom,
)
from tests.support.guarded_orthanc import orthanc_settings
from tests.support.hospital import FurnishedHospital, RunningHospital, opened
from tests.support.origin_hospital import ORIGIN_CREDENTIALS, furnish_origin
from tests.support.orthanc import running_orthanc
from tests.support.ports import free_port

NOT_AUTHORIZED = 0x0124
FIND, GET, MOVE = (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)
SEARCHERS = tuple(persona for persona in personas() if could(persona, "search"))
RETRIEVERS = tuple(persona for persona in personas() if could(persona, "retrieve"))
WITHOUT_SEARCH = tuple(persona for persona in personas() if not could(persona, "search"))
BRING = ("store", "append", "annotate")
STORERS = tuple(persona for persona in personas() if any(could(persona, action) for action in BRING))
COUNTS = {
    "00201206": "NumberOfStudyRelatedSeries",
    "00201208": "NumberOfStudyRelatedInstances",
    "00080061": "ModalitiesInStudy",
}
FAR = "FARAWAY"
"""A destination outside, which acts as somebody who may retrieve everything."""


@dataclass(frozen=True, slots=True)
class Ward:
    """A hospital with both doors, and a Storage SCP in the house next door."""

    hospital: RunningHospital
    dicom: Dicom
    arrived: list[Dataset]
    is_origin: bool
    """Whether others filled the archive, so that nobody knows who stored a study."""

    def uid(self, study: str) -> str:
        """The Study Instance UID of a study of the oracle."""
        return str(generate_uid()) if study == MISSING else self.hospital.studies[study].study_instance_uid

    def patient_id(self, study: str) -> str:
        """The Patient ID in the objects of a study."""
        return str(self.hospital.objects[study][0].PatientID)

    def seen(self, persona: str, rows: Iterable[Dataset], where: str) -> None:
        """Let the canary recorder look at what a persona got."""
        for row in rows:
            self.hospital.recorder.see(persona, str(row).encode("utf-8", "replace"), where)

    @contextmanager
    def getting(self, persona: str, arrived: list[Dataset]) -> Iterator[Association]:
        """An association for C-GET that takes everything the hospital holds, as it is stored."""
        kinds = {
            (one.SOPClassUID, one.file_meta.TransferSyntaxUID)
            for held in self.hospital.objects.values()
            for one in held
        }
        # Some archives give an object in another transfer syntax than they got it in (dcmqrscp decodes RLE).
        kinds |= {(uid, ExplicitVRLittleEndian) for uid, _ in kinds}
        contexts = [build_context(GET), *(build_context(uid, syntax) for uid, syntax in sorted(kinds))]
        identity = user_identity(2, persona.encode(), self.hospital.passwords[persona].encode())
        roles = [role_of_scp(uid) for uid in {uid for uid, _ in kinds}]
        with self.dicom.associated(
            contexts, negotiation=[identity, *roles], handlers=storing(arrived)
        ) as association:
            yield association


@contextmanager
def storage_scp(arrived: list[Dataset]) -> Iterator[int]:
    """A Storage SCP that keeps what it is sent."""

    def store(event: Any) -> int:
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        arrived.append(dataset)
        return 0x0000

    entity = AE(FAR)
    for context in StoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax, _every_syntax())
    port = free_port()
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    try:
        yield port
    finally:
        server.shutdown()


def _every_syntax() -> list[str]:
    from pydicom.uid import AllTransferSyntaxes  # noqa: PLC0415 - a long list of which one thing is wanted

    return [uid for uid in AllTransferSyntaxes if not uid.is_private]


@contextmanager
def _folder(furnished: FurnishedHospital, directory: Path) -> Iterator[FurnishedHospital]:
    yield furnished.copy_to(directory / "gate")


@contextmanager
def _orthanc(_furnished: FurnishedHospital, directory: Path) -> Iterator[FurnishedHospital]:
    with running_orthanc(directory / "orthanc", credentials=ORIGIN_CREDENTIALS) as orthanc:
        yield furnish_origin(directory / "gate", orthanc, archive=orthanc_settings(orthanc.url))


@contextmanager
def _dcmqrscp(_furnished: FurnishedHospital, directory: Path) -> Iterator[FurnishedHospital]:
    with running_dcmqrscp(directory / "dcmqrscp") as archive:
        yield furnish_origin(directory / "gate", archive, archive=archive.lines())


_ARCHIVES = {"folder": _folder, "orthanc": _orthanc, "dcmqrscp": _dcmqrscp}
"""What the hospital keeps its studies in."""


@pytest.fixture(
    scope="module",
    params=[
        "folder",
        pytest.param("orthanc", marks=[pytest.mark.long, pytest.mark.server("orthanc")]),
        pytest.param("dcmqrscp", marks=[pytest.mark.long, pytest.mark.server("dcmtk")]),
    ],
)
def ward(
    request: pytest.FixtureRequest, furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ward]:
    arrived: list[Dataset] = []
    directory = tmp_path_factory.mktemp("ward")
    with storage_scp(arrived) as port, _ARCHIVES[request.param](furnished, directory) as copy:
        with_dicom(copy)
        add_devices(copy.config, RemoteAe(FAR, "chief1", host="127.0.0.1", port=port, owner="admin1"))
        with opened(copy) as running:
            yield Ward(running, dicom_doors(running)[0], arrived, is_origin=request.param != "folder")


@pytest.fixture(autouse=True)
def _cells_of_an_origin(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """For an archive that others filled, the cells that differ."""
    if ward.is_origin:
        monkeypatch.setattr(expectations, "_cells", expectations.cells_of_an_origin)


def _web(ward: Ward, persona: str, path: str) -> list[dict[str, Any]]:
    response = ward.hospital.client(persona).get(path)
    assert response.status_code in {200, 204}, response.text
    return response.json() if response.status_code == 200 else []


def _values(row: dict[str, Any], tag: str) -> list[Any]:
    return list(row.get(tag, {}).get("Value", []))


def _found(ward: Ward, persona: str, identifier: Dataset, model: str = FIND) -> list[Dataset]:
    rows, status = ward.dicom.find(persona, identifier, model=model)
    assert status == 0x0000
    ward.seen(persona, rows, "the answers of a C-FIND")
    return rows


@pytest.mark.parametrize("persona", SEARCHERS)
def test_a_c_find_finds_at_every_level_what_the_web_finds(ward: Ward, persona: str) -> None:
    """Rows L1, X8."""
    found = {row.StudyInstanceUID for row in _found(ward, persona, identifier("STUDY", StudyInstanceUID=""))}
    assert found == {_values(row, "0020000D")[0] for row in _web(ward, persona, "/studies?limit=1000")}
    assert found == {ward.uid(study) for study in studies() if sees(persona, study)}
    for study in found:
        series = {
            row.SeriesInstanceUID
            for row in _found(
                ward, persona, identifier("SERIES", StudyInstanceUID=study, SeriesInstanceUID="")
            )
        }
        assert series == {
            _values(row, "0020000E")[0] for row in _web(ward, persona, f"/studies/{study}/series")
        }
        for one in series:
            instances = {
                row.SOPInstanceUID
                for row in _found(
                    ward,
                    persona,
                    identifier("IMAGE", StudyInstanceUID=study, SeriesInstanceUID=one, SOPInstanceUID=""),
                )
            }
            assert instances == {
                _values(row, "00080018")[0]
                for row in _web(ward, persona, f"/studies/{study}/series/{one}/instances?limit=1000")
            }


@pytest.mark.parametrize("persona", SEARCHERS)
def test_what_a_persona_may_not_find_is_not_there_for_it(ward: Ward, persona: str) -> None:
    for study in (*(study for study in studies() if not sees(persona, study)), MISSING):
        uid = ward.uid(study)
        assert _found(ward, persona, identifier("STUDY", StudyInstanceUID=uid)) == []
        assert _found(ward, persona, identifier("SERIES", StudyInstanceUID=uid, SeriesInstanceUID="")) == []


@pytest.mark.parametrize("persona", SEARCHERS)
def test_patients_are_those_of_the_studies_that_are_found(ward: Ward, persona: str) -> None:
    asked = identifier("PATIENT", PatientID="", NumberOfPatientRelatedStudies="")
    rows = _found(ward, persona, asked, PatientRootQueryRetrieveInformationModelFind)
    patients = [row.PatientID for row in rows]
    of_studies = [ward.patient_id(study) for study in studies() if sees(persona, study)]
    assert set(patients) == set(of_studies)
    counted = sum(int(row.NumberOfPatientRelatedStudies or 0) for row in rows)
    if persona != "clerk1":  # whose mask hides counts
        assert counted == len(of_studies)


@pytest.mark.parametrize("persona", SEARCHERS)
def test_counts_are_those_of_the_web(ward: Ward, persona: str) -> None:
    keys = dict.fromkeys(COUNTS.values(), "")
    rows = {
        row.StudyInstanceUID: row
        for row in _found(ward, persona, identifier("STUDY", StudyInstanceUID="", **keys))
    }
    fields = ",".join(COUNTS.values())
    for web in _web(ward, persona, f"/studies?limit=1000&includefield={fields}"):
        row = rows[_values(web, "0020000D")[0]]
        for tag, keyword in COUNTS.items():
            value = row.get(keyword)
            values = [] if not value else [value] if isinstance(value, str | int) else list(value)
            assert sorted(map(str, values)) == sorted(map(str, _values(web, tag))), keyword


@pytest.mark.parametrize("persona", WITHOUT_SEARCH)
def test_who_may_never_search_is_offered_no_c_find_or_refused(ward: Ward, persona: str) -> None:
    with pytest.raises(ConnectionAbortedError), ward.dicom.association(persona, FIND):
        pass
    with ward.dicom.association(persona, Verification, FIND) as association:
        assert [context.abstract_syntax for context in association.accepted_contexts] == [Verification]


@pytest.mark.parametrize("persona", RETRIEVERS)
def test_a_c_get_brings_what_the_web_would_and_nothing_else(ward: Ward, persona: str) -> None:
    """Rows L1, X8."""
    for study in (*studies(), MISSING):
        arrived: list[Dataset] = []
        with ward.getting(persona, arrived) as association:
            final = list(association.send_c_get(identifier("STUDY", StudyInstanceUID=ward.uid(study)), GET))[
                -1
            ][0]
        ward.seen(persona, arrived, "the objects of a C-GET")
        allowed = cell(persona, "retrieve", study)
        wanted = {
            ward.hospital.studies[study].sop_instance_uid(number, one)
            for number in (visible_series(persona, study) if allowed == "allow" else ())
            for one in range(1, len(contents()[study, number]) + 1)
        }
        assert {one.SOPInstanceUID for one in arrived} == wanted, study
        assert final.Status == (NOT_AUTHORIZED if allowed == "403" else 0x0000), study


@pytest.mark.parametrize("persona", RETRIEVERS)
@pytest.mark.parametrize("model", [MOVE, PatientRootQueryRetrieveInformationModelMove])
def test_a_c_move_to_somebody_else_needs_export(ward: Ward, persona: str, model: str) -> None:
    """Rows L1, X8."""
    for study in studies():
        ward.arrived.clear()
        asked = identifier("STUDY", StudyInstanceUID=ward.uid(study))
        if model != MOVE:
            asked.PatientID = ward.patient_id(study)
        with ward.dicom.association(persona, model) as association:
            final = list(association.send_c_move(asked, FAR, model))[-1][0]
        allowed = {cell(persona, action, study) for action in ("retrieve", "export")} == {"allow"}
        assert bool(ward.arrived) is allowed, study
        assert (final.Status == 0x0000) is (allowed or not sees(persona, study)) or not could(
            persona, "export"
        )


@pytest.mark.parametrize("persona", STORERS)
def test_a_c_store_is_judged_as_a_stow_is(ward: Ward, persona: str) -> None:
    """Rows L1, X8."""
    for study in studies():
        instance = _another_image_of(ward, study)
        with ward.dicom.association(
            persona, instance.SOPClassUID, syntaxes=[instance.file_meta.TransferSyntaxUID]
        ) as association:
            status = association.send_c_store(instance).Status
        assert (status == 0x0000) is (cell(persona, "append", study) == "allow"), study
        assert status in {0x0000, NOT_AUTHORIZED}


@pytest.mark.parametrize("persona", [persona for persona in personas() if persona not in STORERS])
def test_who_may_never_bring_anything_stores_nothing(ward: Ward, persona: str) -> None:
    """Rows L1, X8."""
    instance = _another_image_of(ward, "S1")
    with ward.dicom.association(
        persona, Verification, instance.SOPClassUID, syntaxes=[instance.file_meta.TransferSyntaxUID]
    ) as association:
        assert instance.SOPClassUID not in {one.abstract_syntax for one in association.accepted_contexts}


def _another_image_of(ward: Ward, study: str) -> Dataset:
    """An image of the first series of a study that the archive does not hold yet."""
    from copy import deepcopy  # noqa: PLC0415 - only here

    instance = deepcopy(ward.hospital.objects[study][0])
    instance.SOPInstanceUID = instance.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    return instance


def test_a_device_without_a_user_acts_as_its_account(ward: Ward) -> None:
    as_user = {row.StudyInstanceUID for row in _found(ward, "rad1", identifier("STUDY", StudyInstanceUID=""))}
    rows, status = ward.dicom.find(None, identifier("STUDY", StudyInstanceUID=""), calling=title_of("rad1"))
    assert (status, {row.StudyInstanceUID for row in rows}) == (0x0000, as_user)
    assert as_user == {ward.uid(study) for study in studies() if sees("rad1", study)}
