"""Data sets as bytes on the wire, in the forms of PS3.18.

Called by the HTTP gateway.

Standard: PS3.18 Annex F (JSON), 8.7.3.2 (one XML document for each part).
"""

from collections.abc import Iterable, Iterator

import msgspec

from pacsgate.dicom.summary import DicomJson
from pacsgate.dicom.xml_model import to_native_xml
from pacsgate.protocols.dicomweb.media_types import MediaType
from pacsgate.protocols.dicomweb.multipart import PART_TAIL, closing, part_head


def write_json(data_sets: Iterable[DicomJson]) -> bytes:
    """Return an array of data sets, as searches and metadata are answered."""
    return msgspec.json.encode(list(data_sets))


def write_json_object(data_set: DicomJson) -> bytes:
    """Return one data set, as a store is answered, or one item of an array."""
    return msgspec.json.encode(data_set)


def write_xml_parts(data_sets: Iterable[DicomJson], boundary: str) -> Iterator[bytes]:
    """Yield a multipart/related body with one Native DICOM Model document in each part."""
    for data_set in data_sets:
        yield write_xml_part(data_set, boundary)
    yield closing(boundary)


def write_xml_part(data_set: DicomJson, boundary: str) -> bytes:
    """Return one part of such a body."""
    return part_head(boundary, MediaType.DICOM_XML) + to_native_xml(data_set) + PART_TAIL
