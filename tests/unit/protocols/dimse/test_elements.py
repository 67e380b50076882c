import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacsgate.protocols.dimse.elements import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_ELEMENTS,
    UnreadableError,
    read_elements,
)
from tests.support.data_sets import data_set
from tests.unit.protocols.dimse.encoded import SYNTAXES, encoded

ITEM = b"\xfe\xff\x00\xe0"
ITEM_END = b"\xfe\xff\x0d\xe0\0\0\0\0"
SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
UNDEFINED = b"\xff\xff\xff\xff"
PATIENT_ID = b"\x10\x00\x20\x00"
SEQUENCE = b"\x40\x00\x75\x02"  # RequestAttributesSequence


def implicit(tag: bytes, value: bytes) -> bytes:
    return tag + struct.pack("<L", len(value)) + value


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_pydicom_writes_is_found_element_by_element(syntax: str) -> None:
    inside = data_set(ScheduledProcedureStepID="S1")
    written = data_set(
        QueryRetrieveLevel="SERIES", PatientID="P1", Rows=512, RequestAttributesSequence=[inside]
    )
    found = read_elements(encoded(written, syntax), syntax)
    assert list(found) == ["00080052", "00100020", "00280010", "00400275"]
    assert found["00100020"].vr == "LO"
    assert found["00100020"].value == b"P1"
    assert found["00280010"].vr == "US"
    assert found["00400275"].items[0]["00400009"].value == b"S1"


def test_sequences_may_end_by_length_or_by_delimiter() -> None:
    item = implicit(PATIENT_ID, b"P1")
    forms = (
        implicit(SEQUENCE, implicit(ITEM, item)),
        implicit(SEQUENCE, ITEM + UNDEFINED + item + ITEM_END),
        SEQUENCE + UNDEFINED + implicit(ITEM, item) + SEQUENCE_END,
        SEQUENCE + UNDEFINED + ITEM + UNDEFINED + item + ITEM_END + SEQUENCE_END,
    )
    found = [read_elements(form, ImplicitVRLittleEndian) for form in forms]
    assert all(each == found[0] for each in found)
    assert found[0]["00400275"].items[0]["00100020"].value == b"P1"


@pytest.mark.parametrize(
    "broken",
    [
        PATIENT_ID,
        PATIENT_ID + b"\x04\0\0\0P1",
        PATIENT_ID + UNDEFINED,
        implicit(PATIENT_ID, b"P1") * 2,
        ITEM + b"\0\0\0\0",
        SEQUENCE + UNDEFINED + ITEM + UNDEFINED,
        SEQUENCE + UNDEFINED + SEQUENCE_END[:6],
        SEQUENCE + UNDEFINED + implicit(PATIENT_ID, b"P1") + SEQUENCE_END,
        implicit(SEQUENCE, ITEM + b"\x20\0\0\0" + implicit(PATIENT_ID, b"P1")),
        implicit(SEQUENCE, ITEM + UNDEFINED + implicit(PATIENT_ID, b"P1")) + ITEM_END,
    ],
    ids=[
        "half a header",
        "a value that ends too early",
        "a text without length",
        "an element twice",
        "an item outside a sequence",
        "an item that does not end",
        "half a delimiter",
        "an element where an item should be",
        "an item beyond its sequence",
        "a delimiter beyond its sequence",
    ],
)
def test_what_is_not_whole_is_not_read(broken: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_elements(broken, ImplicitVRLittleEndian)


def test_nesting_number_and_size_are_bounded() -> None:
    nested = b""
    for _ in range(MAX_DEPTH + 1):
        nested = implicit(SEQUENCE, implicit(ITEM, nested))
    many = b"".join(implicit(struct.pack("<HH", 0x11, n), b"") for n in range(1, MAX_ELEMENTS + 2))
    for bomb in (nested, many, implicit(PATIENT_ID, b"x" * MAX_BYTES)):
        with pytest.raises(UnreadableError):
            read_elements(bomb, ImplicitVRLittleEndian)
    unended = (SEQUENCE + UNDEFINED + ITEM + UNDEFINED) * 60_000
    with pytest.raises(UnreadableError, match="nested deeper"):
        read_elements(unended[:MAX_BYTES], ImplicitVRLittleEndian)


def test_an_attribute_is_what_the_standard_says_it_is() -> None:
    as_unknown = PATIENT_ID + b"UN\0\0\x02\0\0\0P1"
    assert read_elements(as_unknown, ExplicitVRLittleEndian)["00100020"].vr == "LO"
    as_sequence = PATIENT_ID + b"SQ\0\0\0\0\0\0"
    with pytest.raises(UnreadableError, match="not of its VR"):
        read_elements(as_sequence, ExplicitVRLittleEndian)


def test_deflated_and_compressed_syntaxes_are_none_for_identifiers() -> None:
    with pytest.raises(UnreadableError):
        read_elements(b"", "1.2.840.10008.1.2.1.99")


@given(data=st.binary(max_size=200), syntax=st.sampled_from(SYNTAXES))
@example(data=SEQUENCE + UNDEFINED + ITEM + UNDEFINED, syntax=ImplicitVRLittleEndian)
def test_no_bytes_whatever_do_anything_but_read_or_be_refused(data: bytes, syntax: str) -> None:
    try:
        read_elements(data, syntax)
    except UnreadableError:
        return


@given(cut=st.integers(min_value=0, max_value=400), syntax=st.sampled_from(SYNTAXES))
def test_a_cut_identifier_is_shorter_or_refused_never_longer(cut: int, syntax: str) -> None:
    written = data_set(
        SpecificCharacterSet="ISO_IR 192",
        QueryRetrieveLevel="SERIES",
        PatientName="Dörfer^Jürgen",
        StudyInstanceUID="1.2.3",
        RequestAttributesSequence=[Dataset(), data_set(ScheduledProcedureStepID="S1")],
    )
    whole = encoded(written, syntax)
    found = read_elements(whole, syntax)
    try:
        part = read_elements(whole[:cut], syntax)
    except UnreadableError:
        return
    assert all(found[tag] == element for tag, element in part.items())
