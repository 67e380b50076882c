"""`pacsgate config`: look at a configuration before it is served."""

from pathlib import Path
from typing import Annotated

import typer

from pacsgate.cli.desk import DEFAULT_CONFIG, AsJson
from pacsgate.cli.failures import told
from pacsgate.cli.printing import print_json, print_line
from pacsgate.config import read_policy_sources, read_settings
from pacsgate.policy.document import load_policy

app = typer.Typer(help="Check the configuration file.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="The configuration file.")]


@app.command()
def check(file: File = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Read the configuration and the policy it names; name every problem with its place."""
    with told():
        settings = read_settings(file)
        policy = load_policy(read_policy_sources(settings.policy))
    if as_json:
        print_json({"ok": True, "archives": sorted(settings.archives), "policy": policy.revision})
    else:
        print_line(f"{file} is sound: {len(settings.archives)} archive(s), policy {policy.revision}")
