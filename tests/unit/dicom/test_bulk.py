"""Every bulk data path that the metadata names leads to the bytes it stands for."""

import base64

import pytest

from pacsgate.dicom.bulk import bulk_value
from pacsgate.dicom.json_model import to_json
from pacsgate.dicom.reading import read_object
from pacsgate.model.errors import RequestError
from tests.unit.dicom.real_files import file_named, readable_files


def test_every_minted_path_leads_to_bytes() -> None:
    seen = 0
    for path in readable_files():
        dataset = read_object(path.read_bytes())
        minted: list[tuple[str, ...]] = []
        to_json(dataset, lambda path, minted=minted: minted.append(path) or "uri")
        for place in minted:
            if path.name != "reportsi_with_empty_number_tags.dcm":
                assert bulk_value(dataset, place)
                seen += 1
    assert seen > 80


def test_nested_bulk_data_is_found_by_its_item() -> None:
    dataset = read_object(file_named("waveform_ecg.dcm").read_bytes())
    for number, item in enumerate(dataset.WaveformSequence, 1):
        assert bulk_value(dataset, ("54000100", str(number), "54001010")) == item.WaveformData


def test_inline_and_bulk_bytes_of_a_big_endian_file_are_the_same() -> None:
    for name in ("MR_small_expb.dcm", "rtdose_expb.dcm"):
        big = read_object(file_named(name).read_bytes())
        little = read_object(file_named(name.replace("_expb", "")).read_bytes())
        assert bulk_value(big, ("7FE00010",)) == bulk_value(little, ("7FE00010",))
        for tag, element in to_json(big).items():
            if "InlineBinary" in element:
                assert bulk_value(big, (tag,)) == base64.b64decode(element["InlineBinary"])


@pytest.mark.parametrize(
    "place",
    [
        (),
        ("00100010",),
        ("00091002",),
        ("54000100", "99", "54001010"),
        ("54000100", "0", "54001010"),
        ("54000100", "-1", "54001010"),
        ("54000100", "1"),
        ("zzzz", "1", "54001010"),
        ("00100010", "1", "54001010"),
    ],
)
def test_a_path_that_leads_nowhere_is_not_found(place: tuple[str, ...]) -> None:
    with pytest.raises(RequestError) as refused:
        bulk_value(read_object(file_named("waveform_ecg.dcm").read_bytes()), place)
    assert refused.value.status == 404
