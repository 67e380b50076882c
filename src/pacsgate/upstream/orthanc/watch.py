"""What a feed asks of an Orthanc: what has changed, how much there is, and what an identifier names.

Called by the feed and by `services.orthanc_names`, through `pacsgate.ports.OrthancWatch`.

Invariants:
- a study is told only if its identifier is the hash of what Orthanc says of it.

Standard: Orthanc's OpenAPI document (1.10.1): `/changes`, `/statistics`, metadata.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import structlog

from pacsgate.model.errors import GoneError
from pacsgate.model.resource import ArchiveName, Level
from pacsgate.ports import Arrival
from pacsgate.ports.orthanc import (
    Orthanc,
    OrthancChange,
    OrthancChanges,
    OrthancCounts,
    OrthancRequest,
    OrthancStudy,
)
from pacsgate.protocols.orthanc.identifiers import is_orthanc_id, orthanc_id
from pacsgate.upstream.http.answers import unreadable
from pacsgate.upstream.orthanc.documents import checked_id, id_in, main_tag, patient_id_in, rows

_log = structlog.get_logger(__name__)

_LEVELS = {"Patient": Level.PATIENT, "Study": Level.STUDY, "Series": Level.SERIES, "Instance": Level.INSTANCE}
_STUDIES_OF = {
    Level.PATIENT: "/patients/{}/studies",
    Level.STUDY: "/studies/{}",
    Level.SERIES: "/series/{}/study",
    Level.INSTANCE: "/instances/{}/study",
}
_METADATA_OF = {Level.STUDY: "/studies/{}/metadata", Level.SERIES: "/series/{}/metadata"}
_MADE_FROM = ("ModifiedFrom", "AnonymizedFrom")
_COUNTS = ("CountStudies", "CountSeries", "CountInstances")


class _Watched(Orthanc, Protocol):
    name: ArchiveName

    def arrivals(self, orthanc_ids: Sequence[str]) -> Iterator[Arrival]: ...


class RestWatch:
    """`ports.OrthancWatch` on an archive of kind `orthanc`."""

    def __init__(self, archive: _Watched) -> None:
        self._archive = archive

    def studies_of(self, level: Level, orthanc_id: str) -> Sequence[OrthancStudy]:
        """The study that a resource is or belongs to, every study of a patient; none if there is none."""
        answer = self._found(_STUDIES_OF[level].format(checked_id(orthanc_id)))
        if answer is None:
            return ()
        documents = rows(answer) if level is Level.PATIENT else (answer,)
        found = (self._study(document) for document in documents)
        return tuple(study for study in found if study is not None)

    def arrivals(self, orthanc_ids: Sequence[str]) -> Iterator[Arrival]:
        """These instances as they are now; those that are gone or cannot be read are left out."""
        return self._archive.arrivals(orthanc_ids)

    def changes(self, since: int, limit: int) -> OrthancChanges:
        """The changes after number `since`, oldest first."""
        return _page(self._ask("/changes", since=str(since), limit=str(limit)))

    def newest(self) -> OrthancChanges:
        """The page that holds the newest change alone, or nothing."""
        return _page(self._ask("/changes", last=""))

    def counts(self) -> OrthancCounts:
        """How much there is, at the price of one cheap question."""
        answer = self._ask("/statistics")
        return OrthancCounts(*(_count(answer, name) for name in _COUNTS))

    def study_ids(self, since: int, limit: int) -> Sequence[str]:
        """A page of the identifiers of all studies, in Orthanc's own order."""
        answer = self._ask("/studies", since=str(since), limit=str(limit))
        if not isinstance(answer, list):
            raise unreadable("a list of studies is not a list")
        return tuple(map(checked_id, answer))

    def instances_of(self, study_orthanc_id: str) -> int | None:
        """How many instances a study has; `None` if it is gone."""
        answer = self._found(f"/studies/{checked_id(study_orthanc_id)}/statistics")
        return None if answer is None else _count(answer, "CountInstances")

    def made_from(self, level: Level, orthanc_id: str) -> Sequence[str]:
        """The identifier of what a study or series was modified or anonymized from, if it was."""
        metadata = self._found(_METADATA_OF[level].format(checked_id(orthanc_id)), expand="")
        if not isinstance(metadata, Mapping):
            return ()
        return tuple(filter(is_orthanc_id, (str(metadata.get(name)) for name in _MADE_FROM)))

    def _study(self, document: Any) -> OrthancStudy | None:
        patient_id, uid = patient_id_in(document), main_tag(document, Level.STUDY)
        given = id_in(document)
        if patient_id is None or uid is None or orthanc_id(patient_id, uid) != given:
            _log.error(
                "study left out: its identifier is not that of its UIDs",
                archive=self._archive.name,
                orthanc_id=given,
            )
            return None
        return OrthancStudy(given, patient_id, uid)

    def _found(self, path: str, **query: str) -> Any:
        """What is there; `None` for nothing."""
        try:
            return self._ask(path, **query)
        except GoneError:
            return None

    def _ask(self, path: str, **query: str) -> Any:
        return self._archive.ask_json(OrthancRequest("GET", path, query=tuple(query.items())))


def _page(answer: Any) -> OrthancChanges:
    if not isinstance(answer, Mapping):
        raise unreadable("a page of changes is no document")
    last, done = answer.get("Last"), answer.get("Done")
    if not isinstance(last, int) or not isinstance(done, bool):
        raise unreadable("a page of changes without its end")
    return OrthancChanges(tuple(map(_change, rows(answer.get("Changes")))), last, done)


def _change(row: Mapping[str, Any]) -> OrthancChange:
    number, change_type = row.get("Seq"), row.get("ChangeType")
    if not isinstance(number, int) or not isinstance(change_type, str):
        raise unreadable("a change without number or type")
    named = str(row.get("ID", ""))
    return OrthancChange(
        number,
        change_type,
        _LEVELS.get(str(row.get("ResourceType"))) if is_orthanc_id(named) else None,
        named,
        fingerprint=f"{change_type} {named} {row.get('Date', '')}",
    )


def _count(answer: Any, name: str) -> int:
    value = answer.get(name) if isinstance(answer, Mapping) else None
    # Some answers hold numbers as text.
    if not isinstance(value, int) and not (isinstance(value, str) and value.isdecimal()):
        raise unreadable(f"statistics without `{name}`")
    return int(value)
