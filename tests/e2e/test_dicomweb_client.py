"""dicomweb-client, which researchers use, against a gate that runs: what it gets is what was stored.

Every answer goes past the canary recorder, as in all tests of a running hospital.
"""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from pacsgate.cli.demo.hospital import DemoStudy
from tests.support.hospital import RunningHospital
from tests.support.waiting import wait_until

AS_STORED = (("application/dicom", "*"),)
WITH_PIXELS = ("S1", "S2", "S4", "S6", "S7", "S13")
"""Studies whose images can all be decoded: native, RLE, JPEG-LS, JPEG 2000, baseline JPEG."""


def client(hospital: RunningHospital, persona: str) -> DICOMwebClient:
    return DICOMwebClient(hospital.dicomweb, session=hospital.client(persona), chunk_size=64 * 1024)


def uids(instance: Dataset) -> tuple[str, str, str]:
    return str(instance.StudyInstanceUID), str(instance.SeriesInstanceUID), str(instance.SOPInstanceUID)


def by_uid(instances: Iterator[Dataset] | list[Dataset]) -> dict[str, Dataset]:
    return {str(instance.SOPInstanceUID): instance for instance in instances}


def found(rows: list[dict[str, Any]], keyword: str) -> list[Any]:
    return [Dataset.from_json(row).get(keyword) for row in rows]


def names_of(hospital: RunningHospital, rows: list[dict[str, Any]]) -> list[str]:
    names = {study.study_instance_uid: name for name, study in hospital.studies.items()}
    return sorted(names.get(uid, "new") for uid in found(rows, "StudyInstanceUID"))


def stored_file(instance: Dataset) -> Dataset:
    """The instance as a reader of its file sees it."""
    buffer = io.BytesIO()
    instance.save_as(buffer, enforce_file_format=True)
    return dcmread(io.BytesIO(buffer.getvalue()))


# Search


def test_each_level_lists_what_the_persona_may_see(hospital: RunningHospital) -> None:
    radiologist = client(hospital, "rad1")
    study = hospital.studies["S1"]
    assert names_of(hospital, radiologist.search_for_studies()) == ["S1"]
    assert set(found(radiologist.search_for_series(), "SeriesInstanceUID")) == {
        study.series_instance_uid(1),
        study.series_instance_uid(2),
    }
    stored = {str(instance.SOPInstanceUID) for instance in hospital.objects["S1"]}
    assert set(found(radiologist.search_for_instances(study.study_instance_uid), "SOPInstanceUID")) == stored
    assert client(hospital, "rad2").search_for_instances(study.study_instance_uid) == []


def test_pages_put_together_are_the_whole(hospital: RunningHospital) -> None:
    chief = client(hospital, "chief1")
    whole = found(chief.search_for_studies(), "StudyInstanceUID")
    assert len(whole) == len(hospital.studies)
    assert found(chief.search_for_studies(limit=4, get_remaining=True), "StudyInstanceUID") == whole
    assert found(chief.search_for_studies(limit=3, offset=5), "StudyInstanceUID") == whole[5:8]


def test_filters_and_further_fields_are_obeyed(hospital: RunningHospital) -> None:
    chief = client(hospital, "chief1")
    described = chief.search_for_studies(
        fields=["InstitutionalDepartmentName"],
        search_filters={"PatientID": "P2-*", "ModalitiesInStudy": "MR"},
    )
    assert names_of(hospital, described) == ["S2"]
    assert found(described, "InstitutionalDepartmentName") == ["MR-B"]
    by_date = chief.search_for_studies(search_filters={"StudyDate": "20260901-20260908"})
    assert names_of(hospital, by_date) == ["S1", "S2"]


def test_a_name_is_found_by_its_ideographs_and_fuzzily_in_any_order(hospital: RunningHospital) -> None:
    chief = client(hospital, "chief1")
    assert names_of(hospital, chief.search_for_studies(search_filters={"PatientName": "佐藤*"})) == ["S6"]
    turned = {"PatientName": "alice amber"}
    assert chief.search_for_studies(search_filters=turned) == []
    assert names_of(hospital, chief.search_for_studies(fuzzymatching=True, search_filters=turned)) == [
        "S1",
        "S4",
    ]


# Retrieve


@pytest.mark.parametrize("name", ["S1", "S2", "S6", "S7", "S10", "S12"])
def test_a_study_comes_back_as_it_was_stored(hospital: RunningHospital, name: str) -> None:
    study = hospital.studies[name].study_instance_uid
    got = by_uid(client(hospital, "chief1").retrieve_study(study, media_types=AS_STORED))
    stored = by_uid([stored_file(instance) for instance in hospital.objects[name]])
    assert got == stored
    assert {uid: instance.file_meta.TransferSyntaxUID for uid, instance in got.items()} == {
        uid: instance.file_meta.TransferSyntaxUID for uid, instance in stored.items()
    }


@pytest.mark.parametrize("name", WITH_PIXELS)
def test_pixels_come_back_whatever_they_were_encoded_as(hospital: RunningHospital, name: str) -> None:
    chief = client(hospital, "chief1")
    for instance in hospital.objects[name]:
        got = chief.retrieve_instance(
            *uids(instance), media_types=(("application/dicom", ExplicitVRLittleEndian),)
        )
        assert got.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        assert np.array_equal(got.pixel_array, stored_file(instance).pixel_array)


def test_a_series_comes_as_a_stream(hospital: RunningHospital) -> None:
    study = hospital.studies["S1"]
    parts = client(hospital, "rad1").iter_series(study.study_instance_uid, study.series_instance_uid(2))
    assert len(by_uid(parts)) == 4


def test_what_is_hidden_is_not_found(hospital: RunningHospital) -> None:
    study = hospital.studies["S2"]
    with pytest.raises(requests.HTTPError, match="404"):
        client(hospital, "rad1").retrieve_study(study.study_instance_uid)
    with pytest.raises(requests.HTTPError, match="404"):
        client(hospital, "rad1").retrieve_series_metadata(
            hospital.studies["S1"].study_instance_uid, study.series_instance_uid(1)
        )


def test_the_hidden_part_of_a_study_does_not_come(hospital: RunningHospital) -> None:
    teaching = hospital.studies["S5"].study_instance_uid
    assert {instance.Modality for instance in client(hospital, "stud1").retrieve_study(teaching)} == {"CT"}
    assert {instance.Modality for instance in client(hospital, "chief1").retrieve_study(teaching)} == {
        "CT",
        "SR",
    }


# Metadata and bulk data


@pytest.mark.parametrize("name", ["S1", "S2", "S6", "S7", "S8", "S9", "S11", "S12", "S13"])
def test_metadata_with_its_bulk_data_is_the_whole_object(hospital: RunningHospital, name: str) -> None:
    chief = client(hospital, "chief1")
    stored = by_uid([stored_file(instance) for instance in hospital.objects[name]])
    for row in chief.retrieve_study_metadata(hospital.studies[name].study_instance_uid):
        instance = stored.pop(row["00080018"]["Value"][0])
        assert_same(chief, row, instance, instance.file_meta.TransferSyntaxUID)
    assert not stored


def assert_same(chief: DICOMwebClient, row: dict[str, Any], stored: Dataset, syntax: UID) -> None:
    """Metadata, links followed, against a data set and its items."""
    del stored[0x00080005:0x00080006]  # JSON is UTF-8
    row.pop("00080005", None)
    assert {f"{element.tag:08X}" for element in stored} == set(row)
    plain = {tag: one for tag, one in row.items() if one["vr"] != "SQ" and "BulkDataURI" not in one}
    got = Dataset.from_json(plain)
    for element in stored:
        tag = f"{element.tag:08X}"
        if "BulkDataURI" in row[tag]:
            assert_same_bytes(chief, row[tag]["BulkDataURI"], element, syntax)
        elif element.VR == "SQ":
            for one, item in zip(row[tag].get("Value", []), element.value, strict=True):
                assert_same(chief, one, item, syntax)
        else:
            assert got[element.tag].value == element.value or element.is_empty, element.keyword


def assert_same_bytes(chief: DICOMwebClient, uri: str, stored: DataElement, syntax: UID) -> None:
    if stored.keyword == "PixelData" and syntax.is_encapsulated:
        return  # compressed pixels travel as frames
    (got,) = chief.retrieve_bulkdata(uri)
    words = np.dtype("u2" if stored.VR == "OW" else "u1")
    expected = np.frombuffer(stored.value, words.newbyteorder("<" if syntax.is_little_endian else ">"))
    assert np.array_equal(np.frombuffer(got, words.newbyteorder("<")), expected), stored.keyword


# Frames and rendered images


def test_frames_are_those_of_the_multi_frame_object(hospital: RunningHospital) -> None:
    (instance,) = (one for one in hospital.objects["S11"] if one.Modality == "RTDOSE")
    dose = stored_file(instance).pixel_array
    frames = client(hospital, "chief1").retrieve_instance_frames(
        *uids(instance), [1, 7, 15], media_types=("application/octet-stream",)
    )
    assert [np.frombuffer(frame, dose.dtype).reshape(dose.shape[1:]).tolist() for frame in frames] == [
        dose[number - 1].tolist() for number in (1, 7, 15)
    ]


@pytest.mark.parametrize(
    ("name", "series", "number", "media_type"),
    [
        ("S2", 1, 5, "image/jp2"),
        ("S2", 1, 6, "image/jls"),
        ("S2", 1, 4, "image/dicom-rle"),
        ("S7", 2, 1, "image/jpeg"),
    ],
)
def test_a_compressed_frame_leaves_as_it_is_stored(
    hospital: RunningHospital, name: str, series: int, number: int, media_type: str
) -> None:
    uid = hospital.studies[name].sop_instance_uid(series, number)
    (instance,) = (one for one in hospital.objects[name] if one.SOPInstanceUID == uid)
    count = int(instance.get("NumberOfFrames", 1))
    stored = [frame.rstrip(b"\0") for frame in generate_frames(instance.PixelData, number_of_frames=count)]
    frames = client(hospital, "chief1").retrieve_instance_frames(
        *uids(instance),
        range(1, count + 1),
        media_types=((media_type, instance.file_meta.TransferSyntaxUID),),
    )
    assert [frame.rstrip(b"\0") for frame in frames] == stored


@pytest.mark.parametrize("name", ["S1", "S2", "S6", "S7", "S10"])
@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg"])
def test_rendered_images_show_something(hospital: RunningHospital, name: str, media_type: str) -> None:
    instance = hospital.objects[name][0]
    picture = client(hospital, "chief1").retrieve_instance_rendered(
        *uids(instance), media_types=(media_type,)
    )
    with Image.open(io.BytesIO(picture)) as image:
        assert Image.MIME[image.format or ""] == media_type
        assert image.size == (instance.Columns, instance.Rows)
        darkest, brightest = image.convert("L").getextrema()
        assert darkest < brightest


# Store and delete


def new_instance(study: DemoStudy, like: Dataset) -> Dataset:
    """An object of a study that the archive has never seen."""
    made = stored_file(like)
    made.StudyInstanceUID, made.SeriesInstanceUID, made.SOPInstanceUID = (generate_uid() for _ in range(3))
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.StudyDescription = f"new, like {study.name}"
    return made


def test_what_a_scanner_stores_can_be_found_and_read(own_hospital: RunningHospital) -> None:
    made = new_instance(own_hospital.studies["S1"], own_hospital.objects["S1"][0])
    answer = client(own_hospital, "CT1").store_instances([made])
    assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == [made.SOPInstanceUID]
    assert "FailedSOPSequence" not in answer
    chief = client(own_hospital, "chief1")
    assert len(chief.search_for_studies(search_filters={"StudyInstanceUID": made.StudyInstanceUID})) == 1
    assert chief.retrieve_instance(*uids(made), media_types=AS_STORED) == made


def test_whoever_may_not_store_is_refused(own_hospital: RunningHospital) -> None:
    """A referring physician stores nothing; a radiologist stores annotations, which an image is not."""
    made = new_instance(own_hospital.studies["S1"], own_hospital.objects["S1"][0])
    for persona, status in (("ref1", "403"), ("rad1", "409")):
        with pytest.raises(requests.HTTPError, match=status):
            client(own_hospital, persona).store_instances([made])
    assert (
        client(own_hospital, "chief1").search_for_studies(
            search_filters={"StudyInstanceUID": made.StudyInstanceUID}
        )
        == []
    )


def test_one_bad_object_does_not_keep_the_others_out(own_hospital: RunningHospital) -> None:
    """A changed object under a known UID fails alone."""
    scanner = client(own_hospital, "CT1")
    first = new_instance(own_hospital.studies["S1"], own_hospital.objects["S1"][0])
    scanner.store_instances([first])
    changed = stored_file(first)
    changed.ImageComments = "another object under the same UID"
    other = new_instance(own_hospital.studies["S1"], own_hospital.objects["S1"][1])
    answer = scanner.store_instances([changed, other])
    assert [item.ReferencedSOPInstanceUID for item in answer.FailedSOPSequence] == [first.SOPInstanceUID]
    assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == [other.SOPInstanceUID]
    assert client(own_hospital, "chief1").retrieve_instance(*uids(first), media_types=AS_STORED) == first


def test_only_those_who_may_delete_can(own_hospital: RunningHospital) -> None:
    study, series = own_hospital.studies["S13"], own_hospital.studies["S13"].series_instance_uid(1)
    chief = client(own_hospital, "chief1")
    with pytest.raises(requests.HTTPError, match="403"):
        chief.delete_series(study.study_instance_uid, series)
    before = own_hospital.policy.read_text("utf-8")
    chiefs = "chief-radiologist:\n    may: [search, view, retrieve, annotate, share"
    assert chiefs in before
    own_hospital.policy.write_text(before.replace(chiefs, f"{chiefs}, delete"), "utf-8")

    def is_deleted() -> bool:
        try:
            chief.delete_series(study.study_instance_uid, series)
        except requests.HTTPError as refused:
            if refused.response.status_code != 403:
                raise
            return False
        return True

    wait_until(is_deleted)
    assert found(chief.search_for_series(study.study_instance_uid), "SeriesInstanceUID") == [
        study.series_instance_uid(2)
    ]
    with pytest.raises(requests.HTTPError, match="404"):
        chief.retrieve_series(study.study_instance_uid, series)
    chief.delete_study(study.study_instance_uid)
    assert "S13" not in names_of(own_hospital, chief.search_for_studies())
