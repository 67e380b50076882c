import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID_dictionary

from pacsgate.dicom.annotations import is_annotation, referenced_studies
from pacsgate.dicom.json_model import to_json
from pacsgate.dicom.reading import read_object
from tests.unit.dicom.real_files import file_named


@pytest.mark.parametrize(
    "name",
    [
        "Basic Text SR Storage",
        "Comprehensive SR Storage",
        "Key Object Selection Document Storage",
        "Grayscale Softcopy Presentation State Storage",
        "Blending Softcopy Presentation State Storage",
        "Segmentation Storage",
    ],
)
def test_remarks_about_images_are_annotations(name: str) -> None:
    (uid,) = (uid for uid, row in UID_dictionary.items() if row[0] == name)
    assert is_annotation(uid)


def test_images_plans_and_device_reports_are_not() -> None:
    names = {row[0] for uid, row in UID_dictionary.items() if row[1] == "SOP Class" and is_annotation(uid)}
    assert all(any(word in name for word in ("SR", "State", "Segmentation", "Key Object")) for name in names)
    assert not [
        name for name in names if any(word in name for word in ("Dose", "Image", "Procedure Log", "Trial"))
    ]
    assert not is_annotation("1.2.840.10008.5.1.4.1.1.88.9999")
    assert not is_annotation("")


def refer(keyword: str, **attributes: str) -> Dataset:
    item, dataset = Dataset(), Dataset()
    for name, value in attributes.items():
        setattr(item, name, value)
    dataset.StudyInstanceUID = "1.1"
    setattr(dataset, keyword, Sequence([item]))
    return dataset


@pytest.mark.parametrize(
    "keyword",
    [
        "CurrentRequestedProcedureEvidenceSequence",
        "PertinentOtherEvidenceSequence",
        "IdenticalDocumentsSequence",
        "StudiesContainingOtherReferencedInstancesSequence",
    ],
)
def test_evidence_is_a_reference(keyword: str) -> None:
    assert referenced_studies(to_json(refer(keyword, StudyInstanceUID="1.9"))) == {"1.1", "1.9"}


def test_a_study_referenced_by_its_management_object_is_a_reference() -> None:
    dataset = refer("ReferencedStudySequence", ReferencedSOPInstanceUID="1.8")
    assert referenced_studies(to_json(dataset)) == {"1.1", "1.8"}


def test_a_reference_is_found_at_any_depth() -> None:
    outer = Dataset()
    outer.ContentSequence = Sequence([refer("PertinentOtherEvidenceSequence", StudyInstanceUID="1.7")])
    assert referenced_studies(to_json(outer)) == {"1.1", "1.7"}


def test_an_image_in_the_same_study_is_no_other_reference() -> None:
    dataset = refer("ReferencedImageSequence", ReferencedSOPInstanceUID="1.6")
    assert referenced_studies(to_json(dataset)) == {"1.1"}


def test_a_real_report_names_its_evidence() -> None:
    dataset = read_object(file_named("reportsi.dcm").read_bytes())
    found = {str(e.value) for e in dataset.iterall() if e.keyword == "StudyInstanceUID"}
    assert referenced_studies(to_json(dataset)) >= found
