"""Frames of an image: as they are stored, and decoded to numbers.

A stored frame is one slice of native pixel data, always little endian, or one
encapsulated codestream.  Video has no frames to hand out, only its stream.

Decoding goes through pydicom and the decoders named in `_DECODERS`, best kept
first.  What none of them reads (video, HTJ2K, JPEG XL) is `UndecodableFrame`
and can still be retrieved as it is stored.

Called by `rendering`, `transcoding` and the doors for `/frames` and `/pixeldata`.

Invariants:
- no decoder is started on a frame that says it is larger than `MAX_FRAME_BYTES`,
  or other than its data set says.

Standard: PS3.5 section 8 and annex A; PS3.18 table 8.7.3-5 (media types).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL.Image import DecompressionBombError
from pydicom.dataset import Dataset
from pydicom.encaps import generate_fragments, get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, JPEGLSTransferSyntaxes, RLELossless

from pacsgate.dicom.codestreams import declared_size, is_whole, rle_exceeds
from pacsgate.dicom.jpeg_decoding import PLUGIN, register
from pacsgate.dicom.json_model import little_endian
from pacsgate.dicom.pixel_file import PixelFile, pixels_in_memory
from pacsgate.dicom.reading import UNREADABLE
from pacsgate.model.errors import RequestError

MAX_FRAME_BYTES = 256 << 20
"""Of one decoded frame.  The largest radiographs are about 50 MB; slide tiles are far smaller."""

NATIVE_MEDIA_TYPE = "application/octet-stream"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
_NATIVE = frozenset(
    {"1.2.840.10008.1.2", EXPLICIT_LITTLE_ENDIAN, "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"}
)
_BIG_ENDIAN = "1.2.840.10008.1.2.2"

_TS = "1.2.840.10008.1.2"
MEDIA_TYPES: Mapping[str, str] = {
    f"{_TS}.4.50": "image/jpeg",
    f"{_TS}.4.51": "image/jpeg",
    f"{_TS}.4.57": "image/jpeg",
    f"{_TS}.4.70": "image/jpeg",
    f"{_TS}.4.80": "image/jls",
    f"{_TS}.4.81": "image/jls",
    f"{_TS}.4.90": "image/jp2",
    f"{_TS}.4.91": "image/jp2",
    f"{_TS}.4.92": "image/jpx",
    f"{_TS}.4.93": "image/jpx",
    f"{_TS}.4.110": "image/jxl",
    f"{_TS}.4.111": "image/jxl",
    f"{_TS}.4.112": "image/jxl",
    f"{_TS}.4.201": "image/jphc",
    f"{_TS}.4.202": "image/jphc",
    f"{_TS}.4.203": "image/jphc",
    f"{_TS}.5": "image/dicom-rle",
}
"""Transfer syntax of encapsulated frames to their media type."""
VIDEO_MEDIA_TYPES: Mapping[str, str] = {
    **{f"{_TS}.4.{n}{fragmentable}": "video/mpeg" for n in (100, 101) for fragmentable in ("", ".1")},
    **{f"{_TS}.4.{n}{fragmentable}": "video/mp4" for n in range(102, 109) for fragmentable in ("", ".1")},
}
"""Transfer syntax of video streams to their media type."""

# A damaged frame must not end the process, so only decoders that survive those are named.
_DECODERS: Mapping[str, tuple[str, ...]] = {
    f"{_TS}.4.50": ("pillow",),
    f"{_TS}.4.51": ("pillow", PLUGIN),
    f"{_TS}.4.57": (PLUGIN,),
    f"{_TS}.4.70": (PLUGIN,),
    f"{_TS}.4.80": ("pyjpegls",),
    f"{_TS}.4.81": ("pyjpegls",),
    f"{_TS}.4.90": ("pillow", PLUGIN),
    f"{_TS}.4.91": ("pillow", PLUGIN),
    f"{_TS}.5": ("pydicom",),
}
# What pydicom and its decoders raise for frames that are not what they claim to be.
_UNDECODABLE: tuple[type[Exception], ...] = (*UNREADABLE, DecompressionBombError, RuntimeError, SyntaxError)

register()

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


class UndecodableFrame(RequestError):  # noqa: N818 - it names a property of the frame
    """The frame cannot be decoded here, or is not there in full; 406 for rendered forms."""

    def __init__(self, public: str) -> None:
        super().__init__(public, status=406)


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One frame, or one whole video stream, as it is sent."""

    data: bytes
    media_type: str
    transfer_syntax_uid: str


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """One frame as numbers: rows by columns, or rows by columns by samples."""

    pixels: npt.NDArray[Any]
    photometric_interpretation: str


def frame_count(dataset: Dataset) -> int:
    """How many frames the image has; 1 unless it says otherwise."""
    try:
        return max(1, int(dataset.get("NumberOfFrames") or 1))
    except UNREADABLE:
        return 1


def has_pixels(dataset: Dataset) -> bool:
    """Whether the object is an image (whose pixels may still be undecodable)."""
    return any(keyword in dataset for keyword in _PIXELS) and "Rows" in dataset and "Columns" in dataset


def encoded_frame(dataset: Dataset, number: int, pixels: PixelFile | None = None) -> EncodedFrame:
    """One frame as it is stored, by its number from 1; with `pixels` the data set needs none itself.

    Raises `RequestError` (404) if the image has no such frame, `UndecodableFrame`
    if its bytes are missing or it is part of a video.
    """
    _require_frame(dataset, number)
    syntax = _transfer_syntax(dataset)
    try:
        pixels = pixels or pixels_in_memory(dataset)
        if syntax in _NATIVE:
            frame = _native_frame(dataset, number - 1, pixels)
            return EncodedFrame(frame, NATIVE_MEDIA_TYPE, EXPLICIT_LITTLE_ENDIAN)
        if syntax in MEDIA_TYPES:
            frame = _encapsulated_frame(dataset, number - 1, pixels)
            return EncodedFrame(frame, MEDIA_TYPES[syntax], syntax)
    except UNREADABLE as error:
        raise UndecodableFrame(f"frame {number} is not there in full") from error
    raise UndecodableFrame(
        "the image is a video or has an unknown transfer syntax, so its frames cannot be told apart"
    )


def encoded_frames(dataset: Dataset) -> Iterator[EncodedFrame]:
    """Every frame in order, or the one stream of a video."""
    syntax = _transfer_syntax(dataset)
    if syntax in VIDEO_MEDIA_TYPES:
        yield EncodedFrame(_stream(dataset), VIDEO_MEDIA_TYPES[syntax], syntax)
        return
    for number in range(1, frame_count(dataset) + 1):
        yield encoded_frame(dataset, number)


def decoded_frame(dataset: Dataset, number: int) -> DecodedFrame:
    """One frame as numbers, colours as RGB where they are stored as luminance and chrominance.

    Raises like `encoded_frame`.
    """
    _require_frame(dataset, number)
    syntax = _transfer_syntax(dataset)
    _refuse_bomb(dataset, number, syntax)
    for plugin in ("",) if syntax in _NATIVE else _DECODERS.get(syntax, ()):
        try:
            pixels, described = get_decoder(UID(syntax)).as_array(
                dataset, index=number - 1, decoding_plugin=plugin
            )
        except _UNDECODABLE:
            continue
        return DecodedFrame(pixels, str(described["photometric_interpretation"]))
    raise UndecodableFrame(f"frame {number} cannot be decoded here")


def _require_frame(dataset: Dataset, number: int) -> None:
    if not has_pixels(dataset) or not 1 <= number <= frame_count(dataset):
        raise RequestError("the object has no such frame", status=404)


def _transfer_syntax(dataset: Dataset) -> str:
    try:
        return str(dataset.file_meta.TransferSyntaxUID)
    except UNREADABLE:
        raise UndecodableFrame("the object names no `TransferSyntaxUID`") from None


def _frame_bits(dataset: Dataset) -> int:
    bits = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("SamplesPerPixel") or 1)
    bits *= int(dataset.BitsAllocated)
    if dataset.get("PhotometricInterpretation") == "YBR_FULL_422" and _transfer_syntax(dataset) in _NATIVE:
        # Two pixels share their chrominance (PS3.3 C.7.6.3.1.2): four bytes instead of six.
        return bits // 3 * 2
    return bits


def _native_frame(dataset: Dataset, index: int, pixels: PixelFile) -> bytes:
    bits = _frame_bits(dataset)
    if bits <= 0:
        raise EOFError
    first, last = bits * index, bits * (index + 1)
    frame = pixels.read(first // 8, -(-last // 8))
    if bits % 8:
        # Frames of single-bit pixels follow each other without padding (PS3.5 8.1.1).
        unpacked = np.unpackbits(np.frombuffer(frame, np.uint8), bitorder="little")[first % 8 :][:bits]
        return np.packbits(unpacked, bitorder="little").tobytes()
    return little_endian(frame, pixel_word_vr(dataset), big_endian=_transfer_syntax(dataset) == _BIG_ENDIAN)


def pixel_word_vr(dataset: Dataset) -> str:
    """The VR by whose words the pixel data of a big endian file is swapped.

    Pixels of 8 bits in VR OW are swapped as words, too (PS3.5 8.1.1); those of 32
    bits are swapped whole.
    """
    if "PixelData" in dataset:
        return "OL" if dataset.BitsAllocated == 32 else str(dataset["PixelData"].VR)
    return "OF" if "FloatPixelData" in dataset else "OD"


def _encapsulated_frame(dataset: Dataset, index: int, pixels: PixelFile) -> bytes:
    offsets = None
    if dataset.get("ExtendedOffsetTable") and dataset.get("ExtendedOffsetTableLengths"):
        offsets = (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
    return get_frame(
        pixels.encapsulated(), index, extended_offsets=offsets, number_of_frames=frame_count(dataset)
    )


def _stream(dataset: Dataset) -> bytes:
    try:
        fragments = list(generate_fragments(dataset.PixelData))
    except UNREADABLE as error:
        raise UndecodableFrame("the video stream is not there in full") from error
    return b"".join(fragments[1:])  # the first is the Basic Offset Table


def _refuse_bomb(dataset: Dataset, number: int, syntax: str) -> None:
    try:
        frame_bytes = _frame_bits(dataset) // 8
    except UNREADABLE as error:
        raise UndecodableFrame("the image does not describe its pixels") from error
    if not 0 < frame_bytes <= MAX_FRAME_BYTES:
        raise UndecodableFrame(f"a frame of {frame_bytes} bytes is larger than the gate decodes")
    if syntax in _NATIVE:
        return
    frame = encoded_frame(dataset, number).data
    if syntax == RLELossless:
        # Each segment may be padded to an even length (PS3.5 annex G.3.1).
        if rle_exceeds(frame, frame_bytes + 16):
            raise UndecodableFrame(f"frame {number} decodes to more than the image has pixels")
        return
    if syntax in JPEGLSTransferSyntaxes and not is_whole(frame):
        raise UndecodableFrame(f"frame {number} is not there in full")
    size = declared_size(frame)
    if size is None or (size.rows, size.columns) != (dataset.Rows, dataset.Columns) or size.samples > 4:
        raise UndecodableFrame(f"frame {number} is not of the size that the image says")
