"""`pacsgate config`: look at a configuration before it is served."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pacsgate.bootstrap.issuers import check_issuers
from pacsgate.bootstrap.occurrences import check_dcm4chee
from pacsgate.bootstrap.policy_files import read_all_policy_sources
from pacsgate.bootstrap.server_tls import check_server_tls
from pacsgate.cli.desk import DEFAULT_CONFIG, AsJson
from pacsgate.cli.failures import told
from pacsgate.cli.loading import load_policy_shown
from pacsgate.cli.printing import print_json, print_line
from pacsgate.config import read_settings

app = typer.Typer(help="Check the configuration file.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="The configuration file.")]


@app.command()
def check(file: File = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Read the configuration and the policy it names; name every problem with its place."""
    with told():
        settings = read_settings(file)
        check_dcm4chee(settings)
        check_issuers(settings)
        check_server_tls(settings)
        policy = load_policy_shown(read_all_policy_sources(settings))
    if as_json:
        print_json(
            {
                "ok": True,
                "archives": sorted(settings.archives),
                "policy": policy.revision,
                "not_carried_over": [str(left) for left in policy.left],
            }
        )
    else:
        for left in policy.left:
            sys.stderr.write(f"warning: {left}\n")
        print_line(f"{file} is sound: {len(settings.archives)} archive(s), policy {policy.revision}")
