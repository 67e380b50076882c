"""Our DICOM JSON against that of dcmtk's dcm2json, on every file that both can read."""

import base64
import io
import json
import math
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomFileLike
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

from pacsgate.dicom.json_model import INLINE_LIMIT, MAX_DEPTH, PIXEL_TAGS, to_json
from pacsgate.dicom.reading import read_object
from pacsgate.model.errors import RequestError
from tests.unit.dicom.real_files import file_named, readable_files

# What the two see differently on purpose, each looked at by hand.
DIFFERENT_ON_PURPOSE = {
    "badVR.dcm": {"00280008"},  # `1A` as IS: what is no number is left out here
    "nested_priv_SQ.dcm": {"00010001"},  # an odd length: dcmtk pads it
    "nested_priv_SQ_bigEnd.dcm": {"00010001"},
    "reportsi_with_empty_number_tags.dcm": {"00640009"},  # empty OF: counts as bulk that was left out
}


def of_dcmtk(path: Path, tmp_path: Path) -> dict[str, Any] | None:
    if dcmread(path).file_meta.TransferSyntaxUID.is_encapsulated:
        # dcm2json writes no encapsulated pixel data, so it gets a copy without any.
        copy = tmp_path / "copy.dcm"
        copy.write_bytes(path.read_bytes())
        subprocess.run(["dcmodify", "-q", "-nb", "-imt", "-ea", "(7FE0,0010)", copy], check=False, timeout=60)
        path = copy
    run = subprocess.run(["dcm2json", "-q", path], capture_output=True, check=False, timeout=60)
    try:
        return json.loads(run.stdout.decode("utf-8"))
    except ValueError:
        return None


def comparable(element: dict[str, Any]) -> Any:
    """An element without the differences that the standard leaves free."""
    if "BulkDataURI" in element:
        return element["vr"], "bulk"
    if "InlineBinary" in element:
        binary = base64.b64decode(element["InlineBinary"])
        return element["vr"], "bulk" if len(binary) > INLINE_LIMIT else binary
    values = [comparable_value(value) for value in element.get("Value", [])]
    return element["vr"], values if any(value is not None for value in values) else []


def comparable_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: comparable(inner) if isinstance(inner, dict) else inner for key, inner in value.items()}
    if isinstance(value, int | float):
        return float(f"{float(value):.6g}")
    return value


@pytest.mark.server("dcmtk")
@pytest.mark.parametrize("path", readable_files(), ids=lambda path: path.name)
def test_tags_vrs_and_values_are_those_that_dcmtk_writes(path: Path, tmp_path: Path) -> None:
    theirs = of_dcmtk(path, tmp_path)
    if theirs is None:
        pytest.skip("dcm2json cannot read it")
    ours = to_json(read_object(path.read_bytes()), "/".join)
    # dcmodify drops trailing padding; pydicom knows some VRs where the file only says UN.
    unknown_to_dcmtk = {tag for tag in theirs if theirs[tag]["vr"] == "UN"}
    for tag in {*PIXEL_TAGS, "FFFCFFFC", *unknown_to_dcmtk}:
        ours.pop(tag, None)
        theirs.pop(tag, None)
    differences = {
        tag: (ours.get(tag), theirs.get(tag))
        for tag in ours.keys() | theirs.keys()
        if tag not in ours or tag not in theirs or comparable(ours[tag]) != comparable(theirs[tag])
    }
    assert differences.keys() <= DIFFERENT_ON_PURPOSE.get(path.name, set()), differences


def test_names_in_several_scripts_are_read_by_their_character_sets() -> None:
    name = {
        file: to_json(read_object(file_named(file).read_bytes()))["00100010"]["Value"][0]
        for file in ("chrH31.dcm", "chrI2.dcm", "chrGreek.dcm")
    }
    assert name["chrH31.dcm"] == {
        "Alphabetic": "Yamada^Tarou",
        "Ideographic": "山田^太郎",
        "Phonetic": "やまだ^たろう",
    }
    assert name["chrI2.dcm"] == {
        "Alphabetic": "Hong^Gildong",
        "Ideographic": "洪^吉洞",
        "Phonetic": "홍^길동",
    }
    assert name["chrGreek.dcm"] == {"Alphabetic": "Διονυσιος"}


def test_the_model_says_that_its_text_is_unicode_whatever_the_object_used() -> None:
    header = to_json(read_object(file_named("chrH31.dcm").read_bytes()))
    assert header["00080005"] == {"vr": "CS", "Value": ["ISO_IR 192"]}


def test_the_model_is_plain_json() -> None:
    for path in readable_files():
        header = to_json(read_object(path.read_bytes()), "/".join)
        assert json.loads(json.dumps(header, allow_nan=False)) == header


def test_group_lengths_and_file_meta_are_not_in_the_model() -> None:
    for path in readable_files():
        header = to_json(read_object(path.read_bytes()))
        assert not [tag for tag in header if tag.startswith(("0000", "0002")) or tag.endswith("0000")]


def test_numbers_that_json_has_no_word_for_are_null() -> None:
    dataset = Dataset()
    dataset.add_new("RealWorldValueSlope", "FD", [1.5, math.nan, math.inf])
    assert to_json(dataset)["00409225"]["Value"] == [1.5, None, None]


def test_integers_that_javascript_would_round_are_strings() -> None:
    dataset = Dataset()
    dataset.add_new(0x00091001, "UV", [2**53 - 1, 2**53])
    assert to_json(dataset)["00091001"]["Value"] == [2**53 - 1, str(2**53)]


def test_bulk_data_is_at_a_path_of_tags_and_item_numbers_from_one() -> None:
    asked: list[tuple[str, ...]] = []
    path = file_named("waveform_ecg.dcm")
    to_json(read_object(path.read_bytes()), lambda path: asked.append(path) or "uri")
    assert ("54000100", "1", "54001010") in asked


def test_without_a_callback_bulk_data_is_absent() -> None:
    header = to_json(read_object(file_named("CT_small.dcm").read_bytes()))
    assert "7FE00010" not in header
    assert not [element for element in header.values() if "BulkDataURI" in element]


def test_pixel_data_that_was_left_out_when_reading_still_has_a_place() -> None:
    dataset = read_object(file_named("CT_small.dcm").read_bytes())
    dataset["PixelData"].value = None
    assert to_json(dataset, lambda _path: "uri")["7FE00010"] == {"vr": "OW", "BulkDataURI": "uri"}


def test_binary_values_of_a_big_endian_file_are_little_endian_in_the_model() -> None:
    little, big = Dataset(), Dataset()
    little.add_new("RedPaletteColorLookupTableData", "OW", b"\x01\x02\x03\x04")
    big.add_new("RedPaletteColorLookupTableData", "OW", b"\x02\x01\x04\x03")
    big.set_original_encoding(is_implicit_vr=False, is_little_endian=False)
    assert to_json(big) == to_json(little)


def nested(depth: int) -> Dataset:
    dataset = Dataset()
    for _ in range(depth):
        outer = Dataset()
        outer.add_new("ContentSequence", "SQ", Sequence([dataset]))
        dataset = outer
    return dataset


def test_endless_nesting_is_refused_and_deep_nesting_is_not() -> None:
    assert to_json(nested(MAX_DEPTH))
    with pytest.raises(RequestError, match="nested deeper"):
        to_json(nested(MAX_DEPTH + 1))


def patient(
    name: bytes, character_set: str, *, little_endian: bool = True, rows: int = 258
) -> dict[str, Any]:
    """The model of a data set that came as bytes, with its name in some character set."""
    written = Dataset()
    written.SpecificCharacterSet = character_set
    written.Rows = rows
    buffer = io.BytesIO()
    write_dataset(_stream(buffer, little_endian=little_endian), written)
    order = "<" if little_endian else ">"
    buffer.write(struct.pack(f"{order}HH2sH", 0x0010, 0x0010, b"PN", len(name)) + name)
    buffer.seek(0)
    read = read_dataset(buffer, is_implicit_VR=False, is_little_endian=little_endian)
    return to_json(read)


def _stream(buffer: io.BytesIO, *, little_endian: bool) -> DicomFileLike:
    stream = DicomFileLike(buffer)
    stream.is_implicit_VR, stream.is_little_endian = False, little_endian
    return stream


def test_the_same_bytes_are_another_text_in_another_character_set() -> None:
    names = [
        patient(b"M\xfcller", character_set)["00100010"]["Value"][0]["Alphabetic"]
        for character_set in ("ISO_IR 100", "ISO_IR 144", "ISO_IR 100")
    ]
    assert names == ["Müller", "Mќller", "Müller"]


def test_the_same_bytes_are_another_number_in_another_byte_order() -> None:
    little = patient(b"A ", "ISO_IR 100", rows=258)["00280010"]["Value"]
    big = patient(b"A ", "ISO_IR 100", rows=513, little_endian=False)["00280010"]["Value"]
    assert (little, big) == ([258], [513])
    assert (258).to_bytes(2, "little") == (513).to_bytes(2, "big")


@pytest.mark.parametrize("path", readable_files(), ids=lambda path: path.name)
def test_a_data_set_that_was_read_before_is_read_the_same(path: Path) -> None:
    data = path.read_bytes()
    assert to_json(read_object(data), ".".join) == to_json(read_object(data), ".".join)
