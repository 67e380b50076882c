"""What came of something that took longer than a page waits: on its way, done, refused or not done.

While it is on its way the page asks for itself again, without a script, for some minutes; then it waits for
somebody to look, for a page that asked for ever would keep a session alive that nobody uses.

Called by `routes`.

Invariants:
- what a result holds is told to whoever asked for it, and a secret once.

Standard: WCAG 2.2 2.2.2 (what updates by itself can be stopped).
"""

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.forms import local_path
from pacsgate.admin.console.tenancy.desk import HOME, TenancyDesk, Turn, is_outage, pacs_path
from pacsgate.model.permission import Permission
from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.ports.pacs_queue import AgentSighting

SECONDS = 5
"""Between two looks."""
MOST_LOOKS = 60
_ADVICE: Mapping[int, str] = {
    403: "Whoever owns your role can say why, or ask for what is missing.",
    404: "It may have been removed meanwhile: look at the list.",
    409: "Look at how it is now, and ask again if it is still wanted.",
    501: "The page of the PACS says what its agent can do.",
}
_ADVICE_ON_REQUESTS = "Go back, change what was asked for, and send it again."
_ADVICE_ON_OUTAGES = "Whoever looks after the PACS finds it among its dead letters and can queue it again."


def result_routes(desk: TenancyDesk) -> list[Route]:
    """The routes."""
    return [Route(f"{HOME}/pacs/{{pacs}}/results/{{message}}", desk.page(show), methods=["GET"])]


def show(turn: Turn) -> Response:
    """The result, or that there is none yet."""
    caller, path = turn.visitor.caller, turn.visitor.request.url.path
    outcome = turn.desk.results.of(caller, caller.subject.tenant, turn.pacs, turn["message"])
    body = outcome.body if outcome is not None and isinstance(outcome.body, dict) else {}
    then = local_path(turn.asked("then") or pacs_path(turn.pacs))
    looks = _looks(turn)
    is_looking = outcome is None and looks < MOST_LOOKS
    response = turn.render(
        "result.html",
        outcome=outcome,
        body=body,
        title="" if outcome is None else _title(outcome),
        advice="" if outcome is None else _advice(outcome),
        then=then,
        again=_address(path, then, 0),
        still=_address(path, then, MOST_LOOKS),
        is_looking=is_looking,
        agents=_agents(turn) if outcome is None else (),
    )
    if is_looking:
        response.headers["Refresh"] = f"{SECONDS}; url={_address(path, then, looks + 1)}"
    return response


def _address(path: str, then: str, looks: int) -> str:
    return f"{path}?{urlencode({'then': then, 'looks': looks})}"


def _looks(turn: Turn) -> int:
    text = turn.asked("looks")
    return min(int(text), MOST_LOOKS) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _agents(turn: Turn) -> tuple[AgentSighting, ...]:
    if not turn.may(Permission.PACS_GET, turn.pacs):
        return ()
    return turn.desk.letters.agents(turn.need(Permission.PACS_GET, turn.pacs))


def _title(outcome: Outcome) -> str:
    if outcome.status < HTTPStatus.BAD_REQUEST:
        return "Done"
    return "Not done" if is_outage(outcome) else "Refused"


def _advice(outcome: Outcome) -> str:
    if outcome.status < HTTPStatus.BAD_REQUEST:
        return ""
    return _ADVICE.get(outcome.status, _ADVICE_ON_OUTAGES if is_outage(outcome) else _ADVICE_ON_REQUESTS)
