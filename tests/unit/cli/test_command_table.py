"""The list of commands is told without importing them, and tells what they themselves tell."""

import subprocess
import sys

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from pacsgate.cli.command_table import COMMANDS
from pacsgate.cli.main import app


def group() -> TyperGroup:
    made = typer.main.get_command(app)
    assert isinstance(made, TyperGroup)
    return made


@pytest.mark.parametrize("name", list(COMMANDS))
def test_the_list_says_of_a_command_what_it_says_of_itself(name):
    table = group()
    command = table.get_command(typer.Context(table), name)
    assert command.name == name
    assert command.help.partition("\n")[0] == COMMANDS[name].about


def test_asking_for_help_imports_no_command():
    program = (
        "import sys\n"
        "from pacsgate.cli.main import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    *listed, modules = done.stdout.splitlines()
    assert COMMANDS.keys() <= {line.split()[0] for line in listed if line.startswith("  ")}
    assert not {"sqlalchemy", "pydicom", "aiohttp", "structlog", "starlette"} & set(modules.split())


def test_a_slip_of_the_finger_is_answered_with_what_was_meant():
    result = CliRunner().invoke(app, ["usr", "list"])
    assert result.exit_code == 2
    assert "Did you mean 'user'?" in result.output
