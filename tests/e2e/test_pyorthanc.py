"""pyorthanc, as its users write it: the same script against Orthanc and against the gate, by somebody who sees all and by others."""

import io
import zipfile

import httpx
import pyorthanc
import pytest

from tests.support.guarded_orthanc import GuardedOrthanc

pytestmark = pytest.mark.server("orthanc")


def gate_client(guarded: GuardedOrthanc, persona: str) -> pyorthanc.Orthanc:
    return pyorthanc.Orthanc(guarded.mounted, persona, guarded.hospital.passwords[persona], timeout=30)


def straight_client(guarded: GuardedOrthanc) -> pyorthanc.Orthanc:
    assert guarded.orthanc.credentials is not None
    return pyorthanc.Orthanc(guarded.orthanc.url, *guarded.orthanc.credentials, timeout=30)


def described(client: pyorthanc.Orthanc) -> dict[str, object]:
    """What a script reads of an archive, from patients down to tags."""
    read: dict[str, object] = {}
    for study in pyorthanc.find_studies(client, {"StudyDate": "20260101-20261231"}):
        read[study.id_] = (
            study.uid,
            study.patient_identifier,
            study.patient_information,
            study.main_dicom_tags,
            sorted(series.id_ for series in study.series),
        )
        for series in study.series:
            read[series.id_] = (series.modality, sorted(instance.id_ for instance in series.instances))
        first = study.series[0].instances[0]
        read[first.id_] = (first.uid, first.simplified_tags, first.get_content_by_tag("0010-0020"))
    return read


def test_a_script_reads_through_the_gate_what_it_reads_from_orthanc(guarded_orthanc: GuardedOrthanc) -> None:
    with gate_client(guarded_orthanc, "chief1") as gate, straight_client(guarded_orthanc) as straight:
        here, there = described(gate), described(straight)
    assert here == there
    assert len(here) > 20


@pytest.mark.parametrize(("persona", "sees"), [("rad1", {"S1"}), ("rad3", {"S6", "S7", "S8", "S12", "S13"})])
def test_a_script_finds_and_opens_what_its_user_may_and_nothing_else(
    guarded_orthanc: GuardedOrthanc, persona: str, sees: set[str]
) -> None:
    with gate_client(guarded_orthanc, persona) as gate:
        found = {study.id_ for study in pyorthanc.find_studies(gate)}
        assert found == {guarded_orthanc.study(name) for name in sees} == set(gate.get_studies())
        for study in map(gate.get_studies_id, found):
            assert {gate.get_series_id(one)["ParentStudy"] for one in study["Series"]} == {study["ID"]}
        with pytest.raises(httpx.HTTPError, match="404"):
            gate.get_studies_id(guarded_orthanc.study("S2"))


def test_a_download_holds_what_is_visible(guarded_orthanc: GuardedOrthanc) -> None:
    with gate_client(guarded_orthanc, "chief1") as gate:
        study = pyorthanc.Study(guarded_orthanc.study("S1"), gate)
        with zipfile.ZipFile(io.BytesIO(study.get_zip())) as archive:
            assert len(archive.namelist()) == len(guarded_orthanc.hospital.objects["S1"])
        instance = study.series[0].instances[0]
        assert instance.get_pydicom().SOPInstanceUID == instance.uid
    with gate_client(guarded_orthanc, "rad1") as gate, pytest.raises(httpx.HTTPError, match="403"):
        pyorthanc.Study(guarded_orthanc.study("S1"), gate).get_zip()
