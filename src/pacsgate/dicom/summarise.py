"""What the index keeps of an object: read once, when it passes through or is synced.

The same summary comes from bytes, from a data set and from an origin's metadata,
because all three become the DICOM JSON Model first.

Called by the archives and by `services`; the result is an `InstanceSummary`.

Invariants:
- an object without valid UIDs is refused, never indexed;
- the header holds no bulk data: no value behind a URI, no binary value longer
  than `INLINE_LIMIT` bytes.

Standard: PS3.3 section 7 (levels), PS3.18 Annex F.
"""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from pydicom.dataset import Dataset

from pacsgate.dicom.attributes import KEPT_KEYWORDS, tag_of
from pacsgate.dicom.json_model import INLINE_LIMIT, to_json
from pacsgate.dicom.reading import UNREADABLE, read_data_set, read_object
from pacsgate.dicom.summary import DicomJson, InstanceSummary
from pacsgate.dicom.uids import require_uid
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level

_KEPT_TAGS = {
    level: frozenset(tag_of(keyword) for keyword in keywords) for level, keywords in KEPT_KEYWORDS.items()
}
_MAX_INLINE_TEXT = (INLINE_LIMIT + 2) // 3 * 4
"""Base64 writes three bytes as four characters."""


def read_summary(data: bytes | BinaryIO) -> InstanceSummary:
    """Summarise the Part 10 bytes in hand.  Raises `RequestError` for what is not a whole SOP instance."""
    return summarise(read_object(data, pixels=False))


def read_summary_of_data_set(source: BinaryIO, transfer_syntax_uid: str) -> InstanceSummary:
    """Summarise the data set that begins where `source` stands, of a file whose head is of our own making.

    Raises `RequestError`.
    """
    return _summarised(read_data_set(source, transfer_syntax_uid), transfer_syntax_uid)


def summarise(dataset: Dataset) -> InstanceSummary:
    """Summarise a data set with its file meta information.  Raises `RequestError`."""
    try:
        transfer_syntax_uid = str(dataset.file_meta.TransferSyntaxUID)
    except UNREADABLE:
        raise RequestError("the object names no `TransferSyntaxUID`") from None
    return _summarised(dataset, transfer_syntax_uid)


def _summarised(dataset: Dataset, transfer_syntax_uid: str) -> InstanceSummary:
    metadata = to_json(dataset, lambda _place: "")
    return summarise_json(metadata, require_uid(transfer_syntax_uid, "TransferSyntaxUID"))


def summarise_json(metadata: DicomJson, transfer_syntax_uid: str) -> InstanceSummary:
    """Summarise an object that is known by its metadata.

    `transfer_syntax_uid` is empty if the origin did not tell.  Raises `RequestError`.
    """
    header = _without_bulk(metadata)
    return InstanceSummary(
        study_instance_uid=_uid(header, "StudyInstanceUID"),
        series_instance_uid=_uid(header, "SeriesInstanceUID"),
        sop_instance_uid=_uid(header, "SOPInstanceUID"),
        sop_class_uid=_uid(header, "SOPClassUID"),
        patient_id=_text(header, "PatientID"),
        issuer_of_patient_id=_text(header, "IssuerOfPatientID"),
        transfer_syntax_uid=transfer_syntax_uid,
        number_of_frames=_number_of_frames(header),
        study=_part(header, Level.STUDY),
        series=_part(header, Level.SERIES),
        instance=_part(header, Level.INSTANCE),
        header=header,
        bulk=frozenset(_bulk_in(metadata)),
    )


def _uid(header: DicomJson, keyword: str) -> str:
    values = header.get(tag_of(keyword), {}).get("Value", [])
    if not values or not isinstance(values[0], str):
        raise RequestError(f"the object has no `{keyword}`")
    # Several values in a UID that identifies are one invalid UID.
    return require_uid("\\".join(str(value) for value in values), keyword)


def _text(header: DicomJson, keyword: str) -> str:
    values = header.get(tag_of(keyword), {}).get("Value", [])
    return "\\".join(str(value) for value in values if value is not None).strip()


def _number_of_frames(header: DicomJson) -> int:
    values = header.get(tag_of("NumberOfFrames"), {}).get("Value", [])
    return max(1, values[0]) if values and isinstance(values[0], int) else 1


def _part(header: DicomJson, level: Level) -> DicomJson:
    return {tag: element for tag, element in header.items() if tag in _KEPT_TAGS[level]}


def _is_bulk(element: Mapping[str, Any]) -> bool:
    return "BulkDataURI" in element or len(element.get("InlineBinary", "")) > _MAX_INLINE_TEXT


def _bulk_in(metadata: DicomJson) -> Iterator[str]:
    for tag, element in metadata.items():
        if _is_bulk(element):
            yield tag
        elif element.get("vr") == "SQ":
            for item in element.get("Value", ()):
                yield from (f"{tag}.{place}" for place in _bulk_in(item or {}))


def _without_bulk(metadata: DicomJson) -> dict[str, Mapping[str, Any]]:
    kept: dict[str, Mapping[str, Any]] = {}
    for tag, element in metadata.items():
        if _is_bulk(element):
            continue
        if element.get("vr") == "SQ" and "Value" in element:
            items = [_without_bulk(item) for item in element["Value"] if item is not None]
            kept[tag] = {"vr": "SQ", "Value": items}
        else:
            kept[tag] = element
    return kept
