"""`pacsgate user sync`, `report drift` and `report orphans`: accounts here and a source's people."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from pacsgate.bootstrap.identity_sources import source_scopes
from pacsgate.cli.desk import Desk, open_desk
from pacsgate.cli.failures import FAILED
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, print_json, print_line, print_table
from pacsgate.cli.user_attributes import read_attributes
from pacsgate.identity.people_csv import PeopleList, read_people
from pacsgate.model.errors import RequestError, SettingsError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.subject import Attributes, SubjectKind
from pacsgate.services.reconcile_accounts import Guard, Plan, Step, StepKind

List = Annotated[
    Path | None,
    typer.Argument(help="The source's list of its people (CSV); none for a directory, which is asked."),
]
Source = Annotated[str, typer.Option(help="What the source is called; its accounts bear the name.")]
Adopt = Annotated[
    bool, typer.Option("--adopt", help="Let it take over local accounts of the same names, for good.")
]

_COLUMNS = ("change", "name", "id", "differences", "still_holds", "why")


def sync(
    people: List = None,
    *,
    source: Source,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Even if a great many would leave.")] = False,
    adopt: Adopt = False,
    most_percent: Annotated[int, typer.Option(min=0, max=100, help="How many may leave at once.")] = 20,
    most: Annotated[int, typer.Option(min=0, help="How many may leave at once, in number.")] = 100,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Make, change, disable and enable a source's accounts as its list says; exit 1 if some cannot be."""
    guard = Guard(most_percent, most)
    with open_desk(config, tenant) as desk:
        plan, digest = _plan(desk, people, source, adopt=adopt)
        failed: Iterable[Step] = [step for step in plan.steps if step.kind is StepKind.REFUSE]
        if not dry_run:
            failed = desk.reconciliation.apply(desk.change(), plan, digest=digest, guard=guard, force=force)
    _print(plan, plan.steps if dry_run else _done(plan, failed), as_json=as_json)
    objection = guard.objection(plan)
    if dry_run and objection is not None and not as_json:
        print_line(f"this would need `--force`: {objection}")
    if failed:
        raise typer.Exit(FAILED)


def drift(
    people: List = None,
    *,
    source: Source,
    adopt: Adopt = False,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List where a source's list and its accounts here differ; exit 1 if they do."""
    with open_desk(config, tenant) as desk:
        plan, _ = _plan(desk, people, source, adopt=adopt)
    _print(plan, plan.steps, as_json=as_json)
    if plan.steps:
        raise typer.Exit(FAILED)


def orphans(
    tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """List enabled accounts of people that no source knows; exit 1 if there are any."""
    with open_desk(config, tenant) as desk:
        scope, directory = desk.installation.scope, desk.installation.stores.directory
        linked = {link.user for link in desk.installation.stores.identity_links.links(scope)}
        rows: list[dict[str, Json]] = [
            {"name": user.name, "source": user.source, "groups": sorted(user.groups)}
            for user in directory.users(scope)
            if user.kind == SubjectKind.USER.value and not user.disabled and user.name not in linked
        ]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ("name", "source", "groups"), "Every person here is known to a source.")
    if rows:
        raise typer.Exit(FAILED)


def _plan(desk: Desk, path: Path | None, source: str, *, adopt: bool) -> tuple[Plan, str]:
    """The plan, and the digest of the file that it was made from."""
    scope = desk.installation.scope
    owner = source_scopes(desk.installation.settings).get(source, scope)
    if owner != scope:
        raise SettingsError(
            f"`{source}` is a source of the tenant `{owner.tenant}`: say `--tenant {owner.tenant}`"
        )
    listed, digest = _asked(desk, source) if path is None else _read(desk, path)
    plan = desk.reconciliation.plan(scope, source, listed.people, speaks_of=listed.speaks_of, adopt=adopt)
    return plan, digest


def _read(desk: Desk, path: Path) -> tuple[PeopleList, str]:
    policy = desk.installation.policy()

    def attribute(name: str, text: str) -> Attributes:
        return read_attributes([f"{name}={text}"], policy)

    try:
        data = path.read_bytes()
    except OSError as error:
        raise RequestError(f"`{path}` cannot be read: {error.strerror}") from None
    return read_people(data, attribute), hashlib.sha256(data).hexdigest()


def _asked(desk: Desk, source: str) -> tuple[PeopleList, str]:
    from pacsgate.bootstrap.directories import account_list, speaks_of  # noqa: PLC0415 - for directories alone

    settings = desk.installation.settings
    people = tuple(account_list(settings, source).accounts())
    return PeopleList(people, speaks_of(settings, source)), ""


def _done(plan: Plan, failed: Iterable[Step]) -> tuple[Step, ...]:
    """What was done, and in the places of what was not, why."""
    instead = {step.external_id: step for step in failed}
    return tuple(instead.get(step.external_id, step) for step in plan.steps)


def _print(plan: Plan, steps: Iterable[Step], *, as_json: bool) -> None:
    rows = [_row(step) for step in steps]
    if as_json:
        counts = {kind.value: plan.count(kind) for kind in StepKind}
        print_json({"source": plan.source, "people": plan.people, "counts": counts, "steps": rows})
    else:
        print_table(rows, _COLUMNS, f"The accounts of `{plan.source}` are as its list says.")


def _row(step: Step) -> dict[str, Json]:
    told = {name: f"{old or '-'} -> {new or '-'}" for name, (old, new) in step.differences.items()}
    return {
        "change": step.kind.value,
        "name": step.name,
        "id": step.external_id,
        "differences": told,
        "still_holds": list(step.holds),
        "why": step.why,
    }
