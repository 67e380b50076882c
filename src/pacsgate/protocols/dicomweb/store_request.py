"""What may come in a STOW-RS request.

DICOM objects, as one body or as the parts of one.  Metadata with separate bulk
data is refused with a sentence: such an object has no bytes of its own to be
stored unchanged.  So is a compressed body: its size would be the sender's secret.

Called by the HTTP gateway before a byte of the body is read.

Standard: PS3.18 10.5.1 (request), 8.7.3.1 (media types), RFC 2045 6 (transfer encodings).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pacsgate.model.errors import RequestError
from pacsgate.protocols.dicomweb.media_types import MediaType, read_media_type
from pacsgate.protocols.dicomweb.multipart import read_content_type


@dataclass(frozen=True, slots=True)
class OneObject:
    """The body is one DICOM Part 10 object."""


@dataclass(frozen=True, slots=True)
class ObjectParts:
    """The body is multipart/related; each part is one DICOM Part 10 object."""

    boundary: str


StoreBody = OneObject | ObjectParts

_AS_IS = frozenset({"", "binary", "8bit", "7bit"})


def read_store_body(content_type: str | None, content_encoding: str | None) -> StoreBody:
    """Read the header fields that describe a body; 415 for what cannot be stored."""
    if content_encoding is not None and content_encoding.strip().lower() != "identity":
        raise RequestError(
            "compressed bodies are not accepted: send it without `Content-Encoding`", status=415
        )
    if content_type is None:
        raise RequestError("body has no `Content-Type`", status=415)
    given = read_media_type(content_type)
    if given.name == MediaType.DICOM:
        return OneObject()
    if given.name != "multipart/related":
        raise _not_dicom()
    body = read_content_type(content_type)
    if body.part_type != MediaType.DICOM:
        raise _not_dicom()
    return ObjectParts(body.boundary)


def require_dicom_part(headers: Mapping[str, str]) -> None:
    """Refuse a part that is not a DICOM object as it is.  A part that names no type is of its body's type."""
    named = headers.get("content-type")
    if named is not None and read_media_type(named).name != MediaType.DICOM:
        raise _not_dicom()
    if headers.get("content-transfer-encoding", "").lower() not in _AS_IS or "content-encoding" in headers:
        raise RequestError("a part is encoded: send DICOM objects as they are", status=415)


def _not_dicom() -> RequestError:
    return RequestError(
        f"only `{MediaType.DICOM}` can be stored, alone or in `multipart/related`", status=415
    )
