"""`/admin/tenancy/pacs/…`: one PACS, its agent and dead letters; PACSes registered and unregistered.

Called by `routes`.
"""

from datetime import timedelta

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.forms import Form
from pacsgate.admin.console.tenancy.desk import HOME, TenancyDesk, Turn, pacs_path
from pacsgate.admin.console.tenancy.inputs import Input, filled_in
from pacsgate.model.errors import RequestError
from pacsgate.model.pacs_operation import PacsKind
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName
from pacsgate.ports.tenants import PacsRecord

_PACS = f"{HOME}/pacs/{{pacs}}"
_SECRET_LASTS = timedelta(days=365)
_UNSEEN = {"autocomplete": "off"}
_INPUTS = (
    Input(
        "pacs", "Id", hint="Letters, digits, - and _.", required=True, attributes={"maxlength": 63, **_UNSEEN}
    ),
    Input("name", "Name", hint="What people call it.", attributes={"maxlength": 200}),
    Input("kind", "Kind", options=tuple((kind.value, kind.value) for kind in PacsKind), value=PacsKind.DOORS),
    Input(
        "agent", "Account of its agent", hint="Made if it is not there.", required=True, attributes=_UNSEEN
    ),
)


def pacs_routes(desk: TenancyDesk) -> list[Route]:
    """The routes."""
    return [
        Route(f"{HOME}/register", desk.page(show_new), methods=["GET"]),
        Route(f"{HOME}/register", desk.form(register, show_new), methods=["POST"]),
        Route(_PACS, desk.page(show), methods=["GET"]),
        Route(f"{_PACS}/secret", desk.form(issue_secret, show), methods=["POST"]),
        Route(f"{_PACS}/unregister", desk.form(unregister, show), methods=["POST"]),
        Route(f"{_PACS}/letters/{{message}}", desk.form(queue_again, show), methods=["POST"]),
    ]


def show(turn: Turn) -> Response:
    """One PACS."""
    warrant = turn.need(Permission.PACS_GET, turn.pacs)
    letters = turn.desk.letters
    may_update = turn.may(Permission.PACS_UPDATE, turn.pacs)
    dead = letters.dead(turn.need(Permission.PACS_UPDATE, turn.pacs)) if may_update else ()
    return turn.render(
        "pacs.html",
        pacs=warrant.at(),
        depth=letters.depth(warrant),
        agents=letters.agents(warrant),
        dead=dead,
        may_update=may_update,
        may_unregister=turn.may(Permission.PACS_UNREGISTER),
        tabs=tabs(turn, ""),
    )


def show_new(turn: Turn) -> Response:
    """A form for a new one."""
    turn.need(Permission.PACS_REGISTER)
    return turn.render("register.html", form=filled_in(_INPUTS, turn))


def register(turn: Turn, form: Form) -> Response:
    """Register it, and show the secret of its agent, once."""
    warrant = turn.need(Permission.PACS_REGISTER)
    name, kind = form["pacs"].strip(), form["kind"]
    if kind not in set(PacsKind):
        raise RequestError("choose what the PACS is")
    new = PacsRecord(
        ArchiveName(name), form["name"].strip() or name, PacsKind(kind), form["agent"].strip() or None
    )
    record = turn.desk.pacses().register(warrant.change(), new)
    if not turn.may(Permission.PACS_UPDATE, record.pacs):
        return turn.render("secret.html", pacs=record, client_id="", secret="")
    return _secret_page(turn, record.pacs)


def issue_secret(turn: Turn, _form: Form) -> Response:
    """Make another secret for its agent, and show it, once."""
    return _secret_page(turn, turn.pacs)


def unregister(turn: Turn, _form: Form) -> str:
    """Forget it."""
    warrant = turn.need(Permission.PACS_UNREGISTER)
    turn.desk.pacses().unregister(warrant.change(), turn.pacs)
    return f"{HOME}?done=unregistered"


def queue_again(turn: Turn, _form: Form) -> str:
    """Let a dead letter begin anew."""
    turn.desk.letters.queue_again(turn.need(Permission.PACS_UPDATE, turn.pacs), turn["message"])
    return f"{pacs_path(turn.pacs)}?done=queued"


def tabs(turn: Turn, here: str) -> list[tuple[str, str, bool]]:
    """The pages of one PACS that the visitor may see."""
    shown = (
        ("", "PACS", turn.may(Permission.PACS_GET, turn.pacs)),
        ("/visits", "Visits", turn.may_ask("VisitList")),
        ("/identities", "Identities", turn.may_ask("IdentityList")),
        ("/units", "Access units", turn.may_ask("AccessUnitList")),
        (
            "/roles",
            "Roles",
            turn.may(Permission.ROLE_LIST_ASSIGNMENTS) and turn.may(Permission.PACS_GET, turn.pacs),
        ),
    )
    return [(f"{pacs_path(turn.pacs)}{path}", label, path == here) for path, label, may in shown if may]


def _secret_page(turn: Turn, pacs: ArchiveName) -> Response:
    warrant = turn.need(Permission.PACS_UPDATE, pacs)
    issued = turn.desk.secrets.issue(warrant, turn.visitor.now + _SECRET_LASTS)
    client_id = f"{warrant.scope.tenant}/{issued.record.user}"
    return turn.render("secret.html", pacs=warrant.at(), client_id=client_id, secret=issued.text)
