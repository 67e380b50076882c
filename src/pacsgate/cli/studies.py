"""`pacsgate study`: what administrators know about a study and DICOM does not."""

from typing import Annotated

import typer

from pacsgate.cli.desk import Desk, open_desk
from pacsgate.cli.installation import named_archive
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import print_json, print_table
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.services.classify_study import Classification, ClassifyStudy

app = typer.Typer(help="Labels and collections of studies.", no_args_is_help=True)

StudyUid = Annotated[str, typer.Argument(help="A StudyInstanceUID.")]
Archive = Annotated[str | None, typer.Option("--archive", help="The archive; the default one otherwise.")]
Add = Annotated[list[str] | None, typer.Option("--add", help="One to add; may be repeated.")]
Remove = Annotated[list[str] | None, typer.Option("--remove", help="One to remove; may be repeated.")]


@app.command()
def show(
    study: StudyUid,
    archive: Archive = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show a study's labels and collections."""
    with open_desk(config, tenant) as desk:
        found = _use_case(desk).classification(
            desk.installation.scope, named_archive(desk.installation, archive), study
        )
    _print(study, found, as_json=as_json)


@app.command()
def label(
    study: StudyUid,
    add: Add = None,
    remove: Remove = None,
    archive: Archive = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Add and remove labels, which policies read as `study.labels`."""
    with open_desk(config, tenant) as desk:
        name, use_case = named_archive(desk.installation, archive), _use_case(desk)
        before = use_case.classification(desk.installation.scope, name, study)
        after = use_case.change(desk.change(), name, study, labels=_changed(before.labels, add, remove))
    _print(study, after, as_json=as_json)


@app.command()
def collect(
    study: StudyUid,
    add: Add = None,
    remove: Remove = None,
    archive: Archive = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Put a study into collections and take it out, which policies read as `study.collections`."""
    with open_desk(config, tenant) as desk:
        name, use_case = named_archive(desk.installation, archive), _use_case(desk)
        before = use_case.classification(desk.installation.scope, name, study)
        after = use_case.change(
            desk.change(), name, study, collections=_changed(before.collections, add, remove)
        )
    _print(study, after, as_json=as_json)


def _use_case(desk: Desk) -> ClassifyStudy:
    return ClassifyStudy(desk.office, desk.installation.stores.index)


def _changed(before: frozenset[str], add: list[str] | None, remove: list[str] | None) -> frozenset[str]:
    if not add and not remove:
        raise SettingsError("say what to change with `--add` or `--remove`")
    return (before | set(add or ())) - set(remove or ())


def _print(study: str, found: Classification, *, as_json: bool) -> None:
    row = {"study": study, "labels": sorted(found.labels), "collections": sorted(found.collections)}
    if as_json:
        print_json(row)
    else:
        print_table([row], ("study", "labels", "collections"), "")
