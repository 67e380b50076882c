"""`/tools/create-dicom`: Orthanc makes an object of attributes, perhaps with an image or a document in it.

It is decided like an upload, on what it is said to be before it is made, and on what it is when it is
there; what may not stay is removed again.  Its study, if it is to be a new one, gets a UID of the gate's, so
that it is known before.

Called by `door`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.dicom.attributes import tag_of
from pacsgate.dicom.described import described
from pacsgate.dicom.json_model import to_json
from pacsgate.dicom.summarise import read_summary, summarise_json
from pacsgate.dicom.summary import DicomJson, InstanceSummary
from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.made import MAX_ANSWER_BYTES, MAX_PREVIEW_BYTES, NOT_STORED, new_uid
from pacsgate.gateway.http.orthanc.relay import ANSWERS, ask_made
from pacsgate.gateway.http.orthanc.upload import names_of
from pacsgate.model.actions import Action
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.policy.engine import Bound
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.create_body import NewObject, read_new_object
from pacsgate.protocols.orthanc.modules import MODULES
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.services.judge_store import Ruling, StoreJudge
from pacsgate.services.reach_obligations import common_mask
from pacsgate.services.record import stored_objects
from pacsgate.services.resolve import Answer, Reach, Refusal
from pacsgate.services.united_reach import is_all_of

MAX_BODY_BYTES = 64 * 1024 * 1024
"""An image or a document, written in Base64."""

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
"""What Orthanc makes of an image if nobody says otherwise."""
_NO_CHILD = "this account does not see all that a child would have from this parent"
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_ABOVE: dict[Level, tuple[Level, ...]] = {
    Level.PATIENT: (Level.PATIENT,),
    Level.STUDY: (Level.PATIENT, Level.STUDY),
    Level.SERIES: (Level.PATIENT, Level.STUDY, Level.SERIES),
}
"""Whose attributes a new child of this level has from its parent."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What goes upstream, and what the object is expected to say of itself."""

    body: bytes
    expected: InstanceSummary


async def create(exchange: OrthancExchange, _found: OrthancMatch) -> Response:
    """Let Orthanc make an object, if it may be stored."""
    wanted = read_new_object(await read_body(exchange.request, at_most=MAX_BODY_BYTES))

    bound = await exchange.in_thread(exchange.bind)
    plan = await exchange.at_archive(lambda: _plan(exchange, wanted, bound))
    if isinstance(plan, Refusal):
        return await exchange.refuse(plan, bound, action=Action.VIEW)
    # One judge for both questions: a study that was new at the first is new at the second.
    judge = StoreJudge(exchange.gate.freshness, exchange.scope, exchange.archive, bound.policy, {}, bound)
    ruling = await exchange.at_archive(lambda: judge.rule(plan.expected))
    if ruling.action is None:
        return await _refuse(exchange, bound, ruling, plan.expected)
    circumstances = exchange.circumstances(bound)
    (study,) = stored_objects([plan.expected])
    await exchange.record(circumstances.event(EventKind.STORE_BEGUN, study=study, reasons=ruling.reasons))
    answer = await _made(exchange, plan)
    actual = await _read(exchange, str(answer["ID"]))
    final = await exchange.at_archive(lambda: _settle(exchange, judge, actual))
    if final.action is None:
        return await _refuse(exchange, bound, final, actual)
    (study,) = stored_objects([actual])
    await exchange.record(circumstances.event(EventKind.INSTANCES_STORED, study=study, reasons=final.reasons))
    names = names_of(actual)
    path = f"/instances/{names['ID']}"
    return exchange.json({**names, "Path": path, "Status": str(answer.get("Status", "Success"))})


def _plan(exchange: OrthancExchange, wanted: NewObject, bound: Bound) -> _Plan | Refusal:
    """What to ask for, and what will come of it, or why the parent cannot be had."""
    if "SOPInstanceUID" in wanted.tags:
        raise RequestError("`SOPInstanceUID` is made by the archive: what is stored is never overwritten")
    if wanted.content is None and "SOPClassUID" not in wanted.tags:
        raise RequestError("field `Tags`: an object without `Content` says by `SOPClassUID` what it is")
    tags: dict[str, Any] = dict(wanted.tags)
    inherited: DicomJson = {}
    if wanted.parent is not None:
        parent = _parent(exchange, wanted.parent, bound)
        if isinstance(parent, Refusal):
            return parent
        inherited = parent
        if any(tag_of(name) in inherited for name in tags if name in {"PatientID", *_UIDS}):
            raise RequestError("the object has the identifiers of its parent, and no others")
    elif not wanted.flags.get("Force", False) and set(_UIDS) & set(tags):
        raise RequestError("fields `Tags`: identifiers are made by the archive, unless `Force` is said")
    if tag_of("StudyInstanceUID") not in inherited:
        tags.setdefault("StudyInstanceUID", new_uid())
    body = {**wanted.upstream(), "Tags": tags, "Force": True}
    return _Plan(msgspec.json.encode(body), _expected(inherited, tags))


def _parent(exchange: OrthancExchange, name: str, bound: Bound) -> DicomJson | Refusal:
    """What a child has from its parent.  Hidden and missing are the same refusal.

    Orthanc takes it from any instance of the parent, and the child may be shown where the parent is not.
    """
    gate = exchange.gate
    reach = exchange.reach_here(None, name, Action.VIEW, bound)
    if isinstance(reach, Refusal):
        return reach
    named = gate.names.resolve(exchange.scope, exchange.archive, None, name)
    if named is None or named.level not in _ABOVE:
        raise RequestError("field `Parent` must name a patient, study or series")
    if not is_all_of(reach, named.keys):
        return Refusal(Answer.FORBIDDEN, (Reason(ReasonCode.PARTLY_VISIBLE),), bound.revision, _NO_CHILD)
    if not common_mask(reach).hides_nothing:
        return Refusal(
            Answer.FORBIDDEN, (Reason(ReasonCode.OBLIGATION_UNSUPPORTED),), bound.revision, _NO_CHILD
        )
    header = to_json(next(iter(gate.archives[exchange.archive].headers(_first(reach)))))
    names = {name for level in _ABOVE[named.level] for name in MODULES[level]}
    kept = frozenset(map(tag_of, names - _below(named.level)))
    return {tag: element for tag, element in header.items() if tag in kept}


def _first(reach: Reach) -> ResourceKey:
    part = reach.parts[0]
    return part.key_of(part.instances[0])


def _below(level: Level) -> frozenset[str]:
    """Identifiers that a new child of this level has of its own."""
    own = {Level.PATIENT: _UIDS, Level.STUDY: _UIDS[1:], Level.SERIES: _UIDS[2:]}
    return frozenset(own[level])


def _expected(inherited: DicomJson, tags: dict[str, Any]) -> InstanceSummary:
    made_up = {keyword: new_uid() for keyword in _UIDS if tag_of(keyword) not in inherited}
    own = to_json(described({"SOPClassUID": _SECONDARY_CAPTURE, **made_up, **tags}))
    return summarise_json({**inherited, **own}, "")


async def _made(exchange: OrthancExchange, plan: _Plan) -> Mapping[str, Any]:
    request = OrthancRequest("POST", "/tools/create-dicom", body=plan.body, expected=ANSWERS)
    answer = await ask_made(exchange, request, at_most=MAX_ANSWER_BYTES)
    if "ID" not in answer:
        raise ArchiveError("the archive does not say what it made")
    return answer


async def _read(exchange: OrthancExchange, name: str) -> InstanceSummary:
    """What was made.  What cannot be read cannot be decided either, and is removed."""
    async with exchange.ask(OrthancRequest("GET", f"/instances/{name}/file")) as response:
        data = await response.read(MAX_PREVIEW_BYTES)
    try:
        return await exchange.in_thread(lambda: read_summary(data))
    except RequestError:
        async with exchange.ask(OrthancRequest("DELETE", f"/instances/{name}")) as response:
            await response.read(MAX_PREVIEW_BYTES)
        raise


def _settle(exchange: OrthancExchange, judge: StoreJudge, actual: InstanceSummary) -> Ruling:
    """Judge what is there now: it is in the index when this returns, or in neither archive nor index."""
    gate, scope, archive = exchange.gate, exchange.scope, exchange.archive
    ruling = judge.rule(actual)
    if ruling.action is None:
        key = ResourceKey(
            actual.study_instance_uid, actual.series_instance_uid, actual.sop_instance_uid, actual.patient_id
        )
        gate.archives[archive].delete(key)
        gate.index.remove(scope, archive, key)
    else:
        gate.freshness.look_again(scope, archive, actual.study_instance_uid)
    return ruling


async def _refuse(
    exchange: OrthancExchange, bound: Bound, ruling: Ruling, summary: InstanceSummary
) -> Response:
    return await exchange.refuse(
        Refusal(Answer.FORBIDDEN, ruling.reasons, bound.revision, NOT_STORED),
        bound,
        action=Action.STORE,
        study_instance_uid=summary.study_instance_uid,
    )
