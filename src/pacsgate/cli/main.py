"""`pacsgate`: everything one does at a terminal.

Called by the console script and by `python -m pacsgate`.
"""

from typing import Annotated

import typer

from pacsgate import __version__
from pacsgate.cli.command_table import CommandTable

app = typer.Typer(
    name="pacsgate",
    cls=CommandTable,
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
    # Imported here, since no help and no version writes a log.
    from pacsgate.bootstrap.logs import configure_logs  # noqa: PLC0415 - it costs as much as all of Typer

    configure_logs()


def main() -> None:
    """Run the command line."""
    app()
