"""Attributes and texts become a data set, or the sender hears which of them cannot."""

import pytest

from pacsgate.dicom.described import described
from pacsgate.dicom.json_model import to_json
from pacsgate.model.errors import RequestError


def test_texts_become_values_of_their_attributes() -> None:
    made = described(
        {
            "PatientName": "DOE^JANE",
            "Rows": "512",
            "InstanceNumber": "7",
            "00181114": "1.5",
            "RequestAttributesSequence": [{"RequestedProcedureID": "R1"}],
        }
    )
    written = to_json(made)
    assert written["00100010"]["Value"] == [{"Alphabetic": "DOE^JANE"}]
    assert written["00280010"]["Value"] == [512]
    assert written["00200013"]["Value"] == [7]
    assert written["00400275"]["Value"][0]["00401001"]["Value"] == ["R1"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NoSuchThing", "x"),
        ("Rows", "many"),
        ("PatientName", [{"PatientID": "1"}]),
        ("RequestAttributesSequence", "x"),
        ("RequestAttributesSequence[0].RequestedProcedureID", "x"),
    ],
)
def test_what_is_no_value_of_an_attribute_is_the_senders_mistake(name: str, value: object) -> None:
    with pytest.raises(RequestError):
        described({name: value})
