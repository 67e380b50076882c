"""Stored grey values become the 256 greys of a screen.

Called by `rendering`.

Standard: PS3.3 C.11.1 (Modality LUT), C.11.2 (VOI LUT), C.11.2.1.2 (windows), C.7.5.1.1.2 (padding),
C.7.6.16.2.9 and .10 (the same per frame).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_modality_lut, apply_voi

Values = npt.NDArray[Any]
Greys = npt.NDArray[np.uint8]


class VoiFunction(StrEnum):
    """How a window maps values (VOI LUT Function, as PS3.18 8.3.5.1.4 spells it)."""

    LINEAR = "linear"
    LINEAR_EXACT = "linear-exact"
    SIGMOID = "sigmoid"


@dataclass(frozen=True, slots=True)
class Window:
    """A window, in units of the modality transformation's output."""

    center: float
    width: float
    function: VoiFunction = VoiFunction.LINEAR

    @property
    def is_valid(self) -> bool:
        """Whether the width is one that the function is defined for."""
        return self.width >= 1 if self.function is VoiFunction.LINEAR else self.width > 0

    def apply(self, values: Values) -> Values:
        """Map values to between 0 and 1."""
        match self.function:
            case VoiFunction.LINEAR if self.width == 1:
                return (values > self.center - 0.5).astype(np.float64)
            case VoiFunction.LINEAR:
                return np.clip((values - (self.center - 0.5)) / (self.width - 1) + 0.5, 0, 1)
            case VoiFunction.LINEAR_EXACT:
                return np.clip((values - self.center) / self.width + 0.5, 0, 1)
            case VoiFunction.SIGMOID:
                exponent = np.clip(-4 * (values - self.center) / self.width, -700, 700)
                return 1 / (1 + np.exp(exponent))


def display_values(dataset: Dataset, number: int, pixels: Values, window: Window | None) -> Greys:
    """The greys of one frame, dark to bright as the values rise; `window` replaces the image's own."""
    modality = _macro(dataset, number, "PixelValueTransformationSequence")
    voi = _macro(dataset, number, "FrameVOILUTSequence")
    shown = _without_padding(dataset, pixels)
    if pixels.dtype.kind in "ui" and pixels.dtype.itemsize <= 2:
        # At most 65,536 different values: work out each once.
        low, high = int(pixels.min()), int(pixels.max())
        every = np.arange(low, high + 1).astype(pixels.dtype)
        table = _greys(modality, voi, every, shown, window)
        return np.take(table, pixels.astype(np.int32) - low).astype(np.uint8, copy=False)
    return _greys(modality, voi, pixels, shown, window)


def _greys(modality: Dataset, voi: Dataset, pixels: Values, shown: Values, window: Window | None) -> Greys:
    values = apply_modality_lut(pixels, modality)
    chosen = window or _own_window(voi)
    if chosen is not None and chosen.is_valid:
        between_0_and_1 = chosen.apply(values.astype(np.float64))
    elif "VOILUTSequence" in voi:
        bits = int(voi.VOILUTSequence[0].LUTDescriptor[2])
        between_0_and_1 = apply_voi(values, voi) / (2**bits - 1)
    else:
        between_0_and_1 = _stretch(
            values.astype(np.float64), apply_modality_lut(shown, modality).astype(np.float64)
        )
    greys: Greys = np.rint(np.nan_to_num(np.clip(between_0_and_1, 0, 1)) * 255).astype(np.uint8)
    return greys


def _stretch(values: Values, shown: Values) -> Values:
    finite = shown[np.isfinite(shown)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _macro(dataset: Dataset, number: int, keyword: str) -> Dataset:
    """Where one frame has the attributes of a functional group: its own, shared, or in the data set."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    groups = [*per_frame[number - 1 : number], *(dataset.get("SharedFunctionalGroupsSequence") or [])]
    for group in groups:
        if group.get(keyword):
            macro: Dataset = group[keyword].value[0]
            return macro
    return dataset


def _own_window(voi: Dataset) -> Window | None:
    center, width = _first(voi, "WindowCenter"), _first(voi, "WindowWidth")
    if center is None or width is None:
        return None
    named = str(voi.get("VOILUTFunction") or "LINEAR").lower().replace("_", "-")
    function = VoiFunction(named) if named in set(VoiFunction) else VoiFunction.LINEAR
    return Window(center, width, function)


def _first(voi: Dataset, keyword: str) -> float | None:
    value = voi.get(keyword)
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    return None if value is None or value == "" else float(value)


def _without_padding(dataset: Dataset, pixels: Values) -> Values:
    padding = dataset.get("PixelPaddingValue")
    if not isinstance(padding, int):
        return pixels
    limit = dataset.get("PixelPaddingRangeLimit")
    low, high = sorted((padding, limit if isinstance(limit, int) else padding))
    kept = pixels[(pixels < low) | (pixels > high)]
    return kept if kept.size else pixels
