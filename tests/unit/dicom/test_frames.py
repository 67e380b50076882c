"""Frames as stored and decoded, and the refusal of frames that lie about their size."""

import struct
import subprocess
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagecodecs import jpeg8_encode
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from pacsgate.dicom import frames
from pacsgate.dicom.frames import (
    MEDIA_TYPES,
    UndecodableFrame,
    decoded_frame,
    encoded_frame,
    encoded_frames,
    frame_count,
    has_pixels,
)
from pacsgate.dicom.reading import read_object
from pacsgate.model.errors import RequestError
from tests.unit.dicom.real_files import file_named, readable_files
from tests.unit.dicom.test_rendering import grey

IMAGES = [path for path in readable_files() if has_pixels(read_object(path.read_bytes()))]


def object_named(name: str) -> Dataset:
    return read_object(file_named(name).read_bytes())


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_decoded_frames_are_those_of_pydicom_s_own_pixel_array(path: Path) -> None:
    dataset = read_object(path.read_bytes())
    try:
        whole = dcmread(path).pixel_array
    except Exception:  # noqa: BLE001 - whatever pydicom raises, we must say it our way
        with pytest.raises(UndecodableFrame):
            decoded_frame(dataset, 1)
        return
    last = frame_count(dataset)
    expected = whole[last - 1] if last > 1 else whole
    if last > 1 or path.name != "JPEG2000-embedded-sequence-delimiter.dcm":
        assert np.array_equal(decoded_frame(dataset, last).pixels, expected)


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_every_frame_of_an_image_is_handed_out_with_its_media_type(path: Path) -> None:
    dataset = read_object(path.read_bytes())
    handed_out = list(encoded_frames(dataset))
    assert len(handed_out) == frame_count(dataset)
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    assert {frame.media_type for frame in handed_out} == {MEDIA_TYPES.get(syntax, "application/octet-stream")}


@pytest.mark.server("dcmtk")
@pytest.mark.parametrize(
    "name",
    ["SC_rgb_jpeg_gdcm.dcm", "SC_rgb_jpeg_dcmtk.dcm", "MR_small_RLE.dcm", "examples_ybr_color.dcm"],
)
def test_encapsulated_frames_are_the_fragments_that_dcmtk_finds(name: str, tmp_path: Path) -> None:
    subprocess.run(
        ["dcmdump", "-q", "+W", tmp_path, file_named(name)], check=True, capture_output=True, timeout=60
    )
    fragments = sorted(tmp_path.iterdir(), key=lambda path: int(path.suffixes[-2].strip(".")))
    assert [frame.data for frame in encoded_frames(object_named(name))] == [
        f.read_bytes() for f in fragments[1:]
    ]


def test_native_frames_together_are_the_pixel_data() -> None:
    for name in (
        "rtdose_1frame.dcm",
        "ExplVR_BigEnd.dcm",
        "examples_palette.dcm",
        "liver_1frame.dcm",
        "CT_small.dcm",
    ):
        dataset = object_named(name)
        joined = b"".join(frame.data for frame in encoded_frames(dataset))
        assert dataset.PixelData.startswith(joined)
        assert len(dataset.PixelData) - len(joined) <= 1


def test_big_endian_frames_leave_in_little_endian() -> None:
    for big, little in (
        ("MR_small_expb.dcm", "MR_small.dcm"),
        ("rtdose_expb_1frame.dcm", "rtdose_1frame.dcm"),
    ):
        frame = encoded_frame(object_named(big), 1)
        assert frame == encoded_frame(object_named(little), 1)
        assert frame.transfer_syntax_uid == "1.2.840.10008.1.2.1"


def test_single_bit_frames_are_cut_between_bytes() -> None:
    bits = np.random.default_rng(1).integers(0, 2, (3, 5, 5), np.uint8)
    dataset = grey(bits)
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.PixelData = np.packbits(bits.ravel(), bitorder="little").tobytes()
    for number, expected in enumerate(bits, 1):
        frame = encoded_frame(dataset, number).data
        assert (
            np.unpackbits(np.frombuffer(frame, np.uint8), bitorder="little")[:25].tolist()
            == expected.ravel().tolist()
        )


@pytest.mark.parametrize("number", [0, -1, 2, 10**9])
def test_a_frame_that_is_not_there_is_not_found(number: int) -> None:
    for ask in (encoded_frame, decoded_frame):
        with pytest.raises(RequestError) as refused:
            ask(object_named("CT_small.dcm"), number)
        assert refused.value.status == 404


def test_a_video_is_one_stream_and_has_no_frames() -> None:
    dataset = grey(np.zeros((2, 4, 4), np.uint8))
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    dataset.PixelData = encapsulate([b"first", b"second"])
    with pytest.raises(UndecodableFrame):
        encoded_frame(dataset, 1)
    (stream,) = encoded_frames(dataset)
    assert stream.media_type == "video/mp4"
    assert stream.data.startswith(b"first")


def no_decoder(*_: object) -> None:
    pytest.fail("a decoder was started")


def test_no_decoder_is_started_on_a_frame_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "get_decoder", no_decoder)
    dataset = object_named("MR_small_jpeg_ls_lossless.dcm")
    dataset.Rows = dataset.Columns = 65535
    with pytest.raises(UndecodableFrame, match="larger"):
        decoded_frame(dataset, 1)


@pytest.mark.parametrize(
    "name", ["SC_rgb_jpeg_dcmtk.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"]
)
def test_no_decoder_is_started_on_a_codestream_of_another_size_than_the_image(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = object_named(name)
    assert decoded_frame(dataset, 1)
    dataset.Rows -= 1
    monkeypatch.setattr(frames, "get_decoder", no_decoder)
    with pytest.raises(UndecodableFrame, match="size"):
        decoded_frame(dataset, 1)


def test_no_decoder_is_started_on_an_rle_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = grey(np.zeros((8, 8), np.uint8))
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.5"
    header = struct.pack("<16L", 1, 64, *([0] * 14))
    dataset.PixelData = encapsulate([header + b"\x81\x00" * 50_000])
    monkeypatch.setattr(frames, "get_decoder", no_decoder)
    with pytest.raises(UndecodableFrame, match="more than the image"):
        decoded_frame(dataset, 1)


def test_a_frame_that_is_cut_off_is_not_handed_out() -> None:
    dataset = object_named("CT_small.dcm")
    dataset.PixelData = dataset.PixelData[:-2]
    for ask in (encoded_frame, decoded_frame):
        with pytest.raises(UndecodableFrame):
            ask(dataset, 1)


COMPRESSED = (
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "JPGExtended.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_jls_lossy_line.dcm",
    "MR_small_RLE.dcm",
)


@pytest.mark.parametrize("name", COMPRESSED)
@given(data=st.data())
def test_a_damaged_codestream_is_decoded_or_refused_and_the_process_lives(
    name: str, data: st.DataObject
) -> None:
    dataset = object_named(name)
    codestream = bytearray(encoded_frame(dataset, 1).data)
    places = st.integers(0, len(codestream) - 1) | st.integers(0, min(len(codestream), 200) - 1)
    for place, byte in data.draw(
        st.dictionaries(places, st.integers(0, 255), min_size=1, max_size=8)
    ).items():
        codestream[place] = byte
    dataset.PixelData = encapsulate([bytes(codestream[: data.draw(st.integers(1, len(codestream)))])])
    with suppress(UndecodableFrame):
        assert decoded_frame(dataset, 1).pixels.shape[:2] == (dataset.Rows, dataset.Columns)


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("bits", [12, 16])
def test_lossless_jpeg_of_signed_and_unsigned_values_comes_back_whole(sign: int, bits: int) -> None:
    low = -(2 ** (bits - 1)) if sign else 0
    values = np.random.default_rng(7).integers(low, low + 2**bits, (16, 24)).astype("<i2" if sign else "<u2")
    dataset = grey(values)
    dataset.BitsStored, dataset.HighBit = bits, bits - 1
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.70"
    stored = values.view("<u2") & np.uint16(2**bits - 1)
    codestream = jpeg8_encode(stored, lossless=True, predictor=1, bitspersample=bits)
    dataset.PixelData = encapsulate([codestream])
    assert np.array_equal(decoded_frame(dataset, 1).pixels, values)


def test_an_image_without_its_pixel_description_is_undecodable() -> None:
    dataset = object_named("CT_small.dcm")
    del dataset.BitsAllocated
    for ask in (encoded_frame, decoded_frame):
        with pytest.raises(UndecodableFrame):
            ask(dataset, 1)
