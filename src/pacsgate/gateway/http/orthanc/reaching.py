"""From names in a path or body of the Orthanc dialect to what may be touched, or to the recorded refusal.

Called by the handlers of bytes and changes.

Invariants:
- of many names, one that is refused refuses all, with the answer that it alone would get.
"""

from collections.abc import Sequence

from starlette.responses import Response

from pacsgate.gateway.http import answers
from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.named_studies import NamedStudy, note_studies
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.model.actions import Action
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.policy.engine import Bound
from pacsgate.protocols.orthanc.identifiers import is_orthanc_id, orthanc_id
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.services.resolve import Answer, Part, Reach, Refusal
from pacsgate.services.united_reach import is_all_of, united

MOST_NAMES = 10_000
"""In one body: each is looked up and decided by itself."""
MAX_LIST_BYTES = 4 * 1024 * 1024
"""Of a body that names resources: more than `MOST_NAMES` identifiers with whatever else it says."""


def action_of(found: OrthancMatch) -> Action:
    """The action that a row needs.  An export needs `retrieve` too; that, the engine adds by itself."""
    needed = found.route.needs.actions
    (action,) = needed - {Action.RETRIEVE} or needed
    return action


def name_of(found: OrthancMatch) -> tuple[Level, str]:
    """The level and the identifier in the path.  Raises `RequestError` for a row that names nothing."""
    if found.orthanc_id is None or found.level is None:
        raise RequestError("the path names no resource")
    return found.level, found.orthanc_id


async def reach_path(exchange: OrthancExchange, found: OrthancMatch) -> Reached | Response:
    """What the path names, for the action that its row needs."""
    return await exchange.reach_named(*name_of(found), action_of(found))


async def reach_each(
    exchange: OrthancExchange, names: Sequence[str], *actions: Action, level: Level | None = None
) -> tuple[Reached, ...] | Response:
    """What many names lead to, united, once for each action.  Raises `RequestError` for none or too many."""
    distinct = tuple(dict.fromkeys(names))
    if not distinct:
        raise RequestError("the request names no resource")
    if len(distinct) > MOST_NAMES:
        raise RequestError(f"the request names more than {MOST_NAMES} resources", status=413)

    def work() -> tuple[Bound, tuple[Reach, ...] | tuple[Refusal, Action]]:
        bound = exchange.bind()
        reaches: list[Reach] = []
        for action in actions:
            found: list[Reach] = []
            for name in distinct:
                reach = (
                    exchange.reach_here(level, name, action, bound)
                    if is_orthanc_id(name)
                    else Refusal(Answer.NOT_FOUND, (Reason(ReasonCode.NOT_FOUND),), bound.revision)
                )
                if isinstance(reach, Refusal):
                    return bound, (reach, action)
                found.append(reach)
            reaches.append(united(found))
        return bound, tuple(reaches)

    bound, outcome = await exchange.at_archive(work)
    if isinstance(outcome[0], Refusal):
        refusal, action = outcome
        return await exchange.refuse(refusal, bound, action=action)
    circumstances = exchange.circumstances(bound)
    note_studies(
        exchange.request,
        *(
            NamedStudy(exchange.scope, exchange.archive, study.study_instance_uid)
            for study in outcome[0].studies
        ),
    )
    return tuple(Reached(reach, circumstances) for reach in outcome)


async def is_whole(exchange: OrthancExchange, found: OrthancMatch, reached: Reached) -> bool:
    """Whether all of what the path names is in reach, and nothing of it hidden."""
    level, name = name_of(found)
    if level is Level.INSTANCE:
        return True
    named = await exchange.at_archive(
        lambda: exchange.gate.orthanc_reach.names.resolve(exchange.scope, exchange.archive, level, name)
    )
    return named is not None and is_all_of(reached.reach, named.keys)


async def refuse_masked(exchange: OrthancExchange, reached: Reached) -> Response | None:
    """The recorded refusal where Orthanc would show what a mask hides; `None` if nothing is hidden."""
    if all(part.mask.hides_nothing for part in reached.reach.parts):
        return None
    return await refuse_reached(
        exchange,
        reached,
        ReasonCode.OBLIGATION_UNSUPPORTED,
        "attributes are hidden from this account here, and the archive cannot leave them out of this",
    )


async def refuse_reached(
    exchange: OrthancExchange, reached: Reached, code: ReasonCode, message: str | None = None
) -> Response:
    """Record and answer a 403 about something that the subject may know."""
    reach = reached.reach
    await exchange.record(
        reached.circumstances.denial(
            (Reason(code),), action=reach.action, study_instance_uid=reach.studies[0].study_instance_uid
        )
    )
    return answers.refusal(Refusal(Answer.FORBIDDEN, (Reason(code),), reach.revision, message))


async def hide_reached(exchange: OrthancExchange, reached: Reached, code: ReasonCode) -> Response:
    """Record a denial and answer it like what is missing: more would tell that something is hidden."""
    await refuse_reached(exchange, reached, code)
    return answers.not_found()


def instance_names(reach: Reach) -> list[str]:
    """Orthanc's name of each instance in reach, computed: what is asked for is exactly what was decided."""
    return [
        instance_name(part, instance.sop_instance_uid) for part in reach.parts for instance in part.instances
    ]


def instance_name(part: Part, sop_instance_uid: str) -> str:
    """Orthanc's name of one instance."""
    study = part.study
    return orthanc_id(
        study.patient_id, study.study_instance_uid, part.series.series_instance_uid, sop_instance_uid
    )
