"""What a stylesheet is shown is what dcm4chee would have shown it."""

from xml.etree.ElementTree import fromstring

import pytest
from pydicom.dataset import Dataset

from pacsgate.protocols.dcm4chee.dataset_xml import dataset_xml
from pacsgate.protocols.dcm4chee.message_xml import message_xml
from pacsgate.protocols.hl7.message import read_message


def data_set() -> Dataset:
    code = Dataset()
    code.CodeValue = "X1"
    made = Dataset()
    made.PatientID = "P1"
    made.PatientName = "D\u00fc^Jane"
    made.ModalitiesInStudy = ["CT", "SR"]
    made.StudyInstanceUID = "1.2.3"
    made.StudyDescription = "x" * 64
    made.SeriesDescription = "\u00e4" * 33
    made.AccessionNumber = ""
    made.Rows = 512
    made.ProcedureCodeSequence = [code, code]
    made.add_new(0x00091010, "UN", b"secret")
    return made


def attr(document: bytes, path: str) -> str | None:
    return fromstring(document).findtext(path)  # noqa: S314 - made by ourselves


def test_attributes_are_found_by_their_tag() -> None:
    document = dataset_xml(data_set())
    assert attr(document, "attr[@tag='00100020']") == "P1"
    assert attr(document, "attr[@tag='00100010']") == "D\u00fc^Jane"
    assert attr(document, "attr[@tag='00080061']") == "CT\\SR"
    assert attr(document, "attr[@tag='00280010']") == "512"
    assert attr(document, "attr[@tag='00081032']/item/attr[@tag='00080100']") == "X1"
    assert len(fromstring(document).findall("attr/item")) == 2  # noqa: S314 - as above


def test_a_value_of_more_than_64_bytes_is_left_out() -> None:
    document = dataset_xml(data_set())
    assert attr(document, "attr[@tag='00081030']") == "x" * 64
    assert attr(document, "attr[@tag='0008103E']") == ""
    assert attr(document, "attr[@tag='00080050']") == ""
    assert attr(document, "attr[@tag='00091010']") == ""


def test_no_value_breaks_the_document() -> None:
    made = Dataset()
    made.PatientID = 'a<b>&"\x01\x0b]]>'
    assert attr(dataset_xml(made), "attr[@tag='00100020']") == 'a<b>&"\ufffd\ufffd]]>'


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("MSH/field[1]", "RIS"),
        ("MSH/field[7]", "ADT"),
        ("MSH/field[7]/component[1]", "A03"),
        ("PID/field[3]", "P1"),
        ("PID/field[3]/component[3]", "HOSP"),
        ("PID/field[3]/component[3]/subcomponent[1]", "1.2"),
        ("PID/field[3]/repeat/component[3]", "CITY"),
        ("PID/field[5]/component[1]", "J<&>"),
        ("PID/field[2]", ""),
    ],
)
def test_fields_are_found_by_their_number(path: str, text: str) -> None:
    message = read_message(
        b"MSH|^~\\&|RIS|A|B|C|20260101||ADT^A03|1|P|2.3.1\r"
        b"PID|1||P1^^^HOSP&1.2~P2^^^CITY||Doe^J<\\T\\>\r9XX|1\r$$$|2\r"
    )
    assert attr(message_xml(message), path) == text


def test_the_separators_are_those_of_the_message() -> None:
    root = fromstring(message_xml(read_message(b"MSH|^~\\&|A\r")))  # noqa: S314 - as above
    assert root[0].attrib == {
        "fieldDelimiter": "|",
        "componentDelimiter": "^",
        "repeatDelimiter": "~",
        "escapeDelimiter": "\\",
        "subcomponentDelimiter": "&",
    }
