"""How an image is to be drawn: the parameters of rendered and thumbnail resources.

Only form and bounds are checked here; what a viewport or window means for a
given frame is the renderer's business.  A parameter that the gate does not carry
out is refused: an image that silently lacks its annotation would be believed.

Called by the HTTP gateway; `wado_uri` reads the older names into the same value.

Standard: PS3.18 8.3.5.1 (rendered), 8.3.5.2 (thumbnail); PS3.3 C.11.2.1.2 and .3 (window functions).
"""

import re
from collections.abc import Mapping
from math import isfinite

from pacsgate.dicom.grayscale import VoiFunction, Window
from pacsgate.dicom.rendering import MAX_VIEWPORT, Region, RenderingOptions, Viewport
from pacsgate.model.errors import RequestError
from pacsgate.protocols.query_string import Parameters, single_values, unknown_parameter

_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,12}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})(?:[Ee][+-]?[0-9]{1,2})?", re.ASCII
)
_WHOLE = re.compile(r"[0-9]{1,6}", re.ASCII)
_RENDERED = ("quality", "viewport", "window", "iccprofile", "accept", "charset")
_THUMBNAIL = ("viewport", "accept", "charset")


def read_rendering(parameters: Parameters, *, thumbnail: bool) -> RenderingOptions:
    """Read the parameters of a rendered resource, or of a thumbnail, which has fewer."""
    known = _THUMBNAIL if thumbnail else _RENDERED
    values = single_values(parameters)
    for name in values:
        if name not in known:
            raise unknown_parameter(name, known)
    if values.get("iccprofile", "no") != "no":
        raise RequestError("`iccprofile` is not supported but for `no`: images are sent without a profile")
    viewport, region = _viewport(values.get("viewport"))
    return RenderingOptions(
        quality=optional_whole(values, "quality", highest=100),
        viewport=viewport,
        region=region,
        window=_window(values.get("window")),
    )


def _viewport(text: str | None) -> tuple[Viewport | None, Region | None]:
    if text is None:
        return None, None
    fields = text.split(",")
    if len(fields) not in {2, 6}:
        raise RequestError("`viewport` has two or six fields: width, height; left, top, width, height")
    width, height = (read_whole(field, "viewport", lowest=1, highest=MAX_VIEWPORT) for field in fields[:2])
    if len(fields) == 2:
        return Viewport(width, height), None
    source = [read_number(field, "viewport") if field else None for field in fields[2:]]
    region = Region(source[0] or 0, source[1] or 0, source[2], source[3])
    if min(region.left, region.top) < 0 or 0 in {region.width, region.height}:
        raise RequestError("`viewport` has an empty region, or one outside the image")
    return Viewport(width, height), region


def _window(text: str | None) -> Window | None:
    if text is None:
        return None
    fields = text.split(",")
    if len(fields) != 3 or fields[2] not in set(VoiFunction):
        raise RequestError("`window` is a center, a width and `linear`, `linear-exact` or `sigmoid`")
    return read_window(fields[0], fields[1], VoiFunction(fields[2]))


def read_window(center: str, width: str, function: VoiFunction = VoiFunction.LINEAR) -> Window:
    """Read the numbers of a window, of a width that the function is defined for."""
    window = Window(read_number(center, "window center"), read_number(width, "window width"), function)
    if not window.is_valid:
        raise RequestError("a window is wider than 0, and a `linear` one at least 1 wide")
    return window


def read_number(text: str, name: str) -> float:
    """Read a decimal number."""
    if not _NUMBER.fullmatch(text) or not isfinite(float(text)):
        raise RequestError(f"`{name}` is not a number")
    return float(text)


def read_whole(text: str, name: str, *, lowest: int, highest: int) -> int:
    """Read a whole number within bounds."""
    if not _WHOLE.fullmatch(text) or not lowest <= int(text) <= highest:
        raise RequestError(f"`{name}` is a whole number from {lowest} to {highest}")
    return int(text)


def optional_whole(values: Mapping[str, str], name: str, *, highest: int) -> int | None:
    """Read a parameter that is a whole number from 1, or `None` if it is absent."""
    text = values.get(name)
    return None if text is None else read_whole(text, name, lowest=1, highest=highest)
