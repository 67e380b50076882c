"""Frames as pictures that any browser shows.

Grey values go through the modality transformation, then through a window: the
one asked for, else the image's own first one, else its VOI LUT, else from the
smallest to the largest value.  Colours are shown as they are.  Then the asked
region is cut out, flipped and scaled to fit the viewport.

Called by the doors for `/rendered`, `/thumbnail` and WADO-URI.

Standard: PS3.18 8.3.5 (parameters); PS3.3 C.11.1 (modality), C.11.2 (VOI), C.7.6.3.1.2 (photometric
interpretation), C.7.6.16.2.9 and .10 (functional groups).
"""

import io
from dataclasses import dataclass, replace
from enum import StrEnum

from PIL import Image, ImageOps
from pydicom.dataset import Dataset

from pacsgate.dicom.frames import decoded_frame, frame_count, has_pixels
from pacsgate.dicom.grayscale import Window, display_values
from pacsgate.dicom.palettes import colour_values
from pacsgate.dicom.reading import UNREADABLE
from pacsgate.model.errors import RequestError

MAX_VIEWPORT = 8192
"""Pixels on one side of a rendered image; the largest diagnostic screens have about 4,000."""
DEFAULT_QUALITY = 90
"""Of a JPEG; differences are hard to see."""


class RenderedType(StrEnum):
    """What a frame can be rendered as."""

    JPEG = "image/jpeg"
    PNG = "image/png"


_FORMAT = {RenderedType.JPEG: "JPEG", RenderedType.PNG: "PNG"}


class NotRenderable(RequestError):  # noqa: N818 - it names a property of the object
    """The object is no image, or of a kind that cannot be shown as one."""

    def __init__(self, public: str) -> None:
        super().__init__(public, status=406)


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the image, from its upper left corner.

    `None` for a size is up to the edge, and a negative one flips.  `relative`
    says that the numbers are fractions of the image and not pixels.
    """

    left: float = 0
    top: float = 0
    width: float | None = None
    height: float | None = None
    relative: bool = False


@dataclass(frozen=True, slots=True)
class Viewport:
    """The box into which the picture is scaled, keeping its proportions."""

    width: int
    height: int


THUMBNAIL = Viewport(128, 128)


@dataclass(frozen=True, slots=True)
class RenderingOptions:
    """What a request may ask of a picture; `None` is the renderer's choice.

    `quality` (1 to 100) concerns lossy formats.  A region without a viewport keeps its size.
    """

    viewport: Viewport | None = None
    region: Region | None = None
    window: Window | None = None
    quality: int | None = None


def render(dataset: Dataset, number: int, rendered: RenderedType, options: RenderingOptions) -> bytes:
    """One frame, by its number from 1, as a picture.

    Raises `NotRenderable`, `UndecodableFrame`, or `RequestError` for a frame or a
    region that the image does not have.
    """
    if not has_pixels(dataset):
        raise NotRenderable("the object is not an image")
    image = _picture(dataset, number, options.window)
    if options.viewport is not None or options.region is not None:
        image = _fit(image, options.viewport, options.region or Region())
    written = io.BytesIO()
    image.save(written, _FORMAT[rendered], quality=options.quality or DEFAULT_QUALITY)
    return written.getvalue()


def thumbnail(dataset: Dataset, options: RenderingOptions) -> bytes:
    """A small JPEG of the frame that stands for the object: the one it names, else the middle one."""
    count = frame_count(dataset)
    try:
        named = int(dataset.get("RepresentativeFrameNumber") or 0)
    except UNREADABLE:
        named = 0
    number = named if 1 <= named <= count else (count + 1) // 2
    options = replace(options, viewport=options.viewport or THUMBNAIL)
    return render(dataset, number, RenderedType.JPEG, options)


def _picture(dataset: Dataset, number: int, window: Window | None) -> Image.Image:
    frame = decoded_frame(dataset, number)
    try:
        match frame.photometric_interpretation:
            case "MONOCHROME1" | "MONOCHROME2" if frame.pixels.ndim == 2:
                picture = Image.fromarray(display_values(dataset, number, frame.pixels, window))
                inverted = frame.photometric_interpretation == "MONOCHROME1"
                return ImageOps.invert(picture) if inverted else picture
            case "RGB" | "PALETTE COLOR":
                return Image.fromarray(colour_values(dataset, frame))
    except UNREADABLE as error:
        raise NotRenderable("the image does not describe its values") from error
    raise NotRenderable("pixels of this photometric interpretation cannot be shown")


def _fit(image: Image.Image, viewport: Viewport | None, region: Region) -> Image.Image:
    left, top, width, height = _in_pixels(region, image)
    across, down = abs(width), abs(height)
    inside = left >= 0 and top >= 0 and left + across <= image.width and top + down <= image.height
    if not (inside and across > 0 and down > 0):
        raise RequestError("viewport region is not inside the image")
    box = viewport or Viewport(max(1, round(across)), max(1, round(down)))
    if not (0 < box.width <= MAX_VIEWPORT and 0 < box.height <= MAX_VIEWPORT):
        raise RequestError(f"viewport must be 1 to {MAX_VIEWPORT} pixels wide and high")
    scale = min(box.width / across, box.height / down)
    size = max(1, round(across * scale)), max(1, round(down * scale))
    picture = image.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + across, top + down))
    if width < 0:
        picture = ImageOps.mirror(picture)
    return ImageOps.flip(picture) if height < 0 else picture


def _in_pixels(region: Region, image: Image.Image) -> tuple[float, float, float, float]:
    """Left, top, width and height of a region of this image."""
    across, down = (image.width, image.height) if region.relative else (1, 1)
    left, top = region.left * across, region.top * down
    width = image.width - left if region.width is None else region.width * across
    height = image.height - top if region.height is None else region.height * down
    return left, top, width, height
