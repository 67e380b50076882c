"""Identities made and visits planned, and both changed: one form for each kind.

What is changed is said anew, all of it, as the API has it; what cannot change is shown and sent as it was.

Called by `routes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.forms import Form
from pacsgate.admin.console.tenancy.desk import TenancyDesk, Turn
from pacsgate.admin.console.tenancy.holder_kinds import HOLDER_KINDS, VISIT, HolderKind
from pacsgate.admin.console.tenancy.inputs import (
    Input,
    at,
    extension_inputs,
    extension_values,
    filled_in,
    instant_text,
    with_instant,
)
from pacsgate.admin.console.tenancy.pacs_pages import tabs
from pacsgate.model.access import VisitState
from pacsgate.model.permission import Permission

_INSTANTS = ("validFrom", "validTo")
_FIXED_ONCE_BEGUN = frozenset({"visitor", "validFrom"})
_STATE = "state"
"""A hidden input of a visit that is changed: what of it can be changed depends on it."""
_ACCOUNT = Input("account", "Account", hint="One that is there already.", attributes={"autocomplete": "off"})
_IDENTITY = (
    Input("name", "Name", required=True),
    at("validFrom", "From"),
    at("validTo", "To"),
    Input("email", "Email", "email"),
    Input("organization", "Organisation"),
    _ACCOUNT,
    Input("identityId", "Id", hint="Made up if left empty.", attributes={"autocomplete": "off"}),
)
_VISIT = (
    Input("name", "Name", required=True),
    Input("visitor", "Visitor", hint="Their id, the same at each of their visits.", required=True),
    at("validFrom", "From", required=True),
    at("validTo", "To", required=True),
    Input("host", "Host", hint="Whom they visit."),
    Input("email", "Email", "email"),
    Input("organization", "Organisation"),
    _ACCOUNT,
    Input("visitId", "Id of the visit", hint="Made up if left empty.", attributes={"autocomplete": "off"}),
)
_NEVER_CHANGED = frozenset({"account", "identityId", "visitId"})


def holder_form_routes(desk: TenancyDesk) -> list[Route]:
    """The routes."""
    return [route for kind in HOLDER_KINDS for route in _HolderForms(kind).routes(desk)]


@dataclass(frozen=True, slots=True)
class _HolderForms:
    kind: HolderKind

    def routes(self, desk: TenancyDesk) -> list[Route]:
        """The routes of one kind."""
        new, changed = self.kind.route_of_new, f"{self.kind.route}/change"
        return [
            Route(new, desk.page(self.show_new), methods=["GET"]),
            Route(new, desk.form(self.make, self.show_new), methods=["POST"]),
            Route(changed, desk.page(self.show_change), methods=["GET"]),
            Route(changed, desk.form(self.change, self.show_change), methods=["POST"]),
        ]

    def show_new(self, turn: Turn) -> Response:
        """A form for a new one."""
        kind = self.kind
        warrant = turn.need(Permission(f"{kind.operation}Create"), turn.pacs)
        inputs = (*self._members(), *extension_inputs(kind.fields(turn), {}))
        return turn.render(
            "holder_form.html",
            pacs=warrant.at(),
            title="Plan a visit" if kind is VISIT else "Make an identity",
            button="Plan visit" if kind is VISIT else "Make identity",
            action=kind.new_path(turn),
            back=kind.list_path(turn),
            form=filled_in(inputs, turn),
            hidden={},
            lost=(),
            tabs=tabs(turn, f"/{kind.path}"),
        )

    def make(self, turn: Turn, form: Form) -> str:
        """Make one, or plan it."""
        word = "planned" if self.kind is VISIT else "made"
        made = turn.ask(
            f"{self.kind.operation}Create", body=self._body(turn, form), then=self.kind.list_path(turn)
        )
        return self.kind.holder_path(turn, word, made[self.kind.member])

    def show_change(self, turn: Turn) -> Response:
        """A form with everything that is said of one."""
        kind = self.kind
        warrant = turn.need(Permission(f"{kind.operation}Update"), turn.pacs)
        stood = turn.ask(f"{kind.operation}Get", kind.ids(turn)) if turn.refused is None else {}
        state = stood.get(_STATE, "") if turn.refused is None else turn.refused[_STATE]
        fields, values = kind.fields(turn), stood.get("extensionFields", {})
        inputs = (
            *(_with(each, stood, state) for each in self._members() if each.name not in _NEVER_CHANGED),
            *extension_inputs(fields, values),
        )
        return turn.render(
            "holder_form.html",
            pacs=warrant.at(),
            title=f"Change {kind.one} {turn['holder']}",
            button="Save",
            action=f"{kind.holder_path(turn)}/change",
            back=kind.holder_path(turn),
            form=filled_in(inputs, turn),
            hidden={_STATE: state} if state else {},
            lost=sorted(values.keys() - fields.keys()),
            tabs=tabs(turn, f"/{kind.path}"),
        )

    def change(self, turn: Turn, form: Form) -> str:
        """Say anew what is said of one."""
        self.kind.ask(turn, "Update", self._body(turn, form))
        return self.kind.holder_path(turn, "changed")

    def _members(self) -> tuple[Input, ...]:
        return _VISIT if self.kind is VISIT else _IDENTITY

    def _body(self, turn: Turn, form: Form) -> dict[str, Any]:
        """What was filled in; what was left empty is not said, but for texts, which can be empty."""
        body: dict[str, Any] = {"extensionFields": extension_values(form, self.kind.fields(turn))}
        for each in self._members():
            text = form[each.name].strip()
            if each.name in _INSTANTS:
                when = instant_text(form, each.name)
                body |= {} if when is None else {each.name: when}
            elif text or each.name not in _NEVER_CHANGED:
                body[each.name] = text
        return body


def _with(given: Input, stood: Mapping[str, Any], state: str) -> Input:
    """An input with what is said of one who is there."""
    value = stood.get(given.name)
    filled = with_instant(given, value) if given.name in _INSTANTS else replace(given, value=str(value or ""))
    if state == VisitState.CHECKED_IN and given.name in _FIXED_ONCE_BEGUN:
        return replace(filled, is_fixed=True, hint="Stays as it is: the visit has begun.")
    return filled
