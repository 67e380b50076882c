"""Data sets as a body, in the negotiated form.

Called by the handlers that answer searches and metadata.

Standard: PS3.18 8.7.3.2, annex F; PS3.19 annex A.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pacsgate.dicom.summary import DicomJson
from pacsgate.protocols.dicomweb.accept import Representation
from pacsgate.protocols.dicomweb.data_sets import (
    write_json,
    write_json_object,
    write_xml_part,
    write_xml_parts,
)
from pacsgate.protocols.dicomweb.media_types import MediaType
from pacsgate.protocols.dicomweb.multipart import closing, content_type


@dataclass(frozen=True, slots=True)
class Form:
    """How data sets are written one after another."""

    content_type: str
    one: Callable[[DicomJson], bytes]
    end: bytes
    start: bytes = b""
    between: bytes = b""


def form_of(representation: Representation) -> Form:
    """The negotiated form, for a body that is sent in pieces."""
    if representation.media is not MediaType.DICOM_XML:
        return Form(representation.media.value, write_json_object, start=b"[", between=b",", end=b"]")
    boundary = secrets.token_hex(16)
    return Form(
        content_type(boundary, MediaType.DICOM_XML),
        lambda data_set: write_xml_part(data_set, boundary),
        end=closing(boundary),
    )


def data_sets_body(data_sets: Iterable[DicomJson], representation: Representation) -> tuple[bytes, str]:
    """The body and its `Content-Type`."""
    if representation.media is not MediaType.DICOM_XML:
        return write_json(data_sets), representation.media.value
    boundary = secrets.token_hex(16)
    return b"".join(write_xml_parts(data_sets, boundary)), content_type(boundary, MediaType.DICOM_XML)
