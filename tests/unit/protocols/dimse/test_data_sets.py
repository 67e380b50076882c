"""Data sets of normalized services: read as a whole or refused, and each thing in them is said once."""

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacsgate.model.errors import RequestError
from pacsgate.protocols.dimse.data_sets import read_data_set, write_data_set

SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)


def step(*studies: str, images: int = 0) -> Dataset:
    made = Dataset()
    made.PatientID = "P0"
    made.ScheduledStepAttributesSequence = [Dataset() for _ in studies]
    for item, uid in zip(made.ScheduledStepAttributesSequence, studies, strict=True):
        item.StudyInstanceUID = uid
        item.is_undefined_length_sequence_item = True
    made["ScheduledStepAttributesSequence"].is_undefined_length = True
    series = Dataset()
    series.ReferencedImageSequence = [Dataset() for _ in range(images)]
    for number, image in enumerate(series.ReferencedImageSequence):
        image.ReferencedSOPInstanceUID = f"1.2.3.{number}"
    made.PerformedSeriesSequence = [series]
    return made


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_is_written_is_read_however_many_images_a_step_has(syntax: str) -> None:
    for made in (step("1.2.3"), step("1.2.3", "1.2.4", images=3000)):
        assert read_data_set(write_data_set(made, syntax), syntax) == made


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_step_that_is_about_two_studies_in_one_place_is_refused(syntax: str) -> None:
    """We would judge the second, and who keeps the step might take it for the first."""
    one, other = (write_data_set(step(uid), syntax) for uid in ("1.2.3", "1.2.9"))
    with pytest.raises(RequestError, match="twice"):
        read_data_set(one + other, syntax)
    item = Dataset()
    item.StudyInstanceUID = "1.2.3"
    inside = write_data_set(item, syntax)
    assert one.count(inside) == 1
    with pytest.raises(RequestError, match="twice"):
        read_data_set(one.replace(inside, inside + inside), syntax)
