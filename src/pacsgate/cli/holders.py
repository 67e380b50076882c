"""What `pacsgate identity` and `pacsgate visit` share: holders of credentials, to whom access units are open.

The commands are made once for each kind of holder, over operations whose names differ by that kind alone.

Called by `identities` and `visits`; `units` names units as they do.
"""

from dataclasses import dataclass
from typing import Annotated

import typer

from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config
from pacsgate.cli.pacs_asking import Pacs, Place, Tenant, ask, listed, tell, tell_fields, tell_rows
from pacsgate.cli.printing import Json
from pacsgate.model.pacs_operation import EntityKind
from pacsgate.model.resource import DEFAULT_TENANT

HolderId = Annotated[str, typer.Argument(metavar="ID", help="Its id.")]
Unit = Annotated[str, typer.Argument(help="The access unit, as `pacsgate unit list` shows them.")]
Credential = Annotated[str, typer.Argument(help="The credential's id.")]

_CREDENTIAL_COLUMNS = ("credentialId", "format", "value", "label", "active", "validTo")


@dataclass(frozen=True, slots=True)
class Holder:
    """A kind of holder."""

    kind: EntityKind
    key: str
    """The member of an answer that holds its id."""
    list_name: str
    columns: tuple[str, ...]

    def operation(self, what: str) -> str:
        """The name of an operation on it."""
        return f"{self.kind.value.title()}{what}"

    def ids(self, holder_id: str, **more: str) -> dict[str, str]:
        """The ids of an operation on one."""
        return {self.kind.value: holder_id, **more}


def add_common_commands(app: typer.Typer, holder: Holder) -> None:
    """Add what every holder has: to be listed and shown, to hold credentials, to have units open."""
    _add_looking(app, holder)
    _add_units(app, holder)
    app.add_typer(_credentials(holder), name="credential")


def _add_looking(app: typer.Typer, holder: Holder) -> None:
    noun = holder.kind.value

    @app.command("list", help=f"List every {noun}.")
    def list_all(
        pacs: Pacs = "main",
        tenant: Tenant = DEFAULT_TENANT,
        config: Config = DEFAULT_CONFIG,
        as_json: AsJson = False,
    ) -> None:
        rows = listed(Place(config, tenant, pacs), holder.operation("List"), holder.list_name)
        tell_rows(rows, holder.columns, f"There is no {noun}.", as_json=as_json)

    @app.command(help=f"Show one {noun}.")
    def show(
        holder_id: HolderId,
        pacs: Pacs = "main",
        tenant: Tenant = DEFAULT_TENANT,
        config: Config = DEFAULT_CONFIG,
        as_json: AsJson = False,
    ) -> None:
        place = Place(config, tenant, pacs)
        tell_fields(ask(place, holder.operation("Get"), holder.ids(holder_id)), as_json=as_json)


def _add_units(app: typer.Typer, holder: Holder) -> None:
    noun = holder.kind.value

    @app.command("open", help=f"Open an access unit to this {noun}.")
    def open_unit(
        holder_id: HolderId,
        unit: Unit,
        pacs: Pacs = "main",
        tenant: Tenant = DEFAULT_TENANT,
        config: Config = DEFAULT_CONFIG,
        as_json: AsJson = False,
    ) -> None:
        place, ids = Place(config, tenant, pacs), holder.ids(holder_id, unit=unit)
        given = ask(place, holder.operation("AccessUnitAssign"), ids)
        tell(given, as_json, f"`{unit}` is open to {noun} `{holder_id}`")

    @app.command("close", help=f"Close an access unit to this {noun}.")
    def close_unit(
        holder_id: HolderId,
        unit: Unit,
        pacs: Pacs = "main",
        tenant: Tenant = DEFAULT_TENANT,
        config: Config = DEFAULT_CONFIG,
        as_json: AsJson = False,
    ) -> None:
        place, ids = Place(config, tenant, pacs), holder.ids(holder_id, unit=unit)
        ask(place, holder.operation("AccessUnitRemove"), ids)
        told_body: Json = {holder.key: holder_id, "accessUnitId": unit, "open": False}
        tell(told_body, as_json, f"`{unit}` is closed to {noun} `{holder_id}`")

    @app.command(help=f"List the access units that are open to this {noun}.")
    def units(
        holder_id: HolderId,
        pacs: Pacs = "main",
        tenant: Tenant = DEFAULT_TENANT,
        config: Config = DEFAULT_CONFIG,
        as_json: AsJson = False,
    ) -> None:
        place, operation = Place(config, tenant, pacs), holder.operation("AccessUnitList")
        rows = listed(place, operation, "accessUnits", holder.ids(holder_id))
        tell_rows(rows, ("accessUnitId", "assignedAt"), "No access unit is open to it.", as_json=as_json)


def _credentials(holder: Holder) -> typer.Typer:
    noun = holder.kind.value
    app = typer.Typer(help=f"What this {noun} shows to be let in.", no_args_is_help=True)

    @app.command(help=f"Give this {noun} a credential; a secret that the PACS makes is printed once.")
    def add(
        holder_id: HolderId,
        *,
        form: Annotated[
            str, typer.Option("--format", help="Its format, as `pacsgate pacs formats` shows them.")
        ],
        value: Annotated[
            str | None, typer.Option(help="What stands on the card, for formats that take a value.")
        ] = None,
        credential: Annotated[str | None, typer.Option("--id", help="Its id; made up, otherwise.")] = None,
        label: Annotated[str, typer.Option(help="What people call it.")] = "",
        active: Annotated[
            bool, typer.Option("--active/--inactive", help="Whether it counts at once.")
        ] = True,
        pacs: Pacs = "main",
        tenant: Tenant = DEFAULT_TENANT,
        config: Config = DEFAULT_CONFIG,
        as_json: AsJson = False,
    ) -> None:
        body = {
            "format": form,
            "label": label,
            "active": active,
            **({} if value is None else {"value": value}),
            **({} if credential is None else {"credentialId": credential}),
        }
        place, operation = Place(config, tenant, pacs), holder.operation("CredentialCreate")
        made = ask(place, operation, holder.ids(holder_id), body)
        known = made.get("credentialId") if isinstance(made, dict) else credential
        tell(made, as_json, f"{noun} `{holder_id}` has credential `{known}`")

    @app.command("list", help=f"List the credentials of this {noun}.")
    def list_credentials(
        holder_id: HolderId,
        pacs: Pacs = "main",
        tenant: Tenant = DEFAULT_TENANT,
        config: Config = DEFAULT_CONFIG,
        as_json: AsJson = False,
    ) -> None:
        place, operation = Place(config, tenant, pacs), holder.operation("CredentialList")
        rows = listed(place, operation, "credentials", holder.ids(holder_id))
        tell_rows(rows, _CREDENTIAL_COLUMNS, "It has no credentials.", as_json=as_json)

    for what, about, came in _STEPS:
        _add_step(app, holder, what, about, came)
    return app


_STEPS = (
    ("activate", "Let a credential count.", "counts"),
    ("deactivate", "Let a credential count no more, and keep it.", "does not count"),
    ("remove", "Take a credential away.", "is removed"),
)
"""What is done with one credential: the command, what it says of itself, what came of it."""


def _add_step(app: typer.Typer, holder: Holder, what: str, about: str, came: str) -> None:
    @app.command(what, help=about)
    def step(
        holder_id: HolderId,
        credential: Credential,
        pacs: Pacs = "main",
        tenant: Tenant = DEFAULT_TENANT,
        config: Config = DEFAULT_CONFIG,
        as_json: AsJson = False,
    ) -> None:
        place, ids = Place(config, tenant, pacs), holder.ids(holder_id, credential=credential)
        told_body = ask(place, holder.operation(f"Credential{what.title()}"), ids)
        gone: Json = {holder.key: holder_id, "credentialId": credential, "removed": True}
        tell(told_body or gone, as_json, f"credential `{credential}` {came}")
