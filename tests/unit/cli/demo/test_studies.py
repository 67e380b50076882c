"""The demo's studies: valid, complete, and nobody's."""

import io
import subprocess
import warnings
from collections.abc import Iterator
from importlib.resources import files

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from pacsgate.cli.demo.hospital import DemoStudy, instances, part10, people, studies, write_instances
from pacsgate.cli.demo.study import Department

JAPANESE = "ISO 2022 IR 87"
"""Debian's dcmtk 3.6.7 cannot convert it: it uses the C library's iconv."""
EVERY_STUDY = pytest.mark.parametrize("study", studies(), ids=lambda study: study.name)


def sources(study: DemoStudy) -> Iterator[Dataset]:
    for series in study.series:
        for source in series.sources:
            package, _, path = source.partition("/")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield dcmread(io.BytesIO(files(package).joinpath(path).read_bytes()))


def test_there_are_enough_studies_patients_and_departments():
    assert [study.name for study in studies()] == [f"S{number}" for number in range(1, len(studies()) + 1)]
    assert len(studies()) >= 12
    assert len({(study.patient.issuer, study.patient.patient_id) for study in studies()}) >= 8
    assert {study.department for study in studies()} >= set(Department)


def test_they_hold_many_kinds_of_objects():
    made = [instance for study in studies() for instance in instances(study)]
    assert {"CT", "MR", "US", "NM", "CR", "OT", "SR", "RTDOSE", "RTPLAN", "ECG"} <= {
        one.Modality for one in made
    }
    assert len({one.file_meta.TransferSyntaxUID for one in made}) >= 10
    assert any(int(one.get("NumberOfFrames", 1)) == 30 for one in made)
    assert {"ISO 2022 IR 87", "ISO 2022 IR 149", "ISO_IR 126", "GB18030", "ISO_IR 144"} <= {
        charset
        for one in made
        for charset in (
            [one.SpecificCharacterSet]
            if isinstance(one.SpecificCharacterSet, str)
            else one.SpecificCharacterSet
        )
    }


@EVERY_STUDY
def test_the_same_study_gives_the_same_bytes(study):
    assert list(write_instances(study)) == list(write_instances(study))


@EVERY_STUDY
def test_what_is_written_reads_back_as_the_table_says(study):
    for written in write_instances(study):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read = dcmread(io.BytesIO(written))
            assert str(read.PatientName) == study.patient.name
        assert (read.PatientID, read.get("IssuerOfPatientID", "")) == (
            study.patient.patient_id,
            study.patient.issuer,
        )
        assert read.StudyInstanceUID == study.study_instance_uid
        assert read.get("InstitutionalDepartmentName") == study.department
        assert read.ReferringPhysicianName == study.referring_physician_name
        assert read.file_meta.MediaStorageSOPInstanceUID == read.SOPInstanceUID


def test_no_two_objects_share_a_uid():
    uids = [str(instance.SOPInstanceUID) for study in studies() for instance in instances(study)]
    assert len(uids) == len(set(uids))


@EVERY_STUDY
def test_nothing_remains_of_whom_the_source_was_about(study):
    made = b"".join(write_instances(study))
    for source in sources(study):
        for keyword in (
            "StudyInstanceUID",
            "SeriesInstanceUID",
            "SOPInstanceUID",
            "PatientName",
            "PatientID",
            "InstitutionName",
        ):
            value = str(source.get(keyword) or "")
            if len(value) >= 6:  # shorter ones occur by chance
                assert value.encode("utf-8") not in made, keyword


@EVERY_STUDY
def test_pixels_are_those_of_the_source(study):
    images = [one for one in instances(study) if one.Modality != "SR"]
    for source, made in zip(sources(study), images, strict=True):
        if made.get("BurnedInAnnotation") != "YES":
            assert source.get("PixelData") == made.get("PixelData")


def test_a_name_is_burned_into_one_image():
    (burned,) = (
        one for study in studies() for one in instances(study) if one.get("BurnedInAnnotation") == "YES"
    )
    letters = burned.pixel_array[:20, :120]
    assert letters.min() == 0
    assert letters.max() > 250
    assert 0.01 < (letters > 127).mean() < 0.5


@pytest.mark.server("dcmtk")
@EVERY_STUDY
def test_dcmtk_reads_every_object_without_a_warning(study, tmp_path):
    for number, written in enumerate(write_instances(study)):
        file = tmp_path / f"{number}.dcm"
        file.write_bytes(written)
        dump = subprocess.run(["dcmdump", str(file)], capture_output=True, check=False)
        assert (dump.returncode, dump.stderr) == (0, b"")


def test_the_japanese_name_is_written_as_its_standard_says():
    (study,) = (study for study in studies() if JAPANESE in study.patient.charset)
    assert study.patient.name.encode("iso2022_jp") in next(write_instances(study))


@pytest.mark.server("dcmtk")
@pytest.mark.parametrize("study", [study for study in studies() if JAPANESE not in study.patient.charset])
def test_dcmtk_reads_the_same_name_in_every_other_script(study, tmp_path):
    file, converted = tmp_path / "original.dcm", tmp_path / "utf8.dcm"
    file.write_bytes(part10(next(iter(instances(study)))))
    subprocess.run(["dcmconv", "+U8", str(file), str(converted)], capture_output=True, check=True)
    dump = subprocess.run(
        ["dcmdump", "-q", "+P", "0010,0010", str(converted)], capture_output=True, check=True
    )
    assert f"[{study.patient.name}]" in dump.stdout.decode("utf-8")


def test_people_have_the_names_of_the_acceptance_checks_and_no_passwords():
    names = {somebody.name for somebody in people()}
    assert names >= {
        "rad1", "rad2", "tech1", "ref1", "clerk1", "stud1", "res1", "ext1", "admin1", "admin2", "comp1", "mgr1", "CT1",
    }  # fmt: skip
    assert len(names) == len(people())


def test_whoever_stored_a_study_has_an_account():
    names = {somebody.name for somebody in people()}
    assert {study.stored_by for study in studies()} - {None} <= names
