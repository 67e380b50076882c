"""`pacsgate grant`: one patient, study, series or collection for somebody, for a time."""

from collections.abc import Mapping
from typing import Annotated, TypeVar

import typer

from pacsgate.cli.desk import open_desk
from pacsgate.cli.instants import read_instant
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, instant_text, print_json, print_line, print_table
from pacsgate.model.actions import Action
from pacsgate.model.errors import SettingsError
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.resource import DEFAULT_TENANT

app = typer.Typer(help="Give and take back grants.", no_args_is_help=True)

_COLUMNS = ("grant_id", "grantee", "target", "target_id", "actions", "expires", "archive", "granted_by")

Kind = TypeVar("Kind", GranteeKind, GrantTarget)


@app.command()
def add(
    *,
    actions: Annotated[list[Action], typer.Option("--action", help="What is granted; may be repeated.")],
    user: Annotated[str | None, typer.Option(help="For this user.")] = None,
    group: Annotated[str | None, typer.Option(help="For everybody in this group.")] = None,
    role: Annotated[str | None, typer.Option(help="For everybody with this role.")] = None,
    patient: Annotated[str | None, typer.Option(help="`issuer|PatientID`, or `PatientID`.")] = None,
    study: Annotated[str | None, typer.Option(help="A StudyInstanceUID.")] = None,
    series: Annotated[str | None, typer.Option(help="A SeriesInstanceUID.")] = None,
    collection: Annotated[str | None, typer.Option(help="A collection.")] = None,
    until: Annotated[str | None, typer.Option(help="When it ends: `30d`, `2027-01-01`.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Grant some actions; forbids and the role's ceiling stand above every grant."""
    with open_desk(config, tenant) as desk:
        change = desk.change()
        grant = desk.grants.add(
            change,
            grantee=the_one({GranteeKind.USER: user, GranteeKind.GROUP: group, GranteeKind.ROLE: role}),
            target=the_one(
                {
                    GrantTarget.PATIENT: patient,
                    GrantTarget.STUDY: study,
                    GrantTarget.SERIES: series,
                    GrantTarget.COLLECTION: collection,
                }
            ),
            actions=frozenset(actions),
            expires=None if until is None else read_instant(until, change.at),
        )
    if as_json:
        print_json(_row(grant))
    else:
        print_line(f"grant `{grant.grant_id}` made")


@app.command("list")
def list_grants(
    tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """List every grant that has not been revoked."""
    with open_desk(config, tenant) as desk:
        rows = [_row(grant) for grant in desk.grants.grants(desk.installation.scope)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS, "There are no grants.")


@app.command()
def revoke(
    grant_id: Annotated[str, typer.Argument(help="The grant's id, as `grant list` shows it.")],
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Take a grant back, from the next request on."""
    with open_desk(config, tenant) as desk:
        desk.grants.revoke(desk.change(), grant_id)
    if as_json:
        print_json({"grant_id": grant_id, "revoked": True})
    else:
        print_line(f"grant `{grant_id}` revoked")


def the_one(options: Mapping[Kind, str | None]) -> tuple[Kind, str]:
    """The only option that is given, with its value.  Raises `SettingsError`."""
    given = [(kind, name) for kind, name in options.items() if name is not None]
    if len(given) != 1:
        raise SettingsError(f"give exactly one of {', '.join(f'`--{kind}`' for kind in options)}")
    return given[0]


def _row(grant: Grant) -> dict[str, Json]:
    return {
        "grant_id": grant.grant_id,
        "grantee_kind": grant.grantee_kind,
        "grantee": grant.grantee,
        "target": grant.target,
        "target_id": grant.target_id,
        "actions": sorted(grant.actions),
        "granted_by": grant.granted_by,
        "granted_at": instant_text(grant.granted_at),
        "expires": instant_text(grant.expires),
        "archive": grant.archive,
    }
