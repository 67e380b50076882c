"""What Orthanc's documents say, or an error that they do not say it.

Called by `places` and `watch`.

Standard: Orthanc's OpenAPI document (1.10.1): resources in JSON, `MainDicomTags`.
"""

from collections.abc import Mapping
from typing import Any

from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.identifiers import is_orthanc_id
from pacsgate.upstream.http.answers import unreadable

_UID_OF = {
    Level.STUDY: "StudyInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.INSTANCE: "SOPInstanceUID",
}


def rows(answer: Any) -> list[Mapping[str, Any]]:
    """The documents of a list."""
    if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
        raise unreadable("not a list of documents")
    return answer


def id_in(row: Mapping[str, Any]) -> str:
    """The identifier of a resource, as its document says."""
    return checked_id(row.get("ID"))


def checked_id(value: Any) -> str:
    """An identifier, by its shape."""
    if not isinstance(value, str) or not is_orthanc_id(value):
        raise unreadable("not an identifier of Orthanc's")
    return value


def main_tag(document: Any, level: Level) -> str | None:
    """The UID of a study, series or instance."""
    return tag_in(document, "MainDicomTags", _UID_OF[level])


def patient_id_in(document: Any) -> str | None:
    """The PatientID in a study's document."""
    return tag_in(document, "PatientMainDicomTags", "PatientID")


def tag_in(document: Any, group: str, keyword: str) -> str | None:
    """A main tag as Orthanc hashes it; an absent PatientID is the empty one."""
    tags = document.get(group) if isinstance(document, dict) else None
    if not isinstance(tags, dict):
        raise unreadable("a document without main tags")
    value = tags.get(keyword, "" if keyword == "PatientID" else None)
    return value if isinstance(value, str) else None
