"""merge and split: series come into another study, or become a study of their own.

Merged series will say of their study what the target says, so they are decided like an upload into it, and
the target gets the labels of their sources before anything comes.  A split is asked from Orthanc as the
modification that it is: of a modified study it remembers the source, of one that was split off it does
not (1.10.1), and labels are inherited from what it remembers.

Called by `door`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from pacsgate.gateway.http import answers
from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.made import NOT_STORED, Order, Preview, carry_out, inherit, judge, new_uid
from pacsgate.gateway.http.orthanc.reaching import MAX_LIST_BYTES, reach_each, reach_path
from pacsgate.gateway.http.orthanc.relay import ANSWERS
from pacsgate.model.actions import Action
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.policy.engine import Bound
from pacsgate.ports import StudyEntry
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.modify_body import Split, read_merge, read_split
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.services.judge_made import MadeJudge
from pacsgate.services.judge_store import Ruling
from pacsgate.services.resolve import Answer, Refusal
from pacsgate.services.united_reach import keys_at

_UIDS = frozenset({"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"})


async def split(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Make series and instances of the study in the path a study of their own."""
    wanted = read_split(await read_body(exchange.request, at_most=MAX_LIST_BYTES))
    if _UIDS.intersection(wanted.replace):
        raise RequestError("field `Replace`: the UIDs of what is split off are made by the archive")
    outcome = await _both(exchange, found, (*wanted.series, *wanted.instances), keeps=wanted.keep_source)
    if isinstance(outcome, Response):
        return outcome
    whole, *parts = outcome
    if not _names(parts[0].reach.studies) <= _names(whole.reach.studies):
        return answers.not_found()
    uid = new_uid()
    body = _as_modification(wanted, uid)
    alone = {name: value for name, value in body.items() if name not in {"Level", "Resources"}}
    held = await judge(exchange, parts[0], Preview("modify", alone, lambda _: (uid, None)))
    if isinstance(held, Response):
        return held
    order = Order(
        OrthancRequest("POST", "/tools/bulk-modify", body=msgspec.json.encode(body), expected=ANSWERS),
        asynchronous=wanted.job.asynchronous,
        keeps_source=wanted.keep_source,
        tell=lambda answer: _as_split(answer, uid),
    )
    return await carry_out(exchange, found, tuple(parts), order, held)


async def merge(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Let what the body names become part of the study in the path."""
    wanted = read_merge(await read_body(exchange.request, at_most=MAX_LIST_BYTES))
    outcome = await _both(exchange, found, wanted.resources, keeps=wanted.keep_source)
    if isinstance(outcome, Response):
        return outcome
    whole, *parts = outcome
    (target,) = whole.reach.studies
    if _names(parts[0].reach.studies) & _names([target]):
        raise RequestError("field `Resources` names something that is part of the study already")

    def work() -> tuple[Bound, Ruling]:
        bound = exchange.bind()
        made_judge = MadeJudge(exchange.gate.freshness, exchange.scope, exchange.archive, bound)
        return bound, made_judge.may_join(parts[0].reach.parts, target)

    bound, ruling = await exchange.at_archive(work)
    if ruling.action is None:
        refusal = Refusal(Answer.FORBIDDEN, ruling.reasons, bound.revision, NOT_STORED)
        return await exchange.refuse(refusal, bound, action=Action.APPEND)
    joining = [(study.study_instance_uid, target.study_instance_uid) for study in parts[0].reach.studies]
    await exchange.in_thread(lambda: inherit(exchange, parts[0], joining))
    body = wanted.upstream(wanted.resources)
    if not wanted.job.asynchronous:
        body["KeepSource"] = True  # the gate removes the source when all is well
    order = Order(
        OrthancRequest("POST", found.path, body=msgspec.json.encode(body), expected=ANSWERS),
        asynchronous=wanted.job.asynchronous,
        keeps_source=wanted.keep_source,
    )
    return await carry_out(exchange, found, tuple(parts), order, frozenset(keys_at(whole.reach, Level.STUDY)))


async def _both(
    exchange: OrthancExchange, found: OrthancMatch, names: tuple[str, ...], *, keeps: bool
) -> tuple[Reached, ...] | Response:
    """The whole study in the path, then what the body names, for every action that it needs."""
    whole = await reach_path(exchange, found)
    if isinstance(whole, Response):
        return whole
    actions = (Action.UPDATE,) if keeps else (Action.UPDATE, Action.DELETE)
    outcome = await reach_each(exchange, names, *actions)
    return outcome if isinstance(outcome, Response) else (whole, *outcome)


def _names(studies: Iterable[StudyEntry]) -> frozenset[tuple[str, str]]:
    return frozenset((study.study_instance_uid, study.patient_id) for study in studies)


def _as_modification(wanted: Split, uid: str) -> dict[str, Any]:
    return {
        "Resources": [*wanted.series, *wanted.instances],
        "Level": "Study",
        "Replace": {**wanted.replace, "StudyInstanceUID": uid},
        "Remove": list(wanted.remove),
        "Force": True,
        "KeepSource": wanted.keep_source or not wanted.job.asynchronous,
        **wanted.job.upstream(),
    }


def _as_split(answer: Mapping[str, Any], uid: str) -> dict[str, Any]:
    studies = [each["ID"] for each in answer["Resources"] if each["Type"] == "Study"]
    kept = {name: answer[name] for name in ("Description", "FailedInstancesCount", "InstancesCount")}
    return {**kept, "TargetStudy": studies[0], "TargetStudyUID": uid}
