import pydicom.uid
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.dicom.uids import deterministic_uid, is_valid_uid, require_uid
from pacsgate.model.errors import RequestError


@pytest.mark.parametrize("uid", ["1", "1.2.840.10008.1.2", "1.02.3", "9" * 64, "2.25.0"])
def test_digits_and_dots_are_a_uid(uid: str) -> None:
    assert is_valid_uid(uid)
    assert require_uid(uid, "StudyInstanceUID") == uid


@pytest.mark.parametrize(
    "uid",
    [
        "",
        ".",
        "..",
        "1.",
        ".1",
        "1..2",
        "1.2 ",
        " 1.2",
        "1.2\n",
        "1.a",
        "\u0661.\u0662",
        "9" * 65,
        "1/2",
        "1%2e2",
    ],
)
def test_whatever_could_be_read_as_something_else_is_no_uid(uid: str) -> None:
    assert not is_valid_uid(uid)
    with pytest.raises(RequestError, match="StudyInstanceUID"):
        require_uid(uid, "StudyInstanceUID")


@given(st.text())
def test_what_pydicom_accepts_is_accepted(text: str) -> None:
    # pydicom strips white space before it looks; in a path or a query it would be another name.
    assert is_valid_uid(text.strip()) or not pydicom.uid.UID(text, validation_mode=0).is_valid


@given(st.lists(st.text(), min_size=1), st.lists(st.text(), min_size=1))
def test_a_deterministic_uid_is_valid_and_depends_on_every_part(one: list[str], other: list[str]) -> None:
    assert pydicom.uid.UID(deterministic_uid(*one)).is_valid
    assert (deterministic_uid(*one) == deterministic_uid(*other)) == (one == other)


def test_an_error_does_not_repeat_what_could_be_anything() -> None:
    with pytest.raises(RequestError) as refused:
        require_uid("x" * 100, "SOPInstanceUID")
    assert "xx" not in refused.value.public
