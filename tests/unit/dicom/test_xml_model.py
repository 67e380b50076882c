"""The Native DICOM Model against that of dcmtk's dcm2xml."""

import subprocess
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest
from pydicom.dataset import Dataset

from pacsgate.dicom.json_model import to_json
from pacsgate.dicom.reading import read_object
from pacsgate.dicom.xml_model import NAMESPACE, to_native_xml
from tests.unit.dicom.real_files import file_named

FILES = (
    "CT_small.dcm",
    "MR_small.dcm",
    "reportsi.dcm",
    "rtplan.dcm",
    "chrGreek.dcm",
    "chrGerm.dcm",
    "JPEG2000.dcm",
)
Leaf = tuple[str, ...]


def parsed(document: bytes) -> ET.Element:
    return ET.fromstring(document)  # noqa: S314 - written by ourselves or by dcmtk just now


def leaves(node: ET.Element, where: Leaf = ()) -> Iterator[tuple[Leaf, str]]:
    """Every text in the document with its place."""
    name = node.tag.removeprefix(f"{{{NAMESPACE}}}")
    here = (*where, name, *(node.get(key, "") for key in ("tag", "vr", "privateCreator", "number")))
    if name in {"BulkData", "InlineBinary"}:
        yield (*where, "binary"), ""
        return
    if node.text and node.text.strip():
        yield here, number_or_text(node.text)
    elif name == "DicomAttribute" and len(node) == 0:
        yield here, ""
    for child in node:
        yield from leaves(child, here)


def number_or_text(text: str) -> str:
    try:
        return f"{float(text):.6g}"
    except ValueError:
        return text.rstrip()


@pytest.mark.server("dcmtk")
@pytest.mark.parametrize("name", FILES)
def test_places_and_texts_are_those_that_dcmtk_writes(name: str) -> None:
    path = file_named(name)
    written = subprocess.run(["dcm2xml", "-q", "-nat", "+Xn", "+U8", path], capture_output=True, check=False)
    theirs = set(leaves(parsed(written.stdout)))
    ours = set(leaves(parsed(to_native_xml(to_json(read_object(path.read_bytes()), "/".join)))))
    # The meta information and the character set, which ours always writes in UTF-8, differ rightly.
    assert {leaf for leaf in ours ^ theirs if not is_expected(leaf)} == set()


def is_expected(leaf: tuple[Leaf, str]) -> bool:
    place = leaf[0]
    return any(
        part.startswith("0002") or part in {"00080005", "FFFCFFFC"} for part in place if len(part) == 8
    )


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    dataset = Dataset()
    dataset.PatientComments = "a\x00b\x1bc"
    root = parsed(to_native_xml(to_json(dataset)))
    assert root[0][0].text == "a\ufffdb\ufffdc"


def test_markup_in_values_stays_text() -> None:
    dataset = Dataset()
    dataset.StudyDescription = '</Value><Item number="1">&amp;'
    root = parsed(to_native_xml(to_json(dataset)))
    assert root[0][0].text == '</Value><Item number="1">&amp;'
    assert len(root) == 1


def test_a_bulk_data_uri_is_an_attribute_of_bulk_data() -> None:
    header = {"7FE00010": {"vr": "OW", "BulkDataURI": "studies/1?a=1&b=2"}}
    root = parsed(to_native_xml(header))
    assert root[0][0].attrib == {"uri": "studies/1?a=1&b=2"}


def test_attributes_are_named_by_keyword() -> None:
    # dcmtk has no keywords for retired attributes, so they are not compared above.
    root = parsed(to_native_xml({"00101000": {"vr": "LO"}, "00100020": {"vr": "LO"}}))
    assert [node.get("keyword") for node in root] == ["PatientID", "OtherPatientIDs"]


def test_an_element_without_a_creator_keeps_its_whole_private_tag() -> None:
    dataset = Dataset()
    dataset.add_new(0x00091001, "LO", "orphan")
    root = parsed(to_native_xml(to_json(dataset)))
    assert root[0].attrib == {"tag": "00091001", "vr": "LO"}
