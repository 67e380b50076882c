"""`pacsgate identity`: people and devices with standing access to a PACS."""

from typing import Annotated

import typer

from pacsgate.bootstrap.clock import SystemClock
from pacsgate.cli.failures import told
from pacsgate.cli.holders import Holder, HolderId, add_common_commands
from pacsgate.cli.instants import read_instant
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config
from pacsgate.cli.pacs_asking import Fields, Pacs, Place, Tenant, ask, fields_of, restated, tell
from pacsgate.model.pacs_operation import EntityKind
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.protocols.access.bodies import IdentityBody

app = typer.Typer(help="Standing access to a PACS: people and devices.", no_args_is_help=True)

Until = Annotated[str | None, typer.Option(help="When it ends: `90d`, `2027-01-01`.")]
Email = Annotated[str | None, typer.Option(help="Their mail address.")]
Organization = Annotated[str | None, typer.Option(help="Where they belong to.")]

_IDENTITY = Holder(
    EntityKind.IDENTITY,
    "identityId",
    "identities",
    ("identityId", "name", "organization", "validTo", "account"),
)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who it is.")],
    *,
    identity: Annotated[str | None, typer.Option("--id", help="Its id; made up, otherwise.")] = None,
    email: Email = None,
    organization: Organization = None,
    until: Until = None,
    account: Annotated[str | None, typer.Option(help="An account that is there already.")] = None,
    fields: Fields = None,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Give somebody standing access; what they may enter is opened by `open`."""
    with told():
        given = {
            "identityId": identity,
            "email": email,
            "organization": organization,
            "validTo": _end(until),
            "account": account,
        }
        body = {"name": name, "extensionFields": fields_of(fields)}
        body |= {member: text for member, text in given.items() if text is not None}
    made = ask(Place(config, tenant, pacs), "IdentityCreate", {}, body)
    known = made.get("identityId") if isinstance(made, dict) else identity
    tell(made, as_json, f"identity `{known}` made")


@app.command()
def change(
    holder_id: HolderId,
    *,
    name: Annotated[str | None, typer.Option(help="Who it is.")] = None,
    email: Email = None,
    organization: Organization = None,
    until: Until = None,
    fields: Fields = None,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Change what is given, and leave the rest as it is."""
    place = Place(config, tenant, pacs)
    with told():
        given = {"name": name, "email": email, "organization": organization, "validTo": _end(until)}
        more = fields_of(fields)
    body = restated(ask(place, "IdentityGet", {"identity": holder_id}), IdentityBody, given, more)
    tell(
        ask(place, "IdentityUpdate", {"identity": holder_id}, body),
        as_json,
        f"identity `{holder_id}` changed",
    )


@app.command()
def remove(
    holder_id: HolderId,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Remove an identity with all that it holds, the account that was made for it included."""
    ask(Place(config, tenant, pacs), "IdentityRemove", {"identity": holder_id})
    tell({"identityId": holder_id, "removed": True}, as_json, f"identity `{holder_id}` removed")


def _end(until: str | None) -> str | None:
    return None if until is None else read_instant(until, SystemClock().now()).isoformat()


add_common_commands(app, _IDENTITY)
