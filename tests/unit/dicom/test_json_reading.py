import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        {"00100010": {"vr": "PN", "Value": [1]}},
        {"00100010": {"vr": "PN", "Value": [{"Alphabetic": 1}]}},
        {"00100010": {"vr": "PN", "value": []}},
        {"00100020": {"vr": "LO", "Value": [1]}},
        {"00100020": {"vr": "LO", "Value": [["x"]]}},
        {"00200013": {"vr": "IS", "Value": ["x"]}},
        {"00200013": {"vr": "IS", "Value": [True]}},
        {"00200013": {"vr": "IS", "Value": [1.5]}},
        {"7FE00010": {"vr": "OW", "Value": [1]}},
        {"7FE00010": {"vr": "OW", "BulkDataURI": 1}},
        {"7FE00010": {"vr": "OW", "InlineBinary": "*"}},
        {"7FE00010": {"vr": "OW", "InlineBinary": "AA==", "BulkDataURI": "x"}},
        {"00100020": {"vr": "LO", "InlineBinary": "AA=="}},
        {"0020000D": {"vr": "UI"}, "0020000d": {"vr": "UI"}},
        {"00081110": {"vr": "SQ", "Value": [1]}},
        deep(MAX_DEPTH + 1),
    ],
)
def test_what_is_not_the_model_is_refused(data: object) -> None:
    with pytest.raises(RequestError, match="invalid DICOM JSON"):
        read_json(data)


def test_the_error_says_where_and_repeats_no_value() -> None:
    with pytest.raises(RequestError) as refused:
        read_json({"00081110": {"vr": "SQ", "Value": [{}, {"00200013": {"vr": "IS", "Value": ["CANARY"]}}]}})
    assert "`00081110/2/00200013/1`" in refused.value.public
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
