"""`pacsgate permission`: who may do what to which study, without end.

dcm4chee's six letters stand for our actions wherever actions are named.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Annotated

import typer

from pacsgate.cli.desk import DEFAULT_CONFIG, AsJson, Config, open_desk
from pacsgate.cli.grants import the_one
from pacsgate.cli.instants import read_instant
from pacsgate.cli.permission_export import export
from pacsgate.cli.printing import Json, instant_text, print_json, print_line, print_table
from pacsgate.model.actions import Action
from pacsgate.model.errors import SettingsError
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.permission_letters import LETTERS, actions_of, letters_touched
from pacsgate.model.study_permission import StudyPermission

app = typer.Typer(help="Give, take back and list study permissions.", no_args_is_help=True)
app.command()(export)

_COLUMNS = ("study", "grantee", "actions", "letters", "origin", "granted_by", "granted_at")
_ORIGIN = "command"

Actions = Annotated[
    list[str] | None,
    typer.Option("--action", help="`view`, …, or dcm4chee's letters: `QRA`; may be repeated."),
]
User = Annotated[str | None, typer.Option(help="For this user.")]
Group = Annotated[str | None, typer.Option(help="For everybody in this group.")]
Role = Annotated[str | None, typer.Option(help="For everybody with this role.")]
Study = Annotated[str | None, typer.Option(help="A StudyInstanceUID, known or still to come.")]
Patient = Annotated[
    str | None, typer.Option(help="The studies that `issuer|PatientID`, or `PatientID`, has now.")
]
Collection = Annotated[str | None, typer.Option(help="The studies that a collection has now.")]


@app.command()
def grant(
    *,
    actions: Actions = None,
    user: User = None,
    group: Group = None,
    role: Role = None,
    study: Study = None,
    patient: Patient = None,
    collection: Collection = None,
    future: Annotated[
        bool, typer.Option("--future", help="Those too that the patient or collection will have.")
    ] = False,
    until: Annotated[str | None, typer.Option(help="When it ends: `30d`, `2027-01-01`; a grant.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Permit some actions; what is there already is not given again."""
    with open_desk(config) as desk:
        change = desk.change()
        given = desk.permissions.grant(
            change,
            grantee=_grantee(user, group, role),
            target=_target(study, patient, collection),
            actions=read_actions(actions),
            origin=_ORIGIN,
            expires=None if until is None else read_instant(until, change.at),
            future=future,
        )
    made = None if given.grant is None else given.grant.grant_id
    row = {**_counts(given.added), "studies": list(given.studies), "grant_id": made}
    if as_json:
        print_json(row)
        return
    print_line(f"{row['permissions']} new permissions on {len(given.studies)} studies")
    if made is not None:
        print_line(f"grant `{made}` covers what is to come")


@app.command()
def revoke(
    *,
    actions: Actions = None,
    user: User = None,
    group: Group = None,
    role: Role = None,
    study: Study = None,
    patient: Patient = None,
    collection: Collection = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Take permissions back, from the next request on."""
    with open_desk(config) as desk:
        taken = desk.permissions.revoke(
            desk.change(),
            grantee=_grantee(user, group, role),
            target=_target(study, patient, collection),
            actions=read_actions(actions),
            origin=_ORIGIN,
        )
    grants = [each.grant_id for each in taken.grants]
    row = {**_counts(taken.removed), "studies": list(taken.studies), "grant_ids": grants}
    if as_json:
        print_json(row)
    else:
        print_line(f"{row['permissions']} permissions and {len(grants)} grants taken back")


@app.command("list")
def list_permissions(
    *,
    study: Annotated[str | None, typer.Option(help="Of this study.")] = None,
    user: User = None,
    group: Group = None,
    role: Role = None,
    orphans: Annotated[bool, typer.Option("--orphans", help="Of studies that no archive holds.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List permissions: of one study, of one grantee, or all."""
    with open_desk(config) as desk:
        scope = desk.installation.scope
        named = any(each is not None for each in (user, group, role))
        if study is not None:
            if named or orphans:
                raise SettingsError("`--study` stands alone")
            found: Iterable[StudyPermission] = desk.permissions.of_study(scope, study)
        else:
            grantee = _grantee(user, group, role) if named else None
            found = desk.permissions.every(scope, grantee=grantee, orphans=orphans)
        rows = list(_rows(found))
    if as_json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS, "There are no such permissions.")


def read_actions(written: Iterable[str] | None) -> frozenset[Action]:
    """Actions by their names or by dcm4chee's letters.  Raises `SettingsError`."""
    found: set[Action] = set()
    for each in written or ():
        letters = each.replace(",", "")
        if each in set(Action):
            found.add(Action(each))
        elif letters and set(letters) <= LETTERS.keys():
            found |= actions_of(letters)
        else:
            raise SettingsError(
                f"`{each}` is no action: one of {', '.join(Action)}, or some letters of {''.join(LETTERS)}"
            )
    if not found:
        raise SettingsError("say what with `--action`")
    return frozenset(found)


def _grantee(user: str | None, group: str | None, role: str | None) -> tuple[GranteeKind, str]:
    return the_one({GranteeKind.USER: user, GranteeKind.GROUP: group, GranteeKind.ROLE: role})


def _target(study: str | None, patient: str | None, collection: str | None) -> tuple[GrantTarget, str]:
    return the_one(
        {GrantTarget.STUDY: study, GrantTarget.PATIENT: patient, GrantTarget.COLLECTION: collection}
    )


def _counts(changed: Iterable[StudyPermission]) -> dict[str, Json]:
    """How many permissions, and how many rows of dcm4chee's table that would be."""
    by_study = sorted(changed, key=lambda each: each.study_instance_uid)
    groups = (list(group) for _, group in groupby(by_study, key=lambda each: each.study_instance_uid))
    letters = sum(len(letters_touched(each.action for each in group)) for group in groups)
    return {"permissions": len(by_study), "letters": letters}


def _rows(permissions: Iterable[StudyPermission]) -> Iterable[dict[str, Json]]:
    """One row for what a grantee was given on one study at one time."""

    def key(each: StudyPermission) -> tuple[object, ...]:
        of_whom = (each.study_instance_uid, each.grantee_kind, each.grantee)
        return (*of_whom, each.origin, each.granted_by, each.granted_at)

    for _, group in groupby(permissions, key=key):
        held = list(group)
        first, actions = held[0], [each.action for each in held]
        yield {
            "study": first.study_instance_uid,
            "grantee": f"{first.grantee_kind}:{first.grantee}",
            "actions": sorted(actions),
            "letters": letters_touched(actions),
            "origin": first.origin,
            "granted_by": first.granted_by,
            "granted_at": instant_text(first.granted_at),
        }
