"""`pacsgate policy diff`: what another policy would give and take, counted.

Called by `policy`, which gives it its name.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from pacsgate.bootstrap.clock import SystemClock
from pacsgate.bootstrap.installation import Installation
from pacsgate.cli.difference_text import difference_json, print_difference
from pacsgate.cli.failures import FAILED, told
from pacsgate.cli.inquiry import GIVEN_REASON, Network, Purpose
from pacsgate.cli.installation import open_installation
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.policy_sources import names_files, policy_named
from pacsgate.cli.printing import print_json, print_line
from pacsgate.model.context import Context
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.policy.difference_summary import Difference
from pacsgate.policy.language.expectations import load_expectations
from pacsgate.policy.policy import Policy
from pacsgate.services.compare_examples import compare_examples

Old = Annotated[str, typer.Argument(help="A policy file or directory, a revision, or `live`.")]
New = Annotated[str, typer.Argument(help="The other one.")]
Examples = Annotated[
    Path | None,
    typer.Option("--examples", help="Without an index: count over the people and studies of expectations."),
]


def diff(
    old: Old,
    new: New,
    examples: Examples = None,
    network: Network = "external",
    purpose: Purpose = "TREAT",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Count who gains and who loses which studies, by action and by rule; exit 1 if anybody does.

    Counted over the accounts and the index of the installation, under all circumstances that the rules
    tell apart, or with `--examples` over those of a file of expectations, without an installation.
    """
    with told(), ExitStack() as stack:
        installation = None
        if examples is None:
            installation = stack.enter_context(_installation(config, tenant, old, new))
        before, after = policy_named(old, installation), policy_named(new, installation)
        now = SystemClock().now() if installation is None else installation.clock.now()
        asked = Context(now=now, request_id="cli", network=network, purpose=purpose, reason=GIVEN_REASON)
        if installation is None:
            found = _over_examples(examples, before, after, asked)
        else:
            found = installation.comparison.compare(installation.scope, before, after, asked)
    if as_json:
        print_json(difference_json(found))
    else:
        print_difference(found)
        if installation is None:
            print_line("counted over examples: how many real studies that is, only an index can say")
    if not found.is_empty:
        raise typer.Exit(FAILED)


def _installation(config: Path, tenant: str, old: str, new: str) -> Installation:
    if not config.exists() and names_files(old) and names_files(new):
        raise SettingsError(
            f"there is no installation to count in at `{config}`: name one with --config, "
            "or a file of expectations with --examples"
        )
    return open_installation(config, tenant)


def _over_examples(file: Path | None, old: Policy, new: Policy, asked: Context) -> Difference:
    if file is None:
        raise SettingsError("name a file of expectations with --examples")
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read `{file}`: {error}") from error
    return compare_examples(old, new, load_expectations(file.name, text, new, asked.now), asked)
