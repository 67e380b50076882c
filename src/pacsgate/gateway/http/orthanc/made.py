"""One order to make new objects of stored ones, carried out: judged, recorded, made, indexed, judged again.

Sources that are not to be kept are removed by the gate, when what was made of them may stay.

Called by the handlers that modify, split and merge.

Invariants:
- nothing is made of which the preview was refused; nothing stays that the policy would not have let in;
- what was made is in the index, with the labels of its source, before the answer, also what joined another
  study.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from starlette.responses import Response

from pacsgate.dicom.summarise import read_summary
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.owned import remember_answer
from pacsgate.gateway.http.orthanc.reaching import instance_name, refuse_reached
from pacsgate.gateway.http.orthanc.recording import recorded_change
from pacsgate.gateway.http.orthanc.relay import ANSWERS, ask_made, require_made
from pacsgate.gateway.http.orthanc.results import (
    held_where,
    index_made,
    made_from,
    may_stay,
    remove_made,
    results_in,
)
from pacsgate.model.actions import Action
from pacsgate.model.decision import ReasonCode
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.policy.engine import Bound
from pacsgate.ports.handles import HandleKind
from pacsgate.ports.orthanc import JOB_SECONDS, OrthancRequest
from pacsgate.protocols.orthanc.allowed_fields import only
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.services.judge_made import MadeJudge, renamed
from pacsgate.services.judge_store import Ruling
from pacsgate.services.resolve import Answer, Part, Refusal
from pacsgate.services.united_reach import keys_at, largest_keys

NOT_STORED = "this account may not store what would come of it"
MAX_PREVIEW_BYTES = 512 * 1024 * 1024
"""Of one object, the smallest of its part, while it is looked at."""
MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""Of what Orthanc says it made: every instance by name."""
_ANSWER = (
    "Description",
    "FailedInstancesCount",
    "ID",
    "InstancesCount",
    "IsAnonymization",
    "Path",
    "PatientID",
    "Resources",
    "TargetStudy",
    "TargetStudyUID",
    "Type",
)


@dataclass(frozen=True, slots=True)
class Preview:
    """How to ask Orthanc what one object would become.

    `place` tells the StudyInstanceUID and SeriesInstanceUID under which what a part becomes will be; `None`
    is one that nobody has yet.
    """

    operation: str
    """`modify` or `anonymize`."""
    body: Mapping[str, Any]
    place: Callable[[Part], tuple[str | None, str | None]]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made.  `tell` makes the client's answer of Orthanc's."""

    request: OrthancRequest
    asynchronous: bool
    keeps_source: bool
    tell: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict


async def carry_out(
    exchange: OrthancExchange,
    found: OrthancMatch,
    reached: tuple[Reached, ...],
    order: Order,
    held: frozenset[ResourceKey],
) -> Response:
    """Carry out an order on everything in the first reach; the second, if there is one, is what to remove.

    `held` are the studies that there were before and that may get more.
    """
    source = reached[0]
    details = {"source": "kept" if order.keeps_source else "removed"}
    async with recorded_change(exchange, source, found, **details):
        request = replace(order.request, patience_seconds=JOB_SECONDS)
        answer = await ask_made(exchange, request, at_most=MAX_ANSWER_BYTES)
    if order.asynchronous:
        # The last reach is that for the strongest action: the job is asked again about it when it goes on.
        handle = await remember_answer(exchange, HandleKind.JOB, answer, reached[-1])
        return exchange.json({"ID": handle, "Path": f"/jobs/{handle}"})
    made = await exchange.at_archive(lambda: index_made(exchange, results_in(answer)))
    fresh = await exchange.at_archive(lambda: made_from(exchange, source.reach, made - held))
    if not await exchange.at_archive(lambda: may_stay(exchange, fresh)):
        await remove_made(exchange, source, fresh)
        return await refuse_reached(exchange, source, ReasonCode.NO_PERMIT, NOT_STORED)
    # Where some objects could not be made (`Permissive`), their sources are all that there is of them.
    for removed in () if answer.get("FailedInstancesCount") else reached[1:]:
        await exchange.at_archive(lambda removed=removed: _remove(exchange, removed, made))  # type: ignore[misc]
    return exchange.json(only(order.tell(answer), _ANSWER))


async def judge(
    exchange: OrthancExchange, reached: Reached, preview: Preview
) -> frozenset[ResourceKey] | Response:
    """Which studies there are already where objects will come to, or the recorded refusal."""
    expected: list[tuple[Part, InstanceSummary]] = []
    for part in reached.reach.parts:
        smallest = min(part.instances, key=lambda instance: instance.size or 0)
        name = instance_name(part, smallest.sop_instance_uid)
        body = msgspec.json.encode(preview.body)
        request = OrthancRequest(
            "POST", f"/instances/{name}/{preview.operation}", body=body, expected=ANSWERS
        )
        async with exchange.ask(request) as answer:
            require_made(answer)
            data = await answer.read(MAX_PREVIEW_BYTES)
        study_uid, series_uid = preview.place(part)
        summary = await exchange.in_thread(lambda data=data: read_summary(data))  # type: ignore[misc]
        expected.append((part, renamed(summary, study_uid or new_uid(), series_uid or new_uid())))

    def work() -> tuple[Bound, list[Ruling], frozenset[ResourceKey]]:
        bound = exchange.bind()
        made_judge = MadeJudge(exchange.gate.freshness, exchange.scope, exchange.archive, bound)
        rulings = [made_judge.rule(made, part.study) for part, made in expected]
        return bound, rulings, held_where(exchange, [made for _, made in expected])

    bound, rulings, held = await exchange.at_archive(work)
    refused = next((ruling for ruling in rulings if ruling.action is None), None)
    if refused is None:
        # Before anything comes: what keeps a labelled study from somebody must keep its copy from him too.
        joining = [(part.study.study_instance_uid, made.study_instance_uid) for part, made in expected]
        await exchange.in_thread(lambda: inherit(exchange, reached, joining))
        return held
    return await exchange.refuse(
        Refusal(Answer.FORBIDDEN, refused.reasons, bound.revision, NOT_STORED), bound, action=Action.STORE
    )


def inherit(exchange: OrthancExchange, source: Reached, joining: Iterable[tuple[str, str]]) -> None:
    """Give each study that gets more what that comes from has: pairs of source and target, by UID."""
    sources: dict[str, set[str]] = {}
    for of, uid in joining:
        if of != uid and exchange.gate.index.studies(exchange.scope, exchange.archive, uid):
            sources.setdefault(uid, set()).add(of)
    for uid, every in sources.items():
        exchange.gate.labels.inherit(exchange.scope, exchange.archive, every, uid, source.circumstances.actor)


def new_uid() -> str:
    """A UID that nothing has yet (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"


def _remove(exchange: OrthancExchange, removed: Reached, made: Iterable[ResourceKey]) -> None:
    """Remove the sources, instance by instance where something new stands beside them."""
    new = {key.study_instance_uid for key in made}
    beside = any(study.study_instance_uid in new for study in removed.reach.studies)
    keys = keys_at(removed.reach, Level.INSTANCE) if beside else largest_keys(removed.reach)
    exchange.gate.delete.remove(exchange.scope, exchange.archive, keys, removed.reach, removed.circumstances)
