"""Secrets that the configuration names by file: passwords, tokens, secrets of clients.

Called by the modules that wire archives, directories and OpenID providers.
"""

from pathlib import Path

from pacsgate.model.errors import SettingsError


def read_secret(path: Path, what: str) -> str:
    """The secret in a file, without the line end that editors add.  Raises `SettingsError`."""
    try:
        found = path.read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        raise SettingsError(f"cannot read the {what} `{path}`: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"cannot read the {what} `{path}`: it is not UTF-8 text") from error
    if not found:
        raise SettingsError(f"the {what} `{path}` is empty")
    return found
