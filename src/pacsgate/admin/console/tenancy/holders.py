"""Identities and visits of a PACS: listed, made, and one with its credentials and access units.

Both are holders of access and have the same pages; a visit is checked in and out besides.

Called by `routes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.admin.desk import instant
from pacsgate.admin.console.forms import Form
from pacsgate.admin.console.tenancy.desk import FORMATS, HOME, TenancyDesk, Turn, pacs_path
from pacsgate.admin.console.tenancy.pacs_pages import tabs
from pacsgate.model.access import VisitState
from pacsgate.model.errors import RequestError
from pacsgate.model.extension_fields import ExtensionFields
from pacsgate.model.permission import Permission
from pacsgate.ports.tenants import TenantRecord

_FIELD = "field."
"""What the inputs of extension fields begin with."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of holder: how its operations, paths and members are called."""

    operation: str
    path: str
    one: str
    rows: str

    @property
    def member(self) -> str:
        return f"{self.one}Id"


IDENTITY = _Kind("Identity", "identities", "identity", "identities")
VISIT = _Kind("Visit", "visits", "visit", "visits")
_STEPS = {
    "check-in": ("VisitCheckIn", "checked-in"),
    "check-out": ("VisitCheckOut", "checked-out"),
}


def holder_routes(desk: TenancyDesk) -> list[Route]:
    """The routes."""
    return [route for kind in (IDENTITY, VISIT) for route in _Holders(kind).routes(desk)]


@dataclass(frozen=True, slots=True)
class _Holders:
    kind: _Kind

    def routes(self, desk: TenancyDesk) -> list[Route]:
        """The routes of one kind."""
        every = f"{HOME}/pacs/{{pacs}}/{self.kind.path}"
        one = f"{every}/{{holder}}"
        return [
            Route(every, desk.page(self.show_all), methods=["GET"]),
            Route(every, desk.form(self.make, self.show_all), methods=["POST"]),
            Route(one, desk.page(self.show), methods=["GET"]),
            Route(f"{one}/remove", desk.form(self.remove, self.show), methods=["POST"]),
            Route(f"{one}/credentials", desk.form(self.give, self.show), methods=["POST"]),
            Route(f"{one}/credentials/{{credential}}", desk.form(self.take, self.show), methods=["POST"]),
            Route(f"{one}/open", desk.form(self.open, self.show), methods=["POST"]),
            Route(f"{one}/close", desk.form(self.close, self.show), methods=["POST"]),
            *(
                Route(f"{one}/{step}", desk.form(self.step, self.show), methods=["POST"])
                for step in _steps(self.kind)
            ),
        ]

    def show_all(self, turn: Turn) -> Response:
        """Every one, or those in one state or of one day."""
        warrant = turn.need(Permission(f"{self.kind.operation}List"), turn.pacs)
        state, day = turn.asked("state"), turn.asked("day")
        body = turn.ask(f"{self.kind.operation}List", rows=True)
        rows = [row for row in body[self.kind.rows] if _is_wanted(row, state, day)]
        return turn.render(
            f"{self.kind.path}.html",
            pacs=warrant.at(),
            rows=rows,
            has_more=body["next"] is not None,
            state=state,
            day=day,
            states=[each.value for each in VisitState],
            may_make=turn.may_ask(f"{self.kind.operation}Create"),
            fields=self._fields(turn),
            tabs=tabs(turn, f"/{self.kind.path}"),
        )

    def show(self, turn: Turn) -> Response:
        """One, with what it holds."""
        kind, ids = self.kind.operation, {self.kind.one: turn["holder"]}
        warrant = turn.need(Permission(f"{kind}Get"), turn.pacs)
        holder = {"state": "", "host": "", **turn.ask(f"{kind}Get", ids)}
        opened = [row["accessUnitId"] for row in turn.rows(f"{kind}AccessUnitList", "accessUnits", ids)]
        units = turn.rows("AccessUnitList", "accessUnits")
        return turn.render(
            "holder.html",
            pacs=warrant.at(),
            kind=self.kind,
            holder=holder,
            here=self._path(turn),
            credentials=turn.rows(f"{kind}CredentialList", "credentials", ids),
            formats=turn.rows(FORMATS, "credentialFormats"),
            names={row["accessUnitId"]: row["name"] for row in units},
            opened=opened,
            closed=[row for row in units if row["accessUnitId"] not in opened],
            tabs=tabs(turn, f"/{self.kind.path}"),
        )

    def make(self, turn: Turn, form: Form) -> str:
        """Make one, or plan it."""
        body: dict[str, Any] = {
            "name": form["name"].strip(),
            "email": form["email"].strip(),
            "organization": form["organization"].strip(),
            "extensionFields": _values(form, self._fields(turn)),
        }
        limits = {"validFrom": instant(form, "valid_from"), "validTo": instant(form, "valid_to")}
        for name, text in limits.items():
            if text is not None:
                body[name] = text.isoformat()
        if form["account"].strip():
            body["account"] = form["account"].strip()
        if form["id"].strip():
            body[self.kind.member] = form["id"].strip()
        if self.kind is VISIT:
            body |= {"visitor": form["visitor"].strip(), "host": form["host"].strip()}
        made = turn.ask(f"{self.kind.operation}Create", body=body)
        word = "planned" if self.kind is VISIT else "made"
        return f"{pacs_path(turn.pacs)}/{self.kind.path}/{quote(made[self.kind.member], safe='')}?done={word}"

    def remove(self, turn: Turn, _form: Form) -> str:
        """Remove it, or call it off."""
        self._ask(turn, "Remove")
        word = "cancelled" if self.kind is VISIT else "removed"
        return f"{pacs_path(turn.pacs)}/{self.kind.path}?done={word}"

    def step(self, turn: Turn, _form: Form) -> str:
        """Check it in or out."""
        operation, word = _STEPS[turn.visitor.request.url.path.rpartition("/")[2]]
        turn.ask(operation, {"visit": turn["holder"]})
        return self._path(turn, word)

    def give(self, turn: Turn, form: Form) -> "str | Response":
        """Give it a credential; what the PACS makes itself is shown once."""
        body = {"format": form["format"].strip()}
        if form["value"].strip():
            body["value"] = form["value"].strip()
        made = self._ask(turn, "CredentialCreate", body=body)
        if isinstance(made, dict) and "secret" in made:
            return turn.render("credential.html", made=made, back=self._path(turn))
        return self._path(turn, "given")

    def take(self, turn: Turn, _form: Form) -> str:
        """Take a credential away."""
        self._ask(turn, "CredentialRemove", credential=turn["credential"])
        return self._path(turn, "taken")

    def open(self, turn: Turn, form: Form) -> str:
        """Open an access unit to it."""
        self._ask(turn, "AccessUnitAssign", unit=form["unit"])
        return self._path(turn, "opened")

    def close(self, turn: Turn, form: Form) -> str:
        """Close an access unit to it."""
        self._ask(turn, "AccessUnitRemove", unit=form["unit"])
        return self._path(turn, "closed")

    def _ask(self, turn: Turn, verb: str, body: Any = None, **ids: str) -> Any:
        return turn.ask(f"{self.kind.operation}{verb}", {self.kind.one: turn["holder"], **ids}, body)

    def _path(self, turn: Turn, done: str = "") -> str:
        path = f"{pacs_path(turn.pacs)}/{self.kind.path}/{quote(turn['holder'], safe='')}"
        return f"{path}?done={done}" if done else path

    def _fields(self, turn: Turn) -> ExtensionFields:
        if not turn.may_ask(f"{self.kind.operation}Create"):
            return {}
        record: TenantRecord = turn.desk.tenants().tenant(turn.visitor.caller.scope)
        return record.visit_fields if self.kind is VISIT else record.identity_fields


def _steps(kind: _Kind) -> tuple[str, ...]:
    return tuple(_STEPS) if kind is VISIT else ()


def _is_wanted(row: Mapping[str, Any], state: str, day: str) -> bool:
    if state and row.get("state") != state:
        return False
    return not day or str(row.get("validFrom"))[:10] <= day <= str(row.get("validTo"))[:10]


def _values(form: Form, fields: ExtensionFields) -> dict[str, str | int | bool]:
    """What was filled in, as the field's type has it; what was left empty is not there."""
    found: dict[str, str | int | bool] = {}
    for name, each in fields.items():
        text = form[f"{_FIELD}{name}"].strip()
        if not text:
            continue
        match each.type.value:
            case "integer":
                if not text.lstrip("-").isdecimal():
                    raise RequestError(f"`{name}` is a whole number")
                found[name] = int(text)
            case "boolean":
                found[name] = text == "true"
            case _:
                found[name] = text
    return found
