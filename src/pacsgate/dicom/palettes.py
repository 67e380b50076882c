"""Stored colours become eight bits each of red, green and blue.

Called by `rendering`.

Standard: PS3.3 C.7.6.3.1.2 (RGB, PALETTE COLOR), C.7.6.3.1.5 and .6 (palettes).
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from pacsgate.dicom.frames import DecodedFrame


def colour_values(dataset: Dataset, frame: DecodedFrame) -> npt.NDArray[np.uint8]:
    """Rows by columns by red, green, blue."""
    if frame.photometric_interpretation == "PALETTE COLOR":
        coloured = apply_color_lut(frame.pixels, dataset)
        return _eight_bits(coloured[..., :3], coloured.dtype.itemsize * 8)
    return _eight_bits(frame.pixels[..., :3], int(dataset.BitsStored))


def _eight_bits(values: npt.NDArray[Any], bits: int) -> npt.NDArray[np.uint8]:
    if bits == 8:
        return np.ascontiguousarray(values.astype(np.uint8))
    scaled = values.astype(np.float64) * (255 / (2**bits - 1))
    return np.ascontiguousarray(np.rint(np.clip(scaled, 0, 255)).astype(np.uint8))
