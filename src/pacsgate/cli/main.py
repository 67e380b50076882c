"""`pacsgate`: everything one does at a terminal.

Called by the console script and by `python -m pacsgate`.
"""

from typing import Annotated

import typer

from pacsgate import __version__
from pacsgate.bootstrap.logs import configure_logs
from pacsgate.cli import audit, grants, index, policy, roles, serving, studies, tokens, users, viewer
from pacsgate.cli import configuration as configuration_commands
from pacsgate.cli.demo.command import demo

app = typer.Typer(
    name="pacsgate",
    help="One gate in front of every picture archive: who may see this study, and who did?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pacsgate {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """One gate in front of every picture archive: who may see this study, and who did?"""
    # Standard output belongs to the answer of a command, so that `--json` can be read.
    configure_logs()


app.command()(demo)
app.command()(serving.init)
app.command()(serving.serve)
app.add_typer(configuration_commands.app, name="config")
app.add_typer(policy.app, name="policy")
app.add_typer(index.app, name="index")
app.add_typer(audit.app, name="audit")
app.add_typer(studies.app, name="study")
app.add_typer(users.app, name="user")
app.add_typer(roles.app, name="role")
app.add_typer(grants.app, name="grant")
app.add_typer(tokens.app, name="token")
app.add_typer(viewer.app, name="viewer")


def main() -> None:
    """Run the command line."""
    app()
