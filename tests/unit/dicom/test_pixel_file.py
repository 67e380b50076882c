"""A frame read from its place in a file is the frame of the object read whole, and costs no more reading than that."""

import io
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless

from pacsgate.dicom.frames import EncodedFrame, encoded_frame, frame_count, has_pixels
from pacsgate.dicom.pixel_file import pixels_in_place
from pacsgate.dicom.reading import MALFORMED
from pacsgate.model.errors import RequestError
from tests.unit.dicom.real_files import file_named, readable_files

FRAMES = 5
"""Of each file; the last one too."""


class CountingFile(io.FileIO):
    """A file that knows how much was read from it."""

    count = 0

    def read(self, size: int = -1, /) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data


def outcome(make) -> EncodedFrame | str:
    try:
        return make()
    except RequestError as refused:
        return refused.public


@pytest.mark.parametrize("path", readable_files(), ids=lambda path: path.name)
def test_every_frame_of_every_shipped_file_is_the_same_either_way(path: Path) -> None:
    whole = dcmread(path)
    with path.open("rb") as file:
        try:
            found = pixels_in_place(file)
        except MALFORMED:
            pytest.skip("not read at all")
        if found is None:
            assert not has_pixels(whole) or whole.file_meta.TransferSyntaxUID.is_deflated
            return
        header, pixels = found
        count = frame_count(whole)
        for number in {*range(1, min(count, FRAMES) + 1), count, count + 1}:
            in_place = outcome(lambda n=number: encoded_frame(header, n, pixels))
            assert in_place == outcome(lambda n=number: encoded_frame(whole, n)), number


def written(path: Path, frames: list[bytes], syntax: str, pixels: bytes) -> Path:
    """An image of these frames, each 64 by 64 with 16 bits where it is native."""
    image = dcmread(file_named("CT_small.dcm"))
    image.Rows = image.Columns = 64
    image.NumberOfFrames = len(frames)
    image.file_meta.TransferSyntaxUID = UID(syntax)
    image.add_new("PixelData", "OW" if syntax == ExplicitVRLittleEndian else "OB", pixels)
    image["PixelData"].is_undefined_length = syntax != ExplicitVRLittleEndian
    image.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("kind", ["native", "with offsets", "without offsets"])
def test_one_frame_of_many_is_read_without_the_others(tmp_path: Path, kind: str) -> None:
    frames = [bytes([number]) * 8192 for number in range(100)]
    if kind == "native":
        syntax, pixels = ExplicitVRLittleEndian, b"".join(frames)
    else:
        syntax, pixels = JPEG2000Lossless, encapsulate(frames, has_bot=kind == "with offsets")
    path = written(tmp_path / "many.dcm", frames, syntax, pixels)
    with CountingFile(path) as file:
        found = pixels_in_place(file)
        assert found is not None
        header, in_place = found
        assert file.count < 20_000
        for number in (1, 57, 100):
            file.count = 0
            assert encoded_frame(header, number, in_place).data == frames[number - 1]
            assert file.count < 2 * 8192 + 4096
