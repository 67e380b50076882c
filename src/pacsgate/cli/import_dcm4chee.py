"""`pacsgate import dcm4chee`: tables, configuration files, stylesheets and LDIF of a dcm4chee 2 or 5."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from pacsgate.bootstrap.occurrences import stylesheet_runner
from pacsgate.cli.desk import Desk, open_desk
from pacsgate.cli.installation import named_archive
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, print_json, print_line
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.stylesheet import StylesheetName
from pacsgate.policy.document import load_policy
from pacsgate.policy.foreign.dcm4chee.reader import Imported, Origin, Source, read_dcm4chee
from pacsgate.policy.foreign.dcm4chee.store_labels import store_labels_text
from pacsgate.policy.foreign.native_text import native_text
from pacsgate.services.import_dcm4chee import ImportDcm4chee, Plan

Files = Annotated[
    list[Path], typer.Argument(help="Dumps or CSV of its tables, its XML files, stylesheets, LDIF.")
]
Into = Annotated[Path, typer.Option("--into", help="The directory to write the policy file to.")]
Archive = Annotated[str | None, typer.Option("--archive", help="The archive that its rules hold for.")]
Owner = Annotated[
    str | None,
    typer.Option("--owner", help="Who answers for its roles and devices; else whoever imports."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]

_POLICY = "dcm4chee.yaml"
_STORE_LABELS = "dcm4chee-store-labels.yaml"
_KEYS = {
    StylesheetName.SERIES: "series_stylesheet",
    StylesheetName.PROCEDURE_STEP: "mpps_stylesheet",
    StylesheetName.MESSAGE: "hl7_stylesheet",
}


class Unlabelled(StrEnum):
    """Whose a study is that has no access control id."""

    PRIVATE = "private"
    PUBLIC = "public"


UnlabelledIs = Annotated[
    Unlabelled,
    typer.Option("--unlabelled", help="Whose studies without an access control id of dcm4chee 5 are."),
]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What was read, and what came of it."""

    imported: Imported
    plan: Plan
    policy: Path
    store_labels: Path | None
    settings: tuple[str, ...]
    added: int = 0


def dcm4chee(
    files: Files,
    into: Into,
    archive: Archive = None,
    owner: Owner = None,
    unlabelled: UnlabelledIs = Unlabelled.PRIVATE,
    dry_run: DryRun = False,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Read what a dcm4chee knows of who may do what; make a policy file, accounts, devices, permissions."""
    with open_desk(config, tenant) as desk:
        imported = _read(desk, files, archive, owner, unlabelled)
        policy, text = _policy(imported, into)
        # Not beside the policy: a directory of policies is read whole.
        labels = None if imported.store_labels is None else config.resolve().parent / _STORE_LABELS
        _refuse_existing(policy, labels)
        settings = (*_settings(imported, files, labels), *_titles(desk, imported, archive))
        importer = ImportDcm4chee(desk.users, desk.devices, desk.permissions)
        plan = importer.plan(desk.installation.scope, imported)
        added = 0
        if not dry_run:
            _write(policy, text)
            if labels is not None and imported.store_labels is not None:
                _write(labels, store_labels_text(imported.store_labels))
            importer.make(desk.change(), plan)
            added = _permit(importer, desk, imported, files)
    _report(_Outcome(imported, plan, policy, labels, settings, added), dry_run=dry_run, as_json=as_json)


def _read(
    desk: Desk, files: list[Path], archive: str | None, owner: str | None, unlabelled: Unlabelled
) -> Imported:
    chosen = named_archive(desk.installation, archive)
    answers = owner or desk.installation.actor().name
    origin = Origin(chosen, answers, unlabelled_is_public=unlabelled is Unlabelled.PUBLIC)
    return read_dcm4chee([_source(file) for file in files], origin)


def _source(file: Path) -> Source:
    def lines() -> Iterator[str]:
        try:
            with file.open(encoding="utf-8", newline="") as opened:
                yield from opened
        except OSError as error:
            raise SettingsError(f"cannot read `{file}`: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SettingsError(f"cannot read `{file}`: it is not UTF-8 text") from error

    return Source(file.name, lines)


def _policy(imported: Imported, into: Path) -> tuple[Path, str]:
    """Where the policy goes, and its text; what the language refuses is refused before anything is done."""
    text = native_text(imported.foreign, "Imported from the files of a dcm4chee.")
    load_policy({_POLICY: text})
    return into / _POLICY, text


def _refuse_existing(*targets: Path | None) -> None:
    for target in targets:
        if target is not None and target.exists():
            raise SettingsError(f"`{target}` exists already: move it away, or name another directory")


def _settings(imported: Imported, files: list[Path], labels: Path | None) -> Iterator[str]:
    """Lines for the configuration; stylesheets that could never run are refused."""
    paths = {file.name: file.resolve() for file in files}
    if len(paths) < len(files):
        raise SettingsError("two files have the same name: rename one of them")
    unnamed = sorted(set(imported.stylesheets) - set(StylesheetName))
    if unnamed:
        known = ", ".join(f"`{name}`" for name in StylesheetName)
        raise SettingsError(
            f"`{unnamed[0]}` is a stylesheet, but none of {known}: rename it after what it is for"
        )
    named = {name: paths[name] for name in StylesheetName if name in imported.stylesheets}
    runner = stylesheet_runner(named)
    try:
        runner.check()
    finally:
        runner.close()
    if named or labels is not None:
        yield "dcm4chee:"
    yield from (f"  {_KEYS[name]}: {path}" for name, path in named.items())
    if labels is not None:
        yield f"  store_labels: {labels}"


def _titles(desk: Desk, imported: Imported, archive: str | None) -> Iterator[str]:
    """The AE titles that the gate must answer under from now on."""
    if imported.titles:
        yield "dicom:"
        yield "  ae_titles:"
    chosen = archive or desk.installation.main_archive
    yield from (f"    {title}: {{archive: {chosen}}}" for title in imported.titles)


def _permit(importer: ImportDcm4chee, desk: Desk, imported: Imported, files: list[Path]) -> int:
    """Bring the permissions over, with a bar for whoever watches."""
    digest = sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(file_digest(file, "sha256").digest())
    with Progress(disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("study permissions", total=None)
        origin = f"import dcm4chee {digest.hexdigest()[:16]}"
        return importer.permit(
            desk.change(), imported, origin, lambda done: progress.update(task, completed=done)
        )


def _write(target: Path, text: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SettingsError(f"cannot write `{target}`: {error.strerror}") from error


def _report(outcome: _Outcome, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json(_json(outcome, dry_run=dry_run))
        return
    foreign, would = outcome.imported.foreign, "would be " if dry_run else ""
    print_line(
        f"{outcome.policy} {would}written: {len(foreign.roles)} roles, {len(foreign.rules)} rules, "
        f"{len(foreign.assignments)} assignments"
    )
    print_line("  it counts once `policy:` in the configuration names its directory, which is read whole")
    _report_accounts(outcome.plan, would)
    _report_devices(outcome.plan, would)
    added = "" if dry_run else f", {outcome.added} actions of it new"
    print_line(f"{outcome.imported.permissions} rows of study permissions {would}brought over{added}")
    if outcome.settings:
        print_line("for the configuration:")
    for line in (*outcome.settings, *(["not carried over:"] if foreign.left else [])):
        print_line(line)
    for left in foreign.left:
        print_line(f"  {left}")


def _report_accounts(plan: Plan, would: str) -> None:
    for account, planned in plan.accounts:
        there = "" if planned.there == planned.name else f" (there `{planned.there}`)"
        if planned.why is not None:
            print_line(f"account `{planned.name}`{there} {would}not made: {planned.why}")
        else:
            print_line(f"account `{planned.name}`{there}, a {account.kind}, {would}made without a password")
    if any(planned.why is None for _, planned in plan.accounts):
        print_line(
            "  passwords stay there: they are SHA-1 without salt, so whoever has the dump may have them all; "
            "`pacsgate user password NAME` gives a new one"
        )


def _report_devices(plan: Plan, would: str) -> None:
    for entity, planned in plan.entities:
        if planned.why is not None:
            print_line(f"device `{planned.name}` {would}not made: {planned.why}")
        else:
            print_line(f"device `{planned.name}` at {entity.host}:{entity.port} {would}made")
    if any(planned.why is None for _, planned in plan.entities):
        print_line(
            "  nothing proves yet that a caller is one of these: "
            "`pacsgate device change` gives networks or certificates"
        )


def _json(outcome: _Outcome, *, dry_run: bool) -> dict[str, Json]:
    foreign = outcome.imported.foreign
    return {
        "policy": str(outcome.policy),
        "store_labels": None if outcome.store_labels is None else str(outcome.store_labels),
        "dry_run": dry_run,
        "roles": len(foreign.roles),
        "rules": len(foreign.rules),
        "assignments": len(foreign.assignments),
        "accounts": [
            {
                "name": planned.name,
                "there": planned.there,
                "kind": account.kind.value,
                "made": planned.why is None,
                "with_password": False,
                "why": planned.why,
            }
            for account, planned in outcome.plan.accounts
        ],
        "devices": [
            {
                "ae_title": entity.ae_title,
                "host": entity.host,
                "port": entity.port,
                "tls": entity.tls,
                "account": entity.account,
                "made": planned.why is None,
                "why": planned.why,
            }
            for entity, planned in outcome.plan.entities
        ],
        "permissions": {"rows": outcome.imported.permissions, "actions_added": outcome.added},
        "configuration": list(outcome.settings),
        "not_carried_over": [str(left) for left in foreign.left],
    }
