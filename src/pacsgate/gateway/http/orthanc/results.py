"""What Orthanc has made of stored objects: found by name in its answer, indexed, judged, or removed again.

An answer names patients as well, who may have had studies before.  So what is new is what was not there when
the order was judged, and of which Orthanc itself says that it was made from the sources: only such studies
are ever removed here.

Called by `orthanc.made`.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pacsgate.audit.events import EventKind, StudyObject
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.model.actions import Action
from pacsgate.model.errors import ArchiveError
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.services.judge_made import MadeJudge
from pacsgate.services.resolve import Reach

_LEVELS = {level.value.capitalize(): level for level in Level}


def results_in(answer: Mapping[str, Any]) -> tuple[tuple[Level, str], ...]:
    """The names of what was made, with their levels.  Raises `ArchiveError`."""
    try:
        if "Resources" in answer:
            named = [(each["Type"], each["ID"]) for each in answer["Resources"]]
            return tuple((_LEVELS[kind], str(name)) for kind, name in named if kind == "Study")
        if "TargetStudy" in answer:
            return ((Level.STUDY, str(answer["TargetStudy"])),)
        return ((_LEVELS[answer["Type"]], str(answer["ID"])),)
    except (KeyError, TypeError):
        raise ArchiveError("the archive does not say what it made") from None


def held_where(exchange: OrthancExchange, made: Iterable[InstanceSummary]) -> frozenset[ResourceKey]:
    """The studies with these UIDs or of these patients that there are.  Raises `ArchiveError`."""
    gate, scope, archive = exchange.gate, exchange.scope, exchange.archive
    held: set[ResourceKey] = set()
    for uid in {summary.study_instance_uid for summary in made}:
        held |= {
            ResourceKey(uid, patient_id=study.patient_id) for study in gate.index.studies(scope, archive, uid)
        }
    for patient_id in {summary.patient_id for summary in made}:
        held |= _studies(exchange, Level.PATIENT, orthanc_id(patient_id))
    return frozenset(held)


def index_made(exchange: OrthancExchange, results: Iterable[tuple[Level, str]]) -> frozenset[ResourceKey]:
    """Bring what was made into the index; the studies that it is in.  Raises `ArchiveError`."""
    keys: set[ResourceKey] = set()
    for level, name in results:
        found = _studies(exchange, level, name)
        if not found:
            raise ArchiveError("the archive does not have what it says it made")
        keys |= found
    for key in keys:
        exchange.gate.freshness.look_again(exchange.scope, exchange.archive, key.study_instance_uid)
    return frozenset(keys)


def made_from(
    exchange: OrthancExchange, sources: Reach, keys: Collection[ResourceKey]
) -> tuple[ResourceKey, ...]:
    """Those of the studies of which Orthanc says that they were made from the sources."""
    watch = exchange.gate.labels.watches[exchange.archive]
    names = {orthanc_id(study.patient_id, study.study_instance_uid) for study in sources.studies}
    return tuple(key for key in keys if names.intersection(watch.made_from(Level.STUDY, _name(key))))


def may_stay(exchange: OrthancExchange, keys: Iterable[ResourceKey]) -> bool:
    """Whether all of these new studies may be there."""
    judge = MadeJudge(exchange.gate.freshness, exchange.scope, exchange.archive, exchange.bind())
    index = exchange.gate.index
    return judge.may_stay(
        study
        for key in keys
        for study in index.studies(exchange.scope, exchange.archive, key.study_instance_uid)
        if study.patient_id == key.patient_id
    )


async def remove_made(exchange: OrthancExchange, source: Reached, keys: Iterable[ResourceKey]) -> None:
    """Remove new studies again, after that is on record."""
    for key in keys:
        await exchange.record(
            source.circumstances.event(
                EventKind.STUDY_DELETED,
                action=Action.STORE,
                study=StudyObject(key.study_instance_uid, key.patient_id),
                details={"change": "what was made may not stay"},
            )
        )

        def work(key: ResourceKey = key) -> None:
            exchange.gate.archives[exchange.archive].delete(key)
            exchange.gate.index.remove(exchange.scope, exchange.archive, key)

        await exchange.at_archive(work)


def _name(study: ResourceKey) -> str:
    return orthanc_id(study.patient_id or "", study.study_instance_uid)


def _studies(exchange: OrthancExchange, level: Level, name: str) -> frozenset[ResourceKey]:
    gate, scope, archive = exchange.gate, exchange.scope, exchange.archive
    named = gate.names.resolve(scope, archive, level, name)
    if named is None:
        return frozenset()
    if level is Level.PATIENT:
        named = gate.names.whole_patient(scope, archive, named)
    return frozenset(ResourceKey(key.study_instance_uid, patient_id=key.patient_id) for key in named.keys)
