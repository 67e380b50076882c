"""Declared sizes, against what decoders make of the same codestreams."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom.pixels.decoders.rle import _rle_decode_segment
from pydicom.pixels.encoders.native import _encode_segment

from pacsgate.dicom.codestreams import Size, declared_size, rle_exceeds


@pytest.mark.parametrize("form", ["JPEG", "JPEG2000"])
@given(rows=st.integers(1, 80), columns=st.integers(1, 80), colour=st.booleans())
def test_the_declared_size_is_that_of_the_encoded_picture(
    form: str, rows: int, columns: int, colour: bool
) -> None:
    written = io.BytesIO()
    Image.new("RGB" if colour else "L", (columns, rows)).save(written, form, comment=b"x" * 100)
    assert declared_size(written.getvalue()) == Size(rows, columns, 3 if colour else 1)


@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff\xc0", b"\xff\x4f\xff\x51"]))
def test_any_bytes_have_a_size_or_none(rest: bytes, start: bytes) -> None:
    size = declared_size(start + rest)
    assert size is None or len(size) == 3


@given(segment=st.binary(min_size=2, max_size=400), limit=st.integers(0, 2000))
def test_the_length_of_rle_is_known_without_decoding_it(segment: bytes, limit: int) -> None:
    header = np.array([1, 64, *([0] * 14)], "<u4").tobytes()
    decoded = len(_rle_decode_segment(segment))
    assert rle_exceeds(header + segment, limit) == (decoded > limit)


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=4))
def test_real_rle_never_exceeds_its_own_length(planes: list[bytes]) -> None:
    segments = [bytes(_encode_segment(plane, len(plane))) for plane in planes]
    starts = np.cumsum([64, *(len(segment) for segment in segments)])[:-1]
    header = np.array([len(segments), *starts, *([0] * (15 - len(segments)))], "<u4").tobytes()
    frame = header + b"".join(segments)
    total = sum(len(plane) for plane in planes)
    assert not rle_exceeds(frame, total + len(planes))
    assert rle_exceeds(frame, total - 1) or len(frame) * 64 <= total - 1
