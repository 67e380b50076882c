"""`pacsgate policy check`, `test` and `lint`: what can be said of a policy by its text alone.

Called by `policy`, which gives the commands their names.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from pacsgate.bootstrap.clock import SystemClock
from pacsgate.bootstrap.policy_files import read_policy_sources
from pacsgate.cli.failures import FAILED, told
from pacsgate.cli.inquiry import everybody
from pacsgate.cli.installation import open_installation
from pacsgate.cli.loading import load_policy_shown
from pacsgate.cli.options import AsJson
from pacsgate.cli.printing import print_json, print_line
from pacsgate.model.errors import PolicyError, SettingsError
from pacsgate.policy.expectations import Report, run_expectations
from pacsgate.policy.language.expectations import load_expectations
from pacsgate.policy.lint import check as look_quickly
from pacsgate.policy.lint import lint as look_for_oddities
from pacsgate.policy.lint_census import Census
from pacsgate.policy.lint_findings import LintFinding, Severity

File = Annotated[Path, typer.Argument(help="A policy file, or a directory of them.")]
Beside = Annotated[
    Path | None, typer.Option("--config", "-c", help="Look beside the people of this installation.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Fail at warnings too.")]


def check(file: File = Path("policy.yaml"), as_json: AsJson = False) -> None:
    """Name every mistake with file, line and column; exit 1 if there is one.  Warnings do not fail."""
    with told():
        sources = read_policy_sources(file)
        try:
            policy = load_policy_shown(sources)
        except PolicyError as error:
            _print_diagnostics(error.diagnostics, (), as_json=as_json)
            raise typer.Exit(FAILED) from error
    _print_diagnostics((), (*look_quickly(policy), *policy.left), as_json=as_json)
    if not as_json:
        print_line(
            f"{file} is sound: {len(policy.rules)} rules, {len(policy.own_roles)} roles, "
            f"revision {policy.revision}"
        )


def lint(
    file: File = Path("policy.yaml"), strict: Strict = False, config: Beside = None, as_json: AsJson = False
) -> None:
    """Name what loads and is probably not meant; exit 1 if some of it must not stay so.

    With --config also the rules that concern none of the installation's accounts and archives.
    """
    with told():
        if config is None:
            found = look_for_oddities(load_policy_shown(read_policy_sources(file)))
        else:
            found = _beside_people(file, config)
    errors = [each for each in found if each.severity is Severity.ERROR]
    if as_json:
        print_json(
            [
                {
                    "oddity": each.oddity,
                    "severity": each.severity,
                    "file": each.diagnostic.file,
                    "line": each.diagnostic.line,
                    "message": each.diagnostic.message,
                    "suggestion": each.diagnostic.suggestion,
                }
                for each in found
            ]
        )
    else:
        for each in found:
            print_line(f"{each.severity}: {each}")
        print_line(f"{len(errors)} error(s), {len(found) - len(errors)} warning(s)")
    if errors or (strict and found):
        raise typer.Exit(FAILED)


def _beside_people(file: Path, config: Path) -> tuple[LintFinding, ...]:
    with open_installation(config) as installation:
        policy = load_policy_shown(
            read_policy_sources(file), installation.stores.directory.roles(installation.scope)
        )
        archives = installation.tenant_archives.of(installation.scope)
        return look_for_oddities(policy, Census.of(policy, everybody(installation), archives))


def test(
    expectations: Annotated[Path, typer.Argument(help="A file of expectations.")],
    policy: Annotated[Path, typer.Option("--policy", help="The policy to test.")] = Path("policy.yaml"),
    as_json: AsJson = False,
) -> None:
    """Ask the questions of a file and compare; exit 1 if an answer is not the expected one."""
    with told():
        loaded = load_policy_shown(read_policy_sources(policy))
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
                "coverage_percent": report.coverage_percent,
            }
        )
    else:
        _print_report(report)
    if report.failures:
        raise typer.Exit(FAILED)


def _print_report(report: Report) -> None:
    for failure in report.failures:
        expected = "allow" if failure.expectation.allowed else "deny"
        print_line(f"{failure.expectation.place}: `{failure.expectation.name}`: expected {expected}, but")
        print_line("  " + failure.explanation.for_administrator().replace("\n", "\n  "))
    print_line(f"{len(report.outcomes) - len(report.failures)} met, {len(report.failures)} failed")
    print_line(f"{report.coverage_percent} % of the rules are touched by an expectation")
    if report.unproven:
        print_line(f"no expectation touches: {', '.join(report.unproven)}")


def _print_diagnostics(errors: Iterable[object], warnings: Iterable[object], *, as_json: bool) -> None:
    if as_json:
        print_json({"errors": [str(one) for one in errors], "warnings": [str(one) for one in warnings]})
        return
    for one in errors:
        sys.stderr.write(f"{one}\n")
    for one in warnings:
        sys.stderr.write(f"warning: {one}\n")
