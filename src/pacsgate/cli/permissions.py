"""`pacsgate permission`: who may do what to which study, without end.

dcm4chee's six letters stand for our actions wherever actions are named.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Annotated

import typer

from pacsgate.cli.desk import open_desk
from pacsgate.cli.grants import the_one
from pacsgate.cli.instants import read_instant
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.permission_export import export
from pacsgate.cli.printing import Json, instant_text, print_json, print_line, print_table
from pacsgate.model.actions import Action
from pacsgate.model.errors import SettingsError
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.permission_letters import LETTERS, actions_of, letters_held, letters_touched
from pacsgate.model.resource import DEFAULT_TENANT
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
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Permit some actions; what is there already is not given again."""
    if future and study is not None:
        raise SettingsError("`--future` is for a patient or a collection: one study may be to come anyway")
    with open_desk(config, tenant) as desk:
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
    made = given.grant
    made_id = None if made is None else made.grant_id
    row = {**_counts(given.added), "studies": list(given.studies), "grant_id": made_id}
    if as_json:
        print_json(row)
        return
    if made is None or made.expires is None:
        print_line(
            f"{_number(len(given.added), 'new permission')} ({row['letters']} of dcm4chee's letters)"
            f" on {_number(len(given.studies), 'study', 'studies')}"
        )
    if made is not None:
        ends = "without end" if made.expires is None else f"until {instant_text(made.expires)}"
        print_line(f"grant `{made.grant_id}` {ends}")


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
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Take permissions back, from the next request on."""
    with open_desk(config, tenant) as desk:
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
        permissions = _number(len(taken.removed), "permission")
        print_line(f"{permissions} and {_number(len(grants), 'grant')} taken back")


@app.command("list")
def list_permissions(
    *,
    study: Annotated[str | None, typer.Option(help="Of this study.")] = None,
    user: User = None,
    group: Group = None,
    role: Role = None,
    orphans: Annotated[bool, typer.Option("--orphans", help="Of studies that no archive holds.")] = False,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List permissions: of one study, of one grantee, or all."""
    with open_desk(config, tenant) as desk:
        scope = desk.installation.scope
        named = any(each is not None for each in (user, group, role))
        if study is not None:
            if named or orphans:
                raise SettingsError("`--study` stands alone")
            found: Iterable[StudyPermission] = sorted(desk.permissions.of_study(scope, study), key=_of_whom)
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
    for _, of_one in groupby(permissions, key=_of_whom):
        held = list(of_one)
        # A letter may be made whole by what was given at another time.
        whole = letters_held(each.action for each in held)
        at_once: dict[tuple[object, ...], list[StudyPermission]] = {}
        for each in held:
            at_once.setdefault((each.origin, each.granted_by, each.granted_at), []).append(each)
        for given in at_once.values():
            first, actions = given[0], [each.action for each in given]
            yield {
                "study": first.study_instance_uid,
                "grantee": f"{first.grantee_kind}:{first.grantee}",
                "actions": sorted(actions),
                "letters": "".join(letter for letter in letters_touched(actions) if letter in whole),
                "origin": first.origin,
                "granted_by": first.granted_by,
                "granted_at": instant_text(first.granted_at),
            }


def _of_whom(permission: StudyPermission) -> tuple[str, GranteeKind, str]:
    return (permission.study_instance_uid, permission.grantee_kind, permission.grantee)


def _number(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
