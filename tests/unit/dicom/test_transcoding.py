"""Objects rewritten in Explicit VR Little Endian, read back by pydicom and by dcmtk."""

import io
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from pacsgate.dicom import transcoding
from pacsgate.dicom.frames import UndecodableFrame, has_pixels
from pacsgate.dicom.json_model import to_json
from pacsgate.dicom.reading import read_object
from pacsgate.dicom.transcoding import decompressed
from tests.unit.dicom.real_files import file_named, readable_files

OTHERS = [
    path
    for path in readable_files()
    if dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID != "1.2.840.10008.1.2.1"
]
_CHANGED = {"00280004", "00280006", "00280100", "FFFCFFFC"}
"""What decoding may say anew: photometric interpretation, planar configuration, bits allocated."""


def rewritten(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    decompressed(dataset).save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.name)
def test_a_rewritten_object_says_and_shows_the_same(path: Path) -> None:
    before = read_object(path.read_bytes())
    try:
        after = read_object(rewritten(before))
    except UndecodableFrame:
        assert path.name == "JPEG2000-embedded-sequence-delimiter.dcm"
        return
    assert after.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    for tag, element in to_json(before).items():
        if tag not in _CHANGED:
            assert to_json(after)[tag] == element
    if has_pixels(before):
        assert np.array_equal(after.pixel_array, before.pixel_array)


@pytest.mark.server("dcmtk")
@pytest.mark.parametrize(
    "name", ["MR_small_RLE.dcm", "MR_small_expb.dcm", "SC_rgb_jpeg_dcmtk.dcm", "rtplan.dcm"]
)
def test_dcmtk_reads_a_rewritten_object(name: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.dcm"
    copy.write_bytes(rewritten(read_object(file_named(name).read_bytes())))
    dumped = subprocess.run(["dcmdump", copy], capture_output=True, text=True, check=True, timeout=60)
    assert "=LittleEndianExplicit" in dumped.stdout
    assert not [line for line in dumped.stderr.splitlines() if line.startswith(("E:", "F:"))]


def test_the_argument_is_not_changed() -> None:
    dataset = read_object(file_named("MR_small_RLE.dcm").read_bytes())
    before = bytes(dataset.PixelData)
    decompressed(dataset)
    assert dataset.PixelData == before
    assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.5"


def test_an_object_too_large_to_decode_at_once_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcoding, "MAX_OBJECT_BYTES", 1000)
    with pytest.raises(UndecodableFrame, match="not rewritten"):
        decompressed(read_object(file_named("MR_small_RLE.dcm").read_bytes()))
