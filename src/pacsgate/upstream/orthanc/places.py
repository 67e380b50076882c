"""Where things are in an Orthanc: keys become its identifiers, and its identifiers become keys.

An identifier is computed from a key that names the patient; one that does not is looked up by
its UID, and every candidate is computed again from what Orthanc says of it.  So nothing is ever
addressed by a name that leads to something else.

Called by `archive`.

Invariants:
- whatever Orthanc names differently than the gate computes is left out, and logged.

Standard: the Orthanc Book, "Orthanc identifiers".
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import structlog

from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import GoneError, RequestError
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.upstream.http.answers import unreadable
from pacsgate.upstream.orthanc.documents import (
    checked_id,
    id_in,
    main_tag,
    patient_id_in,
    rows,
    tag_in,
)
from pacsgate.upstream.orthanc.rest import RestClient

PAGE = 1000
"""Rows of a list asked for at once."""

_log = structlog.get_logger(__name__)

_COLLECTIONS = {
    Level.PATIENT: "patients",
    Level.STUDY: "studies",
    Level.SERIES: "series",
    Level.INSTANCE: "instances",
}
_TYPES = {"Patient": Level.PATIENT, "Study": Level.STUDY, "Series": Level.SERIES, "Instance": Level.INSTANCE}


@dataclass(frozen=True, slots=True)
class Place:
    """A study, series or instance that Orthanc has: its name here and there."""

    key: ResourceKey
    """With the patient."""
    orthanc_id: str

    @property
    def path(self) -> str:
        """Its resource below Orthanc's root."""
        return f"/{_COLLECTIONS[self.key.level]}/{self.orthanc_id}"


def place_of(key: ResourceKey) -> Place:
    """The place of a key that names the patient; whether anything is there is not asked."""
    if key.patient_id is None:
        raise ValueError("a key without a patient has no one place")
    uids = _uids(key)
    return Place(key, orthanc_id(key.patient_id, *uids))


async def places(rest: RestClient, key: ResourceKey) -> tuple[Place, ...]:
    """Every place that a key may mean: one, or one for each patient that has it.

    Raises `GoneError`, and `RequestError` (404) for what cannot be a UID.
    """
    _uids(key)
    if key.patient_id is not None:
        return (place_of(key),)
    found = []
    for candidate in await looked_up(rest, _lowest_uid(key), key.level):
        patient_id = await _patient_id(rest, key.level, candidate)
        place = None if patient_id is None else place_of(_of_patient(key, patient_id))
        if place is not None and place.orthanc_id == candidate:
            found.append(place)
    if not found:
        raise GoneError
    return tuple(found)


async def looked_up(rest: RestClient, uid: str, level: Level) -> tuple[str, ...]:
    """The identifiers of what has a UID at a level.  Nothing of it is verified yet."""
    answer = await rest.ask_json(OrthancRequest("POST", "/tools/lookup", body=uid.encode("ascii")))
    return of_level(answer, level)


def of_level(answer: Any, level: Level) -> tuple[str, ...]:
    """The identifiers of a level in the answer to a look-up."""
    return tuple(id_in(row) for row in rows(answer) if _TYPES.get(str(row.get("Type"))) is level)


async def instances_below(rest: RestClient, place: Place) -> tuple[str, ...]:
    """The identifiers of all instances of a study or series, in their order.  Raises `GoneError`.

    Of a series each is verified; what is below a study is verified by whoever reads it.
    """
    answer = await rest.ask_json(OrthancRequest("GET", f"{place.path}/instances"))
    if place.key.level is Level.STUDY:
        return tuple(sorted(id_in(row) for row in rows(answer)))
    found = [
        _verified(_instance_of(place.key, main_tag(row, Level.INSTANCE)), id_in(row)) for row in rows(answer)
    ]
    return tuple(sorted(instance.orthanc_id for instance in found if instance is not None))


async def key_of_instance(rest: RestClient, identifier: str) -> ResourceKey | None:
    """The key of an instance, with its patient; `None` if it is not what its name says.

    Raises `GoneError`.
    """
    documents = [
        await rest.ask_json(OrthancRequest("GET", f"/instances/{identifier}{of}"))
        for of in ("", "/series", "/study")
    ]
    sop, series, study = (
        main_tag(document, level)
        for document, level in zip(documents, (Level.INSTANCE, Level.SERIES, Level.STUDY), strict=True)
    )
    patient_id = patient_id_in(documents[2])
    if sop is None or series is None or study is None or patient_id is None:
        return None
    verified = _verified(ResourceKey(study, series, sop, patient_id), identifier)
    return None if verified is None else verified.key


async def key_of_study(rest: RestClient, identifier: str) -> ResourceKey | None:
    """The key of a study, with its patient; `None` if it is not what its name says.

    Raises `GoneError`.
    """
    document = await rest.ask_json(OrthancRequest("GET", f"/studies/{identifier}"))
    study, patient_id = main_tag(document, Level.STUDY), patient_id_in(document)
    if study is None or patient_id is None:
        return None
    verified = _verified(ResourceKey(study, patient_id=patient_id), identifier)
    return None if verified is None else verified.key


async def study_identifiers(rest: RestClient) -> AsyncGenerator[str, None]:
    """The identifier of every study, perhaps more than once.

    A page begins with the last row of the one before; where it does not, something was removed
    meanwhile and what came after has moved up, so the page before is read again.
    """
    since, last = 0, None
    while True:
        query = (("since", str(since)), ("limit", str(PAGE)))
        answer = await rest.ask_json(OrthancRequest("GET", "/studies", query=query))
        if not isinstance(answer, list):
            raise unreadable("a list of studies is not a list")
        identifiers = [checked_id(identifier) for identifier in answer]
        if last is not None and identifiers[:1] != [last]:
            since, last = max(0, since - PAGE), None
            continue
        for identifier in identifiers:
            yield identifier
        if len(identifiers) < PAGE:
            return
        since, last = since + PAGE - 1, identifiers[-1]


def _uids(key: ResourceKey) -> tuple[str, ...]:
    uids = tuple(
        uid
        for uid in (key.study_instance_uid, key.series_instance_uid, key.sop_instance_uid)
        if uid is not None
    )
    if not all(map(is_valid_uid, uids)):
        raise RequestError("not a valid UID", status=404)
    return uids


def _lowest_uid(key: ResourceKey) -> str:
    return key.sop_instance_uid or key.series_instance_uid or key.study_instance_uid


def _of_patient(key: ResourceKey, patient_id: str) -> ResourceKey:
    return ResourceKey(key.study_instance_uid, key.series_instance_uid, key.sop_instance_uid, patient_id)


def _instance_of(series: ResourceKey, sop_instance_uid: str | None) -> ResourceKey | None:
    if sop_instance_uid is None:
        return None
    return ResourceKey(
        series.study_instance_uid, series.series_instance_uid, sop_instance_uid, series.patient_id
    )


async def _patient_id(rest: RestClient, level: Level, identifier: str) -> str | None:
    """The PatientID of whom something belongs to; `None` if it is gone."""
    try:
        document = await rest.ask_json(OrthancRequest("GET", f"/{_COLLECTIONS[level]}/{identifier}/patient"))
    except GoneError:
        return None
    return tag_in(document, "MainDicomTags", "PatientID")


def _verified(key: ResourceKey | None, given: str) -> Place | None:
    place = None if key is None or not _has_valid_uids(key) else place_of(key)
    if place is None or place.orthanc_id != given:
        # Its name tells nothing of a patient; whoever looks after Orthanc can find it.
        _log.error("object left out: its identifier is not that of its UIDs", orthanc_id=given)
        return None
    return place


def _has_valid_uids(key: ResourceKey) -> bool:
    return all(
        is_valid_uid(uid)
        for uid in (key.study_instance_uid, key.series_instance_uid, key.sop_instance_uid)
        if uid is not None
    )
