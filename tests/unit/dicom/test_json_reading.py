import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from pacsgate.dicom.json_model import MAX_DEPTH, to_json
from pacsgate.dicom.json_reading import read_json
from pacsgate.dicom.reading import read_object
from pacsgate.model.errors import RequestError
from tests.unit.dicom.real_files import readable_files


@pytest.mark.parametrize("path", readable_files(), ids=lambda path: path.name)
def test_reading_what_we_wrote_changes_nothing(path: Path) -> None:
    header = to_json(read_object(path.read_bytes()), "/".join)
    assert read_json(json.loads(json.dumps(header))) == header


def test_other_spellings_become_ours() -> None:
    assert read_json(
        {
            "0020000d": {"vr": "UI", "Value": ["1.2 "]},
            "00100010": {"vr": "PN", "Value": ["Yamada^Tarou=山田^太郎"]},
            "00100000": {"vr": "UL", "Value": [12]},
            "00020010": {"vr": "UI", "Value": ["1.2"]},
            "00080005": {"vr": "CS", "Value": ["ISO_IR 100"]},
            "00200013": {"vr": "IS", "Value": ["7"]},
            "00281052": {"vr": "DS", "Value": ["1.50", 2.0, "1e2"]},
            "00091001": {"vr": "UV", "Value": ["18446744073709551615"]},
            "00080060": {"vr": "CS", "Value": [None]},
            "00209165": {"vr": "AT", "Value": ["0020000d"]},
        }
    ) == {
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00080060": {"vr": "CS"},
        "00091001": {"vr": "UV", "Value": ["18446744073709551615"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}]},
        "0020000D": {"vr": "UI", "Value": ["1.2"]},
        "00200013": {"vr": "IS", "Value": [7]},
        "00209165": {"vr": "AT", "Value": ["0020000D"]},
        "00281052": {"vr": "DS", "Value": [1.5, 2, 100]},
    }


def deep(levels: int) -> dict:
    data: dict = {}
    for _ in range(levels):
        data = {"0040A730": {"vr": "SQ", "Value": [data]}}
    return data


@pytest.mark.parametrize(
    "data",
    [
        [],
        None,
        {"PatientName": {"vr": "PN"}},
        {"00100010": []},
        {"00100010": {}},
        {"00100010": {"vr": "XX"}},
        {"00100010": {"vr": "PN", "Value": "DOE"}},
        {"7FE00010": {"vr": "OW", "BulkDataURI": 1}},
        {"7FE00010": {"vr": "OW", "InlineBinary": "AA==", "BulkDataURI": "x"}},
        {"0020000D": {"vr": "UI"}, "0020000d": {"vr": "UI"}},
        {"0020000D": {"vr": "UI", "Value": [1]}, "0020000d": {"vr": "UI"}},
        {"00081110": {"vr": "SQ", "Value": [1]}},
        deep(MAX_DEPTH + 1),
    ],
)
def test_what_is_not_the_model_is_refused(data: object) -> None:
    with pytest.raises(RequestError, match="invalid DICOM JSON"):
        read_json(data)


@pytest.mark.parametrize(
    "element",
    [
        {"vr": "PN", "Value": [1]},
        {"vr": "PN", "Value": [{"Alphabetic": 1}]},
        {"vr": "LO", "Value": [1]},
        {"vr": "LO", "Value": ["a", ["x"]]},
        {"vr": "IS", "Value": ["x"]},
        {"vr": "IS", "Value": [1, True]},
        {"vr": "IS", "Value": [1.5]},
        {"vr": "OW", "Value": [1]},
        {"vr": "OW", "InlineBinary": "*"},
        {"vr": "LO", "InlineBinary": "AA=="},
    ],
)
def test_an_element_whose_values_are_not_of_its_vr_is_absent(element: dict) -> None:
    uid = {"0020000D": {"vr": "UI", "Value": ["1.2"]}}
    assert read_json({**uid, "00104000": element}) == uid
    assert read_json({"00081110": {"vr": "SQ", "Value": [{**uid, "00104000": element}]}}) == {
        "00081110": {"vr": "SQ", "Value": [uid]}
    }


def test_a_broken_value_is_absent_whether_an_origin_or_the_gate_read_the_object() -> None:
    dataset = Dataset()
    dataset.PatientID = "P1"
    dataset.add_new("SliceThickness", "DS", "1.5")
    dataset._dict[Tag("SliceThickness")] = RawDataElement(
        Tag("SliceThickness"), "DS", 3, b"1,5 ", 0, False, True
    )
    of_origin = {"00100020": {"vr": "LO", "Value": ["P1"]}, "00180050": {"vr": "DS", "Value": ["1,5"]}}
    assert read_json(of_origin) == to_json(dataset)


def test_members_that_the_model_does_not_have_are_left_out() -> None:
    spoken = {"00100020": {"vr": "LO", "keyword": "PatientID", "Value": ["P1"]}}
    assert read_json(spoken) == {"00100020": {"vr": "LO", "Value": ["P1"]}}


def test_the_error_says_where_and_repeats_no_value() -> None:
    with pytest.raises(RequestError) as refused:
        read_json({"00081110": {"vr": "SQ", "Value": [{}, {"00200013": {"vr": "IS", "Value": "CANARY"}}]}})
    assert "`00081110/2/00200013`" in refused.value.public
    assert "CANARY" not in refused.value.public


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["00081110", "00100010", "vr", "Value", "InlineBinary", "Alphabetic", "00200013"]), inner | st.sampled_from(["SQ", "PN", "IS", "OB"]), max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(_JSON)
def test_any_json_is_read_or_refused_and_reading_twice_is_reading_once(data: object) -> None:
    try:
        read = read_json(data)
    except RequestError:
        return
    assert read_json(read) == read
    assert json.dumps(read, allow_nan=False)
