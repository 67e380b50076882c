"""`pacsgate report`: what the record says about how roles are used, and about what was sent.

Reading the trail is itself recorded.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

import typer

from pacsgate.audit.event_filter import EventFilter
from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.audit.transfer_tally import transfers
from pacsgate.bootstrap.installation import Installation, trail_directory
from pacsgate.cli.failures import FAILED, told
from pacsgate.cli.inquiry import live_policy
from pacsgate.cli.installation import open_installation
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, instant_text, print_json, print_line, print_table
from pacsgate.cli.reconcile import drift, orphans
from pacsgate.model.errors import NotFoundError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.policy.policy import Policy
from pacsgate.services.review_roles import Use, uses
from pacsgate.sinks.trail_reader import read_trail

app = typer.Typer(
    help="Report how roles are used, what was sent, and whom no source knows.", no_args_is_help=True
)
app.command("drift")(drift)
app.command("orphans")(orphans)

Days = Annotated[int, typer.Option("--days", min=1, max=3650, help="Look back over so many days.")]
RoleName = Annotated[str, typer.Option("--role", help="A role of the policy.")]


@app.callback()
def _group() -> None:
    """Report how roles are used, what was sent, and whom no source knows."""


@app.command()
def unused(
    days: Days = 90, tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """List what each role could do and nobody did; exit 1 if there is anything."""
    with told(), open_installation(config, tenant) as installation:
        policy, found = _uses(installation, days)
    rows: list[dict[str, Json]] = [
        {
            "role": use.role,
            "permission": use.of.value,
            "last_used": None,
            "owner": policy.roles[use.role].owner,
        }
        for use in found
        if use.last_used is None
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ("role", "permission", "owner"), f"Everything was used within {days} days.")
    if rows:
        raise typer.Exit(FAILED)


@app.command("transfers")
def list_transfers(
    mismatch: Annotated[
        bool, typer.Option("--mismatch", help="Only those of which not all arrived; exit 1 if there are any.")
    ] = False,
    days: Days = 90,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List what was sent over DIMSE: how many objects of each study were begun, and how many arrived."""
    with told(), open_installation(config, tenant) as installation:
        found = transfers(_events(installation, days))
    rows: list[dict[str, Json]] = [
        {
            "at": instant_text(one.at),
            "user": one.user,
            "recipient": one.recipient,
            "study_instance_uid": one.study_instance_uid,
            "begun": one.begun,
            "done": one.done,
            "bytes": one.bytes_sent,
            "phase": one.phase,
        }
        for one in found
        if not (mismatch and one.is_whole)
    ]
    if as_json:
        print_json(rows)
    else:
        columns = ("at", "user", "recipient", "study_instance_uid", "begun", "done", "bytes", "phase")
        print_table(rows, columns, f"Nothing like that within {days} days.")
    if mismatch and rows:
        raise typer.Exit(FAILED)


def suggest_minimal(
    role: RoleName,
    days: Days = 90,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Suggest what a role would still need, by what was used of it; exit 1 if that is less than it has."""
    with told(), open_installation(config, tenant) as installation:
        policy, found = _uses(installation, days)
        if role not in policy.roles:
            raise NotFoundError(f"no role is called `{role}`; `pacsgate role list` shows those that exist")
    of_role = [use for use in found if use.role == role]
    kept = {use.of for use in of_role if use.last_used is not None}
    had = policy.roles[role]
    removed = sorted(use.of for use in of_role if use.last_used is None)
    if as_json:
        print_json(
            {
                "role": role,
                "may": sorted(had.may & kept),
                "permissions": sorted(had.permissions & kept),
                "remove": removed,
            }
        )
    elif not removed:
        print_line(f"all that `{role}` can do was used within {days} days")
    else:
        place = policy.role_places.get(role)
        print_line(f"--- `{role}`{'' if place is None else f' ({place})'}")
        print_line(f"+++ what was used within {days} days")
        for name, before in (("may", had.may), ("permissions", had.permissions)):
            if before - kept:
                print_line(f"-    {name}: [{', '.join(sorted(before))}]")
                print_line(f"+    {name}: [{', '.join(sorted(before & kept))}]")
        if had.extends:
            print_line(f"with what it inherits from {', '.join(sorted(had.extends))}")
    if removed:
        raise typer.Exit(FAILED)


def _uses(installation: Installation, days: int) -> tuple[Policy, tuple[Use, ...]]:
    policy = live_policy(installation)
    return policy, uses(policy, _events(installation, days))


def _events(installation: Installation, days: int) -> Iterator[AuditEvent]:
    """Every event of the last days; that they were read is on record when they have been."""
    now = installation.clock.now()
    entries = read_trail(
        trail_directory(installation.settings),
        EventFilter(since=now - timedelta(days=days), tenant=installation.scope.tenant),
    )
    for entry in entries:
        yield entry.event
    installation.trail.record(
        AuditEvent(
            EventKind.AUDIT_LOG_USED,
            now,
            installation.actor(),
            tenant=installation.scope.tenant,
            query=f"days={days}",
            details={"use": "report"},
        )
    )
