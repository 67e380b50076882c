"""Jobs and queries belong to who started them: to everybody else they do not exist.

Called by the handlers of jobs and queries, and by those that start them.
"""

from starlette.responses import Response

from pacsgate.gateway.http import answers
from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import ArchiveError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import Level
from pacsgate.policy.engine import Bound
from pacsgate.ports.handles import HandleKind, OwnedHandle
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.services.owned_work import reach_again
from pacsgate.services.resolve import Reach, Refusal
from pacsgate.services.united_reach import keys_at


async def remember(
    exchange: OrthancExchange, kind: HandleKind, handle: str, reached: Reached | None = None
) -> None:
    """Keep whose a new handle is, and what was decided for it."""
    owned = OwnedHandle(
        archive=exchange.archive,
        kind=kind,
        handle=handle,
        subject=exchange.subject.name,
        action=None if reached is None else reached.reach.action,
        keys=() if reached is None else keys_at(reached.reach, Level.INSTANCE),
        started_at=exchange.context.now,
    )
    await exchange.in_thread(lambda: exchange.gate.handles.add(exchange.scope, owned))


async def remember_answer(
    exchange: OrthancExchange, kind: HandleKind, answer: object, reached: Reached | None = None
) -> str:
    """Keep the handle that Orthanc's answer names, and return it.  Raises `ArchiveError`."""
    handle = answer.get("ID") if isinstance(answer, dict) else None
    if not isinstance(handle, str):
        raise ArchiveError("the archive started something and did not say what")
    await remember(exchange, kind, handle, reached)
    return handle


async def own(exchange: OrthancExchange, kind: HandleKind, handle: str | None) -> OwnedHandle | Response:
    """What the subject has started under this name, or the recorded refusal.

    Who holds `JobAdminister` owns every job.
    """

    def work() -> tuple[Bound, OwnedHandle | None]:
        return exchange.bind(), exchange.gate.handles.find(
            exchange.scope, exchange.archive, kind, handle or ""
        )

    bound, found = await exchange.in_thread(work)
    if found is not None and found.subject == exchange.subject.name:
        return found
    if kind is HandleKind.JOB and Permission.JOB_ADMINISTER in bound.permissions:
        return found or OwnedHandle(exchange.archive, kind, handle or "", "", None, (), exchange.context.now)
    code = ReasonCode.NOT_FOUND if found is None else ReasonCode.NOT_VISIBLE
    await exchange.record(exchange.circumstances(bound).denial((Reason(code),), details={"kind": kind.value}))
    return answers.not_found()


async def own_among(exchange: OrthancExchange, kind: HandleKind, path: str) -> tuple[str, ...]:
    """Which of the handles that the archive lists there the subject has started; its others are forgotten."""

    def started() -> tuple[bool, frozenset[str]]:
        permissions = exchange.bind().permissions
        mine = exchange.gate.handles.started(exchange.scope, exchange.archive, kind, exchange.subject.name)
        return kind is HandleKind.JOB and Permission.JOB_ADMINISTER in permissions, frozenset(mine)

    # In this order: what is started in between is in the archive's list only, and is not forgotten.
    everybodys, mine = await exchange.in_thread(started)
    answer = await exchange.ask_json(OrthancRequest("GET", path))
    if not isinstance(answer, list):
        raise ArchiveError("the archive answered with what is no list")
    held = tuple(each for each in answer if isinstance(each, str))
    gone = mine.difference(held)
    if gone:
        await exchange.in_thread(
            lambda: exchange.gate.handles.forget(exchange.scope, exchange.archive, kind, gone)
        )
    return held if everybodys else tuple(handle for handle in held if handle in mine)


async def allowed_again(exchange: OrthancExchange, owned: OwnedHandle) -> Reached | Response:
    """What was decided when the work was started, decided now, or the recorded refusal."""

    def work() -> tuple[Bound, Reach | Refusal]:
        bound = exchange.bind()
        return bound, reach_again(exchange.gate.resolver, exchange.scope, owned, bound)

    bound, found = await exchange.at_archive(work)
    if isinstance(found, Refusal):
        return await exchange.refuse(found, bound, action=owned.action)
    return Reached(found, exchange.circumstances(bound))
