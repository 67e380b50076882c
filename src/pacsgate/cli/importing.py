"""`pacsgate import`: bring the policy of another system over, into the native language."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from pacsgate.cli.desk import open_desk
from pacsgate.cli.failures import told
from pacsgate.cli.import_dcm4chee import dcm4chee
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, print_json, print_line
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.policy.document import load_policy
from pacsgate.policy.foreign.formats import ForeignFormat
from pacsgate.policy.foreign.native_text import native_text
from pacsgate.policy.foreign.reading import Foreign
from pacsgate.policy.foreign.registry import READERS
from pacsgate.policy.foreign.zhiva.registered import is_configuration, registered_passwords
from pacsgate.policy.foreign.zhiva.samples import SAMPLE_PASSWORDS
from pacsgate.policy.language.problems import Problems
from pacsgate.services.import_accounts import ImportAccounts, PlannedAccount

app = typer.Typer(help="Bring the policy of another system over.", no_args_is_help=True)
app.command()(dcm4chee)

Files = Annotated[list[Path], typer.Argument(help="The files of the other system.")]
Into = Annotated[Path, typer.Option("--into", help="The directory to write the policy file to.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


@app.command()
def zhiva(
    files: Files,
    into: Into,
    dry_run: DryRun = False,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Read `orthanc.json` and `IncomingHttpRequestFilter.lua`; make a policy file, and the accounts."""
    with told():
        texts = _texts(files)
        foreign = _read(ForeignFormat.ZHIVA, texts)
        target, text = _policy_file(ForeignFormat.ZHIVA, foreign, into)
        passwords = _passwords(texts, foreign)
    with open_desk(config, tenant) as desk:
        importer = ImportAccounts(desk.users, SAMPLE_PASSWORDS)
        accounts = importer.plan(desk.installation.scope, passwords)
        if not dry_run:
            importer.make(desk.change(), accounts, passwords)
            _write(target, text)
    _report(foreign, target, accounts, dry_run=dry_run, as_json=as_json)


@app.command("research-pacs")
def research_pacs(files: Files, into: Into, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Read permissions files of Research PACS on AWS; make a policy file."""
    _import_policy(ForeignFormat.RESEARCH_PACS, files, into, dry_run=dry_run, as_json=as_json)


@app.command("orthanc-auth")
def orthanc_auth(files: Files, into: Into, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Read `permissions.json` of orthanc-auth-service; make a policy file."""
    _import_policy(ForeignFormat.ORTHANC_AUTH, files, into, dry_run=dry_run, as_json=as_json)


def _import_policy(
    foreign_format: ForeignFormat, files: list[Path], into: Path, *, dry_run: bool, as_json: bool
) -> None:
    with told():
        foreign = _read(foreign_format, _texts(files))
        target, text = _policy_file(foreign_format, foreign, into)
        if not dry_run:
            _write(target, text)
    _report(foreign, target, (), dry_run=dry_run, as_json=as_json)


def _texts(files: list[Path]) -> Mapping[str, str]:
    texts: dict[str, str] = {}
    for file in files:
        if file.name in texts:
            raise SettingsError(f"two files are called `{file.name}`: rename one of them")
        try:
            texts[file.name] = file.read_text(encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"cannot read `{file}`: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SettingsError(f"cannot read `{file}`: it is not UTF-8 text") from error
    return texts


def _read(foreign_format: ForeignFormat, texts: Mapping[str, str]) -> Foreign:
    problems = Problems()
    foreign = READERS[foreign_format](texts, problems)
    problems.raise_if_any()
    return foreign


def _passwords(texts: Mapping[str, str], foreign: Foreign) -> Mapping[str, str]:
    """The passwords of those who have a role."""
    people = frozenset().union(*(given.users for given in foreign.assignments))
    (configuration,) = (file for file in texts if is_configuration(file))
    found = registered_passwords(configuration, texts[configuration], Problems())
    return {name: found[name] for name in people}


def _policy_file(foreign_format: ForeignFormat, foreign: Foreign, into: Path) -> tuple[Path, str]:
    """Where the policy goes, and its text; what the language refuses is refused before anything is done."""
    target = into / f"{foreign_format}.yaml"
    if target.exists():
        raise SettingsError(f"`{target}` exists already: move it away, or name another directory")
    text = native_text(foreign, f"Imported from the files of {foreign_format}.")
    load_policy({target.name: text})
    return target, text


def _write(target: Path, text: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SettingsError(f"cannot write `{target}`: {error.strerror}") from error


def _report(
    foreign: Foreign, target: Path, accounts: tuple[PlannedAccount, ...], *, dry_run: bool, as_json: bool
) -> None:
    if as_json:
        print_json(
            {
                "policy": str(target),
                "dry_run": dry_run,
                "roles": len(foreign.roles),
                "rules": len(foreign.rules),
                "assignments": len(foreign.assignments),
                "accounts": [_row(account) for account in accounts],
                "not_carried_over": [str(left) for left in foreign.left],
            }
        )
        return
    would = "would be " if dry_run else ""
    print_line(
        f"{target} {would}written: {len(foreign.roles)} roles, {len(foreign.rules)} rules, "
        f"{len(foreign.assignments)} assignments"
    )
    for account in accounts:
        print_line(_sentence(account, would))
    if foreign.left:
        print_line("not carried over:")
    for left in foreign.left:
        print_line(f"  {left}")


def _row(account: PlannedAccount) -> Json:
    return {
        "name": account.name,
        "made": account.is_made,
        "with_password": account.has_password,
        "why": account.why,
    }


def _sentence(account: PlannedAccount, would: str) -> str:
    if not account.is_made:
        return f"account `{account.name}` {would}not made: {account.why}"
    if account.has_password:
        return f"account `{account.name}` {would}made, with its password"
    hint = f"`pacsgate user password {account.name}` gives it one"
    return f"account `{account.name}` {would}made without a password: {account.why}; {hint}"
