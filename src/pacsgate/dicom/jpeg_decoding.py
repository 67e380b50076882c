"""A decoder for pydicom: JPEG of up to 16 bits, lossless JPEG, JPEG 2000 in colour beyond 8 bits.

These are the frames that Pillow does not read.  libjpeg-turbo 3 and OpenJPEG, as
imagecodecs brings them, do; unlike GDCM 3.2, they survive damaged codestreams
(GDCM ends the process: its C++ exceptions are not caught on the way to Python).

pydicom calls `decode_frame`, once `register` has told it to; nothing else does.

Standard: PS3.5 A.4.1 (JPEG), A.4.4 (JPEG 2000).
"""

import numpy as np
from imagecodecs import jpeg2k_decode, jpeg8_decode
from pydicom.pixels.decoders.base import (
    DecodeRunner,
    JPEG2000Decoder,
    JPEG2000LosslessDecoder,
    JPEGExtended12BitDecoder,
    JPEGLosslessDecoder,
    JPEGLosslessSV1Decoder,
)
from pydicom.uid import JPEG2000TransferSyntaxes

PLUGIN = "imagecodecs"
_DECODERS = (
    JPEGExtended12BitDecoder,
    JPEGLosslessDecoder,
    JPEGLosslessSV1Decoder,
    JPEG2000LosslessDecoder,
    JPEG2000Decoder,
)
DECODER_DEPENDENCIES = {decoder.UID: ("imagecodecs",) for decoder in _DECODERS}
"""Asked for by pydicom."""


def is_available(uid: str) -> bool:
    """Whether this decodes the transfer syntax; asked by pydicom."""
    return uid in DECODER_DEPENDENCIES


def register() -> None:
    """Make pydicom's decoders know this one by the name `PLUGIN`."""
    for decoder in _DECODERS:
        if PLUGIN not in decoder.available_plugins:
            decoder.add_plugin(PLUGIN, (__name__, decode_frame.__name__))


def decode_frame(src: bytes, runner: DecodeRunner) -> bytes:
    """Decode one frame to the bytes of its pixels, colour by pixel."""
    if runner.transfer_syntax in JPEG2000TransferSyntaxes:
        # The component transformation is undone by the decoder, as by every other.
        pixels = jpeg2k_decode(src)
        if runner.photometric_interpretation in {"YBR_ICT", "YBR_RCT"}:
            runner.set_option("photometric_interpretation", "RGB")
    else:
        # Colours are left as they are encoded; the data set says what they mean.
        space = "RGB" if runner.samples_per_pixel > 1 else None
        pixels = jpeg8_decode(src, colorspace=space, outcolorspace=space)
    runner.set_option("bits_allocated", pixels.dtype.itemsize * 8)
    runner.set_option("planar_configuration", 0)
    unused = pixels.dtype.itemsize * 8 - runner.bits_stored
    if runner.pixel_representation == 1 and pixels.dtype.kind == "u" and unused > 0:
        # JPEG has no sign: negative values come back as large ones of the stored width.
        signed = pixels.view(np.dtype(f"i{pixels.dtype.itemsize}"))
        pixels = (signed << unused) >> unused
    return pixels.tobytes()
