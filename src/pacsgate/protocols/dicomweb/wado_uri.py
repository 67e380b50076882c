"""WADO-URI: one instance named by query parameters, as a picture or as DICOM.

The names are older than the rest of PS3.18 and the meaning is the same, so this
reads them into the values that the other rows use.

Called by the HTTP gateway when `asks_for_wado` says so; `contentType` then goes
into `accept.negotiate` in place of the `accept` parameter.

Standard: PS3.18 9 (URI service), 9.1.2 (its parameters).
"""

from dataclasses import dataclass

from pacsgate.dicom.grayscale import Window
from pacsgate.dicom.rendering import MAX_VIEWPORT, Region, RenderingOptions, Viewport
from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ResourceKey
from pacsgate.protocols.dicomweb.accept import AS_STORED
from pacsgate.protocols.dicomweb.media_types import MediaType
from pacsgate.protocols.dicomweb.rendering_parameters import (
    optional_whole,
    read_number,
    read_window,
)
from pacsgate.protocols.query_string import Parameters, single_values, unknown_parameter

_TYPE = "requestType"
_NAMES = ("studyUID", "seriesUID", "objectUID")
_DRAWING = ("rows", "columns", "region", "windowCenter", "windowWidth", "imageQuality")
_NOT_DONE = ("anonymize", "annotation", "presentationUID", "presentationSeriesUID")
_OTHER = ("contentType", "charset", "frameNumber", "transferSyntax")
_KNOWN = (_TYPE, *_NAMES, *_DRAWING, *_NOT_DONE, *_OTHER)


@dataclass(frozen=True, slots=True)
class WadoUriRequest:
    """What a WADO-URI query asks for.

    `accept` is `contentType`, a list of media types.  `frame` counts from 1.
    `transfer_syntax` applies to DICOM only; `None` is Explicit VR Little Endian.
    """

    key: ResourceKey
    accept: str | None
    frame: int | None
    transfer_syntax: str | None
    rendering: RenderingOptions


def asks_for_wado(parameters: Parameters) -> bool:
    """Whether a query makes the root a WADO-URI request; another request type is refused."""
    types = [value for name, value in parameters if name == _TYPE]
    if any(value != "WADO" for value in types):
        raise RequestError("`requestType` can only be `WADO`")
    return bool(types)


def read_wado_uri(parameters: Parameters) -> WadoUriRequest:
    """Read the parameters of a WADO-URI request."""
    values = single_values(parameters)
    for name in values:
        if name not in _KNOWN:
            raise unknown_parameter(name, _KNOWN)
        if name in _NOT_DONE:
            raise RequestError(f"`{name}` is not supported by this gate", status=501)
    accept = values.get("contentType")
    if accept == MediaType.DICOM and any(name in values for name in (*_DRAWING, "frameNumber")):
        raise RequestError(f"drawing parameters and `frameNumber` do not go with `{MediaType.DICOM}`")
    syntax = values.get("transferSyntax")
    if syntax is not None and syntax != AS_STORED and not is_valid_uid(syntax):
        raise RequestError("`transferSyntax` is a UID or `*`")
    return WadoUriRequest(
        key=ResourceKey(*(_uid(values, name) for name in _NAMES)),
        accept=accept,
        frame=optional_whole(values, "frameNumber", highest=999_999),
        transfer_syntax=syntax,
        rendering=_rendering(values),
    )


def _uid(values: dict[str, str], name: str) -> str:
    uid = values.get(name, "")
    if not is_valid_uid(uid):
        raise RequestError(f"`{name}` is missing or malformed: expected up to 64 digits and single dots")
    return uid


def _rendering(values: dict[str, str]) -> RenderingOptions:
    rows, columns = (optional_whole(values, name, highest=MAX_VIEWPORT) for name in ("rows", "columns"))
    viewport = None
    if rows is not None or columns is not None:
        # With one side given, the other only has to be large enough not to decide.
        viewport = Viewport(columns or MAX_VIEWPORT, rows or MAX_VIEWPORT)
    return RenderingOptions(
        quality=optional_whole(values, "imageQuality", highest=100),
        viewport=viewport,
        region=_region(values.get("region")),
        window=_window(values),
    )


def _region(text: str | None) -> Region | None:
    if text is None:
        return None
    corners = [read_number(field, "region") for field in text.split(",")]
    if len(corners) != 4 or not (0 <= corners[0] < corners[2] <= 1 and 0 <= corners[1] < corners[3] <= 1):
        raise RequestError("`region` has four fields from 0 to 1: left, top, right, bottom")
    left, top, right, bottom = corners
    return Region(left, top, right - left, bottom - top, relative=True)


def _window(values: dict[str, str]) -> Window | None:
    center, width = values.get("windowCenter"), values.get("windowWidth")
    if center is None and width is None:
        return None
    if center is None or width is None:
        raise RequestError("`windowCenter` and `windowWidth` go together")
    return read_window(center, width)
