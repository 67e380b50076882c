"""What a request for a picture may say of it."""

import pytest

from pacsgate.dicom.rendering import MAX_VIEWPORT
from pacsgate.model.errors import RequestError
from pacsgate.protocols.orthanc.picture_arguments import read_picture_arguments


def test_what_is_known_goes_to_orthanc_and_nothing_else() -> None:
    read = read_picture_arguments((("width", "32"), ("_", "1700000000000"), ("path", "/x"), ("smooth", "1")))
    assert read == (("width", "32"), ("smooth", "1"))


@pytest.mark.parametrize("text", ["-1", "1.5", "1e9", "", str(MAX_VIEWPORT + 1), "4000000000", "٣"])
@pytest.mark.parametrize("side", ["width", "height"])
def test_a_side_has_bounds(side: str, text: str) -> None:
    with pytest.raises(RequestError):
        read_picture_arguments(((side, text),))


def test_a_side_is_given_once() -> None:
    with pytest.raises(RequestError):
        read_picture_arguments((("width", "9"), ("width", str(MAX_VIEWPORT + 1))))
