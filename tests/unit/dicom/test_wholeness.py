"""A data set that was cut off is told from a whole one, in every encoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.dicom.reading import read_object
from pacsgate.model.errors import RequestError
from tests.unit.dicom.real_files import file_named

ENCODINGS = {
    "implicit": "MR_small_implicit.dcm",
    "explicit": "CT_small.dcm",
    "big endian": "MR_small_bigendian.dcm",
    "deflated": "image_dfl.dcm",
    "encapsulated": "JPEG2000.dcm",
    "nested": "test-SR.dcm",
    "nested in undefined lengths": "nested_priv_SQ.dcm",
}
SHORTEST_ELEMENT = 8
"""Bytes: a cut that takes fewer is inside the last element."""
TRAILERS = {"deflated": 8}
"""Bytes behind the data set: this file's writer added a checksum that DICOM does not know."""


def is_readable(data: bytes) -> bool:
    try:
        read_object(data, pixels=False)
    except RequestError:
        return False
    return True


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_whole_object_is_whole(encoding: str) -> None:
    assert is_readable(file_named(ENCODINGS[encoding]).read_bytes())


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("missing", range(1, SHORTEST_ELEMENT))
def test_an_object_that_ends_inside_its_last_element_is_refused(encoding: str, missing: int) -> None:
    beyond = missing + TRAILERS.get(encoding, 0)
    assert not is_readable(file_named(ENCODINGS[encoding]).read_bytes()[:-beyond])


@pytest.mark.parametrize("file", ["MR_truncated.dcm", "rtplan_truncated.dcm"])
def test_a_file_that_was_shipped_cut_off_is_refused(file: str) -> None:
    assert not is_readable(file_named(file).read_bytes())


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(data=st.data())
def test_wherever_the_cut_is_the_object_is_read_or_refused(encoding: str, data: st.DataObject) -> None:
    whole = file_named(ENCODINGS[encoding]).read_bytes()
    is_readable(whole[: data.draw(st.integers(0, len(whole)))])
