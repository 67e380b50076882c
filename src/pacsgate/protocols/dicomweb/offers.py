"""What each row of the route table can send, in the gate's order of preference.

Called by the HTTP gateway, which gives the result to `accept.negotiate`.

Standard: PS3.18 8.7.3 and tables 8.7.3-2 to 8.7.3-6 (categories and media types), 10.4.4, 10.5.3, 10.6.3.
"""

from collections.abc import Mapping

from pacsgate.model.resource import Level
from pacsgate.protocols.dicomweb.accept import Representation
from pacsgate.protocols.dicomweb.media_types import MediaType
from pacsgate.protocols.dicomweb.routes import Handler, Route


def _single(*media: MediaType) -> tuple[Representation, ...]:
    return tuple(Representation(one) for one in media)


def _parts(*media: MediaType) -> tuple[Representation, ...]:
    return tuple(Representation(one, multipart=True) for one in media)


_COMPRESSED = (
    MediaType.JPEG,
    MediaType.JPEG_LS,
    MediaType.JPEG_2000,
    MediaType.JPEG_2000_PART_2,
    MediaType.HTJ2K,
    MediaType.JPEG_XL,
    MediaType.RLE,
    MediaType.MPEG2,
    MediaType.MP4,
)
_RENDERED = (MediaType.JPEG, MediaType.PNG)

_DATA_SETS = (*_single(MediaType.DICOM_JSON, MediaType.JSON), *_parts(MediaType.DICOM_XML))
_STORE_ANSWERS = _single(MediaType.DICOM_JSON, MediaType.JSON, MediaType.DICOM_XML)
_PIXELS = _parts(MediaType.OCTET_STREAM, *_COMPRESSED)
_ONE_FRAME = (*_PIXELS, *_single(MediaType.OCTET_STREAM, *_COMPRESSED))
_CAPABILITIES = _single(MediaType.JSON, MediaType.WADL)


_ALWAYS: Mapping[Handler, tuple[Representation, ...]] = {
    Handler.SEARCH: _DATA_SETS,
    Handler.METADATA: _DATA_SETS,
    Handler.PIXELDATA: _PIXELS,
    Handler.THUMBNAIL: _single(MediaType.JPEG),
    Handler.WADO_URI: _single(*_RENDERED, MediaType.DICOM),
    Handler.STORE: _STORE_ANSWERS,
    Handler.CAPABILITIES: _CAPABILITIES,
}


def offers(route: Route, *, frames: int = 0) -> tuple[Representation, ...]:
    """Return what a row can send; `frames` is how many the path names.

    Without multipart there can be one frame, one rendered image or one object.
    A row without a body of its own (DELETE, what is answered 501) offers nothing.
    """
    match route.handler:
        case Handler.RETRIEVE:
            other = MediaType.DICOM if route.level is Level.INSTANCE else MediaType.ZIP
            return (*_parts(MediaType.DICOM), *_single(other))
        case Handler.FRAMES:
            return _ONE_FRAME if frames == 1 else _PIXELS
        case Handler.BULKDATA:
            parts = _parts(MediaType.OCTET_STREAM)
            return (*_single(MediaType.OCTET_STREAM), *parts) if route.route_id == "one-bulkdata" else parts
        case Handler.RENDERED:
            one = route.level is Level.INSTANCE and frames < 2
            return (*_single(*_RENDERED), *_parts(*_RENDERED)) if one else _parts(*_RENDERED)
        case handler:
            return _ALWAYS.get(handler, ())
