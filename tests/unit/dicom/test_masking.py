"""What a mask takes out, in JSON and in data sets, and that the two agree."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from pacsgate.dicom.attributes import keyword_of, tag_of
from pacsgate.dicom.json_model import to_json
from pacsgate.dicom.masking import hides_pixels, hides_tag, mask_dataset, mask_json
from pacsgate.dicom.reading import read_object
from pacsgate.model.mask import NO_MASK, Mask
from tests.unit.dicom.real_files import file_named, readable_files

NAMES = Mask(frozenset({"PatientName", "PatientID"}))
ONLY_DATE = Mask(frozenset({"StudyDate"}), all_but=True)


def object_named(name: str) -> Dataset:
    return read_object(file_named(name).read_bytes())


def all_keywords(header: dict) -> set[str]:
    found = set()
    for tag, element in header.items():
        found.add(keyword_of(tag) or tag)
        if element["vr"] == "SQ":
            found |= set().union(*(all_keywords(item) for item in element.get("Value", [])))
    return found


def nested() -> Dataset:
    previous = Dataset()
    previous.PatientName, previous.StudyDate = "OLD^NAME", "20200101"
    changed = Dataset()
    changed.ModifiedAttributesSequence = Sequence([previous])
    dataset = object_named("CT_small.dcm")
    dataset.OriginalAttributesSequence = Sequence([changed])
    return dataset


def test_a_hidden_name_is_hidden_inside_sequences_too() -> None:
    masked = mask_json(to_json(nested()), NAMES)
    assert "PatientName" not in all_keywords(masked)
    assert "StudyDate" in all_keywords(masked)
    assert "OLD" not in str(mask_dataset(nested(), NAMES))


def test_all_but_hides_private_and_unknown_elements() -> None:
    dataset = object_named("CT_small.dcm")
    dataset.add_new(0x00090001, "UN", b"secret")
    dataset.add_new(0x00101099, "LO", "not in the dictionary")
    assert all_keywords(mask_json(to_json(dataset), ONLY_DATE)) == {
        "StudyDate",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "SOPInstanceUID",
        "SOPClassUID",
        "SpecificCharacterSet",
    }


def test_a_private_element_is_hidden_by_its_tag() -> None:
    mask = Mask(frozenset({"00091001"}))
    assert hides_tag(mask, "00091001")
    assert not hides_tag(mask, "00091002")


@pytest.mark.parametrize("mask", [Mask(all_but=True), Mask(frozenset({"StudyInstanceUID", "SOPClassUID"}))])
def test_identifiers_that_hold_the_hierarchy_survive_every_mask(mask: Mask) -> None:
    masked = mask_dataset(object_named("CT_small.dcm"), mask)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"):
        assert keyword in masked
    assert masked.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


def test_hidden_pixels_take_their_description_with_them_and_shown_ones_keep_it() -> None:
    dataset = object_named("CT_small.dcm")
    assert hides_pixels(ONLY_DATE)
    assert not {"PixelData", "Rows", "BitsStored"} & all_keywords(
        to_json(mask_dataset(dataset, ONLY_DATE), "/".join)
    )
    shown = mask_dataset(dataset, Mask(frozenset({"StudyDate", "PixelData"}), all_but=True))
    assert shown.pixel_array.tobytes() == dataset.pixel_array.tobytes()


def test_a_mask_of_pixel_data_hides_float_pixels_as_well() -> None:
    dataset = object_named("CT_small.dcm")
    dataset.FloatPixelData = dataset.PixelData
    assert "FloatPixelData" not in mask_dataset(dataset, Mask(frozenset({"PixelData"})))


def test_who_sent_the_file_is_hidden_by_all_but_and_the_preamble_is_emptied() -> None:
    dataset = object_named("CT_small.dcm")
    dataset.file_meta.SourceApplicationEntityTitle = "CANARY"
    dataset.preamble = b"CANARY".ljust(128)
    buffer = io.BytesIO()
    mask_dataset(dataset, ONLY_DATE).save_as(buffer, enforce_file_format=True)
    assert b"CANARY" not in buffer.getvalue()


def test_nothing_hidden_is_written_anywhere_in_the_file() -> None:
    dataset = nested()
    dataset.PatientName = "CANARY^NAME"
    dataset.PatientID = "CANARYID"
    buffer = io.BytesIO()
    mask_dataset(dataset, NAMES).save_as(buffer, enforce_file_format=True)
    assert b"CANARY" not in buffer.getvalue()
    assert b"OLD^NAME" not in buffer.getvalue()


def test_the_argument_is_not_changed() -> None:
    dataset = nested()
    before = to_json(dataset)
    mask_dataset(dataset, ONLY_DATE)
    assert to_json(dataset) == before


def test_no_mask_leaves_everything() -> None:
    header = to_json(nested())
    assert mask_json(header, NO_MASK) == header
    assert to_json(mask_dataset(nested(), NO_MASK)) == header


_OBJECTS = [path for path in readable_files() if path.stat().st_size < 200_000]


@given(data=st.data(), path=st.sampled_from(_OBJECTS), all_but=st.booleans())
def test_masking_json_and_masking_the_object_agree_and_twice_is_once(
    data: st.DataObject, path: Path, all_but: bool
) -> None:
    dataset = read_object(path.read_bytes())
    header = to_json(dataset)
    names = data.draw(st.frozensets(st.sampled_from(sorted(all_keywords(header))), max_size=12))
    mask = Mask(names, all_but=all_but)
    masked = mask_json(header, mask)
    assert to_json(mask_dataset(dataset, mask)) == masked
    assert mask_json(masked, mask) == masked
    assert all_but or not all_keywords(masked) & {name for name in names if hides_tag(mask, tag_of(name))}


def test_an_element_that_cannot_be_read_is_taken_out_if_it_could_be_a_sequence() -> None:
    dataset = object_named("CT_small.dcm")
    broken = RawDataElement(Tag("ReferencedStudySequence"), "SQ", 5, b"\xfe\xff\x00\xe0\x00", 0, False, True)
    dataset[broken.tag] = broken
    assert "ReferencedStudySequence" in dataset
    assert "ReferencedStudySequence" not in mask_dataset(dataset, NAMES)
