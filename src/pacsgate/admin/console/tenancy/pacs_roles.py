"""`/admin/tenancy/pacs/…/roles`: who has which role at a PACS, assigned and taken away.

Beside them stands who governs it without being named there: by a role in the whole tenant.

Called by `routes`; calls `ManagedAssignments`.
"""

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.api.paging import page
from pacsgate.admin.console.admin.desk import instant, next_page
from pacsgate.admin.console.forms import Form
from pacsgate.admin.console.tenancy.desk import HOME, TenancyDesk, Turn, pacs_path
from pacsgate.admin.console.tenancy.inputs import Input, at, filled_in
from pacsgate.admin.console.tenancy.pacs_pages import tabs
from pacsgate.model.built_in_roles import NEVER_ASSIGNED, PACS_ADMINISTRATOR
from pacsgate.model.permission import Permission
from pacsgate.model.permission_levels import LEVELS, PermissionLevel
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.policy.policy import Policy
from pacsgate.services.managed_assignments import Given

_ROLES = f"{HOME}/pacs/{{pacs}}/roles"
_SEE, _ASSIGN = Permission.ROLE_LIST_ASSIGNMENTS, Permission.ROLE_ASSIGN
_TAKE = Permission.ROLE_ASSIGNMENT_REMOVE
_ROWS = 50


def role_routes(desk: TenancyDesk) -> list[Route]:
    """The routes."""
    return [
        Route(_ROLES, desk.page(show), methods=["GET"]),
        Route(_ROLES, desk.form(assign, show), methods=["POST"]),
        Route(f"{_ROLES}/take", desk.form(take, show), methods=["POST"]),
    ]


def show(turn: Turn) -> Response:
    """Who has what."""
    record = turn.need(Permission.PACS_GET, turn.pacs).at()
    mandate = turn.need_over_people(_SEE)
    here, path = turn.desk.assignments.at(mandate, turn.pacs), f"{pacs_path(turn.pacs)}/roles"
    shown = page(here, _order_of, _ROWS, turn.asked("cursor") or None)
    everywhere = turn.desk.assignments.at(mandate, None)
    return turn.render(
        "pacs_roles.html",
        pacs=record,
        here=path,
        given=[(each, each.assignment.is_live(turn.visitor.now)) for each in shown.rows],
        before=path if turn.asked("cursor") else "",
        after=next_page(path, {}, shown.next),
        governors=[each for each in everywhere if _governs(mandate.policy, each.assignment)],
        never=NEVER_ASSIGNED,
        may_assign=turn.may(_ASSIGN),
        may_take=turn.may(_TAKE),
        form=filled_in(_inputs(turn) if turn.may(_ASSIGN) else (), turn),
        tabs=tabs(turn, "/roles"),
    )


def assign(turn: Turn, form: Form) -> str:
    """Give a role at this PACS, for a time or for good."""
    mandate = turn.need_over_people(_ASSIGN)
    turn.desk.assignments.assign(
        mandate,
        form["role"],
        form["account"].strip(),
        turn.pacs,
        instant(form, "starts"),
        instant(form, "until"),
    )
    return f"{pacs_path(turn.pacs)}/roles?done=assigned"


def take(turn: Turn, form: Form) -> str:
    """Take one away."""
    turn.desk.assignments.take(turn.need_over_people(_TAKE), form["role"], form["assignment"])
    return f"{pacs_path(turn.pacs)}/roles?done=unassigned"


def _inputs(turn: Turn) -> tuple[Input, ...]:
    mandate = turn.need_over_people(_ASSIGN)
    known = turn.desk.assignments.roles.roles(mandate)
    roles = tuple((each.role.name, each.role.name) for each in known if each.role.name not in NEVER_ASSIGNED)
    return (
        Input("account", "Account", required=True, attributes={"autocomplete": "off"}),
        Input("role", "Role", required=True, options=roles, value=PACS_ADMINISTRATOR),
        at("starts", "From"),
        at("until", "Until"),
    )


def _governs(policy: Policy, given: Assignment) -> bool:
    """Whether it holds everywhere, and carries what is of effect at a PACS."""
    role = policy.roles.get(given.role)
    if role is None or given.scope != AssignmentScope():
        return False
    return any(LEVELS[each] is PermissionLevel.PACS for each in role.permissions)


def _order_of(given: Given) -> str:
    return f"{given.user}\0{given.assignment.role}\0{given.assignment_id}"
