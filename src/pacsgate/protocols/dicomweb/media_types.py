"""The media types that the gate can send, as a closed list, and how a header spells one.

Called by `accept` (what may be sent), `routes` (what a zip needs), the body
modules and the gateway's `Content-Type`.

Standard: PS3.18 8.7.3 (media types), RFC 9110 8.3.1 (syntax), RFC 2387 (multipart/related).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pacsgate.model.errors import RequestError


class MediaType(StrEnum):
    """One representation on the wire, without parameters."""

    DICOM = "application/dicom"
    DICOM_JSON = "application/dicom+json"
    DICOM_XML = "application/dicom+xml"
    JSON = "application/json"
    WADL = "application/vnd.sun.wadl+xml"
    ZIP = "application/zip"
    OCTET_STREAM = "application/octet-stream"
    JPEG = "image/jpeg"
    PNG = "image/png"
    JPEG_LS = "image/jls"
    JPEG_2000 = "image/jp2"
    JPEG_2000_PART_2 = "image/jpx"
    HTJ2K = "image/jphc"
    JPEG_XL = "image/jxl"
    RLE = "image/dicom-rle"
    MPEG2 = "video/mpeg"
    MP4 = "video/mp4"


_NAME = re.compile(r"[A-Za-z0-9!#$&^_.+*-]+/[A-Za-z0-9!#$&^_.+*-]+")
# Clients often leave the slash of `type=application/dicom` unquoted, so a bare value may hold one.
_PARAMETER = re.compile(r'\s*;\s*([A-Za-z0-9!#$&^_.+*-]+)\s*=\s*(?:"([^"\\]*)"|([^\s;,"]*))')


@dataclass(frozen=True, slots=True)
class HeaderMediaType:
    """A media type as a header gave it: lower-case name and parameter names."""

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def read_media_type(text: str) -> HeaderMediaType:
    """Read one `type/subtype; name=value` and nothing else."""
    name = _NAME.match(text.strip())
    if name is None:
        raise RequestError("media type is malformed: expected `type/subtype; name=value`")
    rest = text.strip()[name.end() :]
    parameters: dict[str, str] = {}
    position = 0
    while found := _PARAMETER.match(rest, position):
        key = found[1].lower()
        if key in parameters:
            raise RequestError("media type is malformed: a parameter is given twice")
        parameters[key] = found[2] if found[2] is not None else found[3]
        position = found.end()
    if rest[position:].strip(" \t;"):
        raise RequestError("media type is malformed: expected `type/subtype; name=value`")
    return HeaderMediaType(name[0].lower(), parameters)
