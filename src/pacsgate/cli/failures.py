"""What goes wrong in a command becomes a sentence on standard error and an exit code.

Called by every command: 1 says that it failed or the answer is no, 2 that it
was asked wrongly.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from pacsgate.model.errors import PacsgateError, RequestError, SettingsError

FAILED = 1
WRONG_USAGE = 2


@contextmanager
def told() -> Iterator[None]:
    """Turn our own errors into their sentence and exit code."""
    try:
        yield
    except (SettingsError, RequestError) as error:
        _tell(error)
        raise typer.Exit(WRONG_USAGE) from error
    except PacsgateError as error:
        _tell(error)
        raise typer.Exit(FAILED) from error


def _tell(error: PacsgateError) -> None:
    """Whoever works at the command line could read the log too, so they are told the detail."""
    detail = f" ({error.detail})" if error.detail else ""
    sys.stderr.write(f"pacsgate: {error.public}{detail}\n")
