"""Where a new password comes from: a prompt, standard input or chance; never the command line.

Whatever is an argument of a command can be read in the list of processes.

Called by `users`.
"""

import sys
from typing import Annotated

import typer

from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.model.errors import SettingsError

FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
Generate = Annotated[bool, typer.Option("--generate", help="Make up a password and print it, once.")]


def ask_password(passwords: Argon2Passwords, *, from_stdin: bool, generate: bool) -> str:
    """A new password."""
    if from_stdin and generate:
        raise SettingsError("`--password-stdin` and `--generate` exclude each other")
    if generate:
        return passwords.generate()
    if from_stdin:
        # One line end belongs to the pipe, all else to the password.
        return sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not sys.stdin.isatty():
        raise SettingsError("nobody is there to type a password: give `--password-stdin` or `--generate`")
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed
