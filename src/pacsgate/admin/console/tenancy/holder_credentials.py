"""Credentials of an identity or visit: given, made usable and unusable, taken away.

What the PACS makes itself, a code or a token, is shown once: when the credential is given, and when one gets
another by being activated.

Called by `routes`.
"""

from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.forms import Form
from pacsgate.admin.console.tenancy.desk import FORMATS, TenancyDesk, Turn
from pacsgate.admin.console.tenancy.holder_kinds import HOLDER_KINDS, HolderKind
from pacsgate.admin.console.tenancy.holders import HolderPage
from pacsgate.admin.console.tenancy.inputs import Input, at, filled_in, instant_text
from pacsgate.admin.console.tenancy.pacs_pages import tabs
from pacsgate.model.permission import Permission

_UNSEEN = {"autocomplete": "off"}
_FORMAT = Input("format", "Format", required=True)
_INPUTS = (
    Input("value", "Value", hint="What stands on the card. What the PACS makes itself has none."),
    Input("label", "Label", hint="By what its holder tells it from others."),
    at("validFrom", "From"),
    at("validTo", "To"),
    Input("credentialId", "Id", hint="Made up if left empty.", attributes=_UNSEEN),
)
_TEXTS = ("format", "value", "label", "credentialId")


def credential_routes(desk: TenancyDesk) -> list[Route]:
    """The routes."""
    return [route for kind in HOLDER_KINDS for route in _Credentials(kind).routes(desk)]


@dataclass(frozen=True, slots=True)
class _Credentials:
    kind: HolderKind

    def routes(self, desk: TenancyDesk) -> list[Route]:
        """The routes of one kind."""
        new, one = f"{self.kind.route}/new-credential", f"{self.kind.route}/credentials/{{credential}}"
        shown = HolderPage(self.kind).show
        return [
            Route(new, desk.page(self.show_new), methods=["GET"]),
            Route(new, desk.form(self.give, self.show_new), methods=["POST"]),
            Route(f"{one}/remove", desk.form(self.take, shown), methods=["POST"]),
            Route(f"{one}/activate", desk.form(self.activate, shown), methods=["POST"]),
            Route(f"{one}/deactivate", desk.form(self.deactivate, shown), methods=["POST"]),
        ]

    def show_new(self, turn: Turn) -> Response:
        """A form for a new one."""
        kind = self.kind
        warrant = turn.need(Permission(f"{kind.operation}CredentialCreate"), turn.pacs)
        formats = turn.rows(FORMATS, "credentialFormats").rows
        options = tuple((each["format"], each["format"]) for each in formats)
        return turn.render(
            "new_credential.html",
            pacs=warrant.at(),
            action=f"{kind.holder_path(turn)}/new-credential",
            back=kind.holder_path(turn),
            form=filled_in((replace(_FORMAT, options=options), *_INPUTS), turn),
            is_active=turn.refused is None or "active" in turn.refused,
            formats=formats,
            tabs=tabs(turn, f"/{kind.path}"),
        )

    def give(self, turn: Turn, form: Form) -> "str | Response":
        """Give it."""
        body: dict[str, Any] = {name: form[name].strip() for name in _TEXTS if form[name].strip()}
        limits = {name: instant_text(form, name) for name in ("validFrom", "validTo")}
        body |= {name: when for name, when in limits.items() if when is not None}
        made = self.kind.ask(turn, "CredentialCreate", {**body, "active": "active" in form})
        return self._told(turn, made, "given")

    def take(self, turn: Turn, _form: Form) -> str:
        """Take it away."""
        self.kind.ask(turn, "CredentialRemove", credential=turn["credential"])
        return self.kind.holder_path(turn, "taken")

    def activate(self, turn: Turn, _form: Form) -> "str | Response":
        """Make it usable."""
        made = self.kind.ask(turn, "CredentialActivate", credential=turn["credential"])
        return self._told(turn, made, "activated")

    def deactivate(self, turn: Turn, _form: Form) -> str:
        """Make it unusable."""
        self.kind.ask(turn, "CredentialDeactivate", credential=turn["credential"])
        return self.kind.holder_path(turn, "deactivated")

    def _told(self, turn: Turn, made: Any, word: str) -> "str | Response":
        if isinstance(made, dict) and "secret" in made:
            told = {"format": "", "account": "", **made}
            return turn.render("credential.html", made=told, back=self.kind.holder_path(turn))
        return self.kind.holder_path(turn, word)
