"""`pacsgate policy`: check a policy, test it, and ask what it means for people and studies."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pacsgate.bootstrap.clock import SystemClock
from pacsgate.bootstrap.installation import Installation
from pacsgate.cli.desk import DEFAULT_CONFIG, AsJson, Config
from pacsgate.cli.failures import FAILED, told
from pacsgate.cli.installation import named_archive, open_installation
from pacsgate.cli.printing import Json, print_json, print_line, print_table
from pacsgate.config import read_policy_sources
from pacsgate.identity.subjects import subject_of
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow
from pacsgate.model.errors import NotFoundError, PolicyError, SettingsError
from pacsgate.model.resource import ArchiveName
from pacsgate.model.subject import Credential, Subject
from pacsgate.policy import examine
from pacsgate.policy.document import load_policy
from pacsgate.policy.expectations import run_expectations
from pacsgate.policy.explain import Explanation
from pacsgate.policy.explain import explain as explain_decision
from pacsgate.policy.language.expectations import load_expectations
from pacsgate.policy.policy import Policy
from pacsgate.ports import StudyEntry, UserRecord

app = typer.Typer(help="Check policies and ask what they mean.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="A policy file, or a directory of them.")]
User = Annotated[str, typer.Argument(help="A user's name.")]
ActionName = Annotated[Action, typer.Argument(help="An action on images.")]
StudyUid = Annotated[str, typer.Argument(help="A StudyInstanceUID.")]
Archive = Annotated[str | None, typer.Option("--archive", help="The archive; the default one otherwise.")]
Network = Annotated[str, typer.Option("--network", help="Ask as if from this network zone.")]
Purpose = Annotated[str, typer.Option("--purpose", help="Ask for this purpose of use.")]


@app.command()
def check(file: File = Path("policy.yaml"), as_json: AsJson = False) -> None:
    """Name every mistake with file, line and column; exit 1 if there is one.  Warnings do not fail."""
    with told():
        sources = read_policy_sources(file)
        try:
            policy = load_policy(sources)
        except PolicyError as error:
            _print_diagnostics(error.diagnostics, (), as_json=as_json)
            raise typer.Exit(FAILED) from error
    _print_diagnostics((), examine.check(policy), as_json=as_json)
    if not as_json:
        print_line(
            f"{file} is sound: {len(policy.rules)} rules, {len(policy.roles)} roles, "
            f"revision {policy.revision}"
        )


@app.command()
def test(
    expectations: Annotated[Path, typer.Argument(help="A file of expectations.")],
    policy: Annotated[Path, typer.Option("--policy", help="The policy to test.")] = Path("policy.yaml"),
    as_json: AsJson = False,
) -> None:
    """Ask the questions of a file and compare; exit 1 if an answer is not the expected one."""
    with told():
        loaded = load_policy(read_policy_sources(policy))
        try:
            text = expectations.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"cannot read `{expectations}`: {error}") from error
        report = run_expectations(
            loaded, load_expectations(expectations.name, text, loaded, SystemClock().now())
        )
    if as_json:
        print_json(
            {
                "met": len(report.outcomes) - len(report.failures),
                "failed": [failure.expectation.name for failure in report.failures],
                "rules_without_expectation": list(report.unproven),
            }
        )
    else:
        for failure in report.failures:
            expected = "allow" if failure.expectation.allowed else "deny"
            print_line(f"{failure.expectation.place}: `{failure.expectation.name}`: expected {expected}, but")
            print_line("  " + failure.explanation.for_administrator().replace("\n", "\n  "))
        print_line(f"{len(report.outcomes) - len(report.failures)} met, {len(report.failures)} failed")
        if report.unproven:
            print_line(f"no expectation touches: {', '.join(report.unproven)}")
    if report.failures:
        raise typer.Exit(FAILED)


@app.command()
def explain(
    user: User,
    action: ActionName,
    study: StudyUid,
    series: Annotated[str | None, typer.Option("--series", help="One SeriesInstanceUID.")] = None,
    archive: Archive = None,
    network: Network = "external",
    purpose: Purpose = "TREAT",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Say why a user may or may not do something to a study; exit 1 if not."""
    with told(), open_installation(config) as installation:
        name = named_archive(installation, archive)
        policy, context = _policy(installation), _context(installation, network, purpose)
        subject = _subject(installation, _user(installation, user))
        grants = installation.stores.directory.grants(installation.scope)
        explanations = [
            (
                one.series_instance_uid,
                explain_decision(policy, subject, context, name, grants, action, entry.facts_of(one)),
            )
            for entry in _entries(installation, name, study)
            for one in entry.series
            if series in {None, one.series_instance_uid}
        ]
    allowed = any(isinstance(found.decision, Allow) for _, found in explanations)
    if as_json:
        print_json(
            {
                "allowed": allowed,
                "series": [
                    {
                        "series_instance_uid": uid,
                        "allowed": isinstance(found.decision, Allow),
                        "reasons": [str(reason) for reason in found.decision.reasons],
                        "explanation": found.for_administrator(),
                        "message": found.for_user(),
                    }
                    for uid, found in explanations
                ],
            }
        )
    else:
        _print_explanations(explanations)
    if not allowed:
        raise typer.Exit(FAILED)


@app.command("who-can")
def who_can(
    action: ActionName,
    study: StudyUid,
    archive: Archive = None,
    network: Network = "external",
    purpose: Purpose = "TREAT",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List the users who may do something to a study; exit 1 if there is none."""
    with told(), open_installation(config) as installation:
        name = named_archive(installation, archive)
        entries = _entries(installation, name, study)
        subjects = [_subject(installation, record) for record in _enabled(installation)]
        series = [entry.facts_of(one) for entry in entries for one in entry.series]
        found = examine.who_can(
            _policy(installation),
            subjects,
            _context(installation, network, purpose),
            name,
            installation.stores.directory.grants(installation.scope),
            study=study,
            series=series,
        )
        rows: list[dict[str, Json]] = [
            {"user": access.subject, "series": access.allowed[action], "of": access.series}
            for access in found
            if action in access.allowed
        ]
    _print_rows(rows, ("user", "series", "of"), "Nobody may.", as_json=as_json)


@app.command("what-can")
def what_can(
    user: User,
    archive: Archive = None,
    network: Network = "external",
    purpose: Purpose = "TREAT",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List the studies of which a user may do anything, and what; exit 1 if there is none."""
    with told(), open_installation(config) as installation:
        name = named_archive(installation, archive)
        found = examine.what_can(
            _policy(installation),
            _subject(installation, _user(installation, user)),
            _context(installation, network, purpose),
            name,
            installation.stores.directory.grants(installation.scope),
            studies=(
                (entry.study_instance_uid, [entry.facts_of(one) for one in entry.series])
                for entry in installation.stores.index.every_study(installation.scope, name)
            ),
        )
        rows: list[dict[str, Json]] = [
            {
                "study": access.study,
                "series": access.series,
                "actions": {action.value: count for action, count in access.allowed.items()}
                if as_json
                else [_counted(action, count, access.series) for action, count in access.allowed.items()],
            }
            for access in found
        ]
    _print_rows(rows, ("study", "series", "actions"), "Nothing.", as_json=as_json)


def _counted(action: Action, count: int, series: int) -> str:
    """An action, and on how many of a study's series it is allowed if that is not all of them."""
    return action.value if count == series else f"{action.value} ({count} of {series})"


def _policy(installation: Installation) -> Policy:
    policy = installation.policy()
    if policy is None:
        raise NotFoundError("no policy has been activated yet: `pacsgate serve` activates the configured one")
    return policy


def _context(installation: Installation, network: str, purpose: str) -> Context:
    return Context(now=installation.clock.now(), request_id="cli", network=network, purpose=purpose)


def _user(installation: Installation, name: str) -> UserRecord:
    record = installation.stores.directory.user(installation.scope, name)
    if record is None:
        raise NotFoundError(f"no user is called `{name}`; `pacsgate user list` shows those that exist")
    return record


def _enabled(installation: Installation) -> list[UserRecord]:
    return [
        record for record in installation.stores.directory.users(installation.scope) if not record.disabled
    ]


def _subject(installation: Installation, record: UserRecord) -> Subject:
    return subject_of(
        record, installation.scope.tenant, Credential.PASSWORD, authenticated_at=installation.clock.now()
    )


def _entries(installation: Installation, archive: ArchiveName, study: str) -> tuple[StudyEntry, ...]:
    entries = installation.stores.index.studies(installation.scope, archive, study)
    if not entries:
        raise NotFoundError(f"no study `{study}` is in the index of `{archive}`")
    return entries


def _print_explanations(explanations: list[tuple[str, Explanation]]) -> None:
    """Say what all series have in common once, and name those that differ."""
    by_text: dict[str, list[str]] = {}
    for uid, found in explanations:
        by_text.setdefault(found.for_administrator(), []).append(uid)
    for text, uids in by_text.items():
        if len(by_text) > 1:
            print_line(f"series {', '.join(uids)}:")
        print_line(text)


def _print_rows(
    rows: list[dict[str, Json]], columns: tuple[str, ...], nothing: str, *, as_json: bool
) -> None:
    if as_json:
        print_json(rows)
    else:
        print_table(rows, columns, nothing)
    if not rows:
        raise typer.Exit(FAILED)


def _print_diagnostics(errors: tuple[object, ...], warnings: tuple[object, ...], *, as_json: bool) -> None:
    if as_json:
        print_json({"errors": [str(one) for one in errors], "warnings": [str(one) for one in warnings]})
        return
    for one in errors:
        sys.stderr.write(f"{one}\n")
    for one in warnings:
        sys.stderr.write(f"warning: {one}\n")
