"""`pacsgate visit`: access for a time, planned, checked in and checked out."""

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
from pacsgate.protocols.access.bodies import VisitBody

app = typer.Typer(help="Access for a time: plan visits, check people in and out.", no_args_is_help=True)

_VISIT = Holder(
    EntityKind.VISIT,
    "visitId",
    "visits",
    ("visitId", "visitor", "name", "state", "validFrom", "validTo", "account"),
)


@app.command()
def plan(
    name: Annotated[str, typer.Argument(help="Who comes.")],
    *,
    visitor: Annotated[str, typer.Option(help="Their id, the same at each of their visits.")],
    until: Annotated[str, typer.Option(help="When it ends: `8h`, `2027-03-01T17:00+01:00`.")],
    starts: Annotated[str | None, typer.Option("--from", help="When it begins; now, otherwise.")] = None,
    host: Annotated[str, typer.Option(help="Whom they visit.")] = "",
    visit: Annotated[str | None, typer.Option("--id", help="The visit's id; made up, otherwise.")] = None,
    account: Annotated[str | None, typer.Option(help="An account of theirs that is there already.")] = None,
    fields: Fields = None,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Plan a visit."""
    now = SystemClock().now()
    with told():
        body = {
            "visitor": visitor,
            "name": name,
            "host": host,
            "validFrom": (now if starts is None else read_instant(starts, now)).isoformat(),
            "validTo": read_instant(until, now).isoformat(),
            "extensionFields": fields_of(fields),
            **({} if visit is None else {"visitId": visit}),
            **({} if account is None else {"account": account}),
        }
    made = ask(Place(config, tenant, pacs), "VisitCreate", {}, body)
    known = made.get("visitId") if isinstance(made, dict) else visit
    tell(made, as_json, f"visit `{known}` planned")


@app.command()
def change(
    holder_id: HolderId,
    *,
    name: Annotated[str | None, typer.Option(help="Who comes.")] = None,
    until: Annotated[str | None, typer.Option(help="When it ends.")] = None,
    starts: Annotated[str | None, typer.Option("--from", help="When it begins.")] = None,
    host: Annotated[str | None, typer.Option(help="Whom they visit.")] = None,
    fields: Fields = None,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Change what is given of a visit that is not over, and leave the rest as it is."""
    place, now = Place(config, tenant, pacs), SystemClock().now()
    with told():
        times = {"validFrom": starts, "validTo": until}
        given = {"name": name, "host": host} | {
            member: None if text is None else read_instant(text, now).isoformat()
            for member, text in times.items()
        }
        more = fields_of(fields)
    body = restated(ask(place, "VisitGet", {"visit": holder_id}), VisitBody, given, more)
    tell(ask(place, "VisitUpdate", {"visit": holder_id}, body), as_json, f"visit `{holder_id}` changed")


@app.command("check-in")
def check_in(
    holder_id: HolderId,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Begin a visit: what it holds counts from now."""
    begun = ask(Place(config, tenant, pacs), "VisitCheckIn", {"visit": holder_id})
    tell(begun, as_json, f"visit `{holder_id}` checked in")


@app.command("check-out")
def check_out(
    holder_id: HolderId,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """End a visit: what it held counts no more."""
    ended = ask(Place(config, tenant, pacs), "VisitCheckOut", {"visit": holder_id})
    tell(ended, as_json, f"visit `{holder_id}` checked out")


@app.command()
def cancel(
    holder_id: HolderId,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Call a visit off that has not begun."""
    ask(Place(config, tenant, pacs), "VisitRemove", {"visit": holder_id})
    tell({"visitId": holder_id, "cancelled": True}, as_json, f"visit `{holder_id}` cancelled")


add_common_commands(app, _VISIT)
