"""`pacsgate viewer`: bring the OHIF viewer, as its makers built it.

The package comes from the npm registry at a pinned version and hash; nothing
else is installed, and none of its code runs here.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from pacsgate.cli.failures import told
from pacsgate.cli.options import AsJson
from pacsgate.cli.printing import print_json, print_line
from pacsgate.cli.viewer_base import move_to_base
from pacsgate.model.errors import SettingsError

app = typer.Typer(help="Install the OHIF image viewer.", no_args_is_help=True)

PACKAGE = "@ohif/app"
VERSION = "3.13.2"
INTEGRITY = "sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="
"""As the registry states it for this version; checked on what really arrived."""

_DIST = "package/dist/"
_SECONDS = 300

Directory = Annotated[
    Path | None, typer.Option("--directory", help="Where to put it; the user's data directory otherwise.")
]


@app.callback()
def _group() -> None:
    """Install the OHIF image viewer."""


@app.command()
def install(directory: Directory = None, as_json: AsJson = False) -> None:
    """Fetch the pinned OHIF build with npm and unpack it; the demo serves it at /viewer/."""
    with told():
        target = directory or default_directory()
        if not (target / "index.html").is_file():
            _install(target)
    if as_json:
        print_json({"directory": str(target), "version": VERSION})
    else:
        print_line(f"OHIF {VERSION} is in {target}.")
        print_line(
            f"The demo finds it there; an installation serves it with `viewer: {target}` in pacsgate.yaml."
        )


def default_directory() -> Path:
    """Where the viewer goes by default (XDG Base Directory Specification)."""
    base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "pacsgate" / "viewer" / VERSION


def installed_viewer() -> Path | None:
    """The viewer's directory, if it is installed."""
    directory = default_directory()
    return directory if (directory / "index.html").is_file() else None


def _install(target: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SettingsError("the viewer comes with npm, which is not installed; Debian's package is `npm`")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        package = _fetch(npm, Path(work))
        unpacked = Path(work) / "dist"
        _unpack(package, unpacked)
        move_to_base(unpacked)
        unpacked.rename(target)


def _fetch(npm: str, directory: Path) -> Path:
    """The package file, verified."""
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts", "--silent"]
    try:
        subprocess.run(command, cwd=directory, check=True, timeout=_SECONDS, capture_output=True)  # noqa: S603 - a fixed command
    except subprocess.CalledProcessError as error:
        raise SettingsError(
            f"npm could not fetch {PACKAGE}@{VERSION}: {error.stderr.decode(errors='replace')}"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise SettingsError(f"npm did not answer within {_SECONDS} seconds") from error
    (package,) = directory.glob("*.tgz")
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode("ascii")
    if f"sha512-{digest}" != INTEGRITY:
        raise SettingsError(f"{PACKAGE}@{VERSION} is not the file that was pinned; nothing was installed")
    return package


def _unpack(package: Path, target: Path) -> None:
    with tarfile.open(package) as archive:
        for member in archive.getmembers():
            if member.isfile() and member.name.startswith(_DIST):
                member.name = member.name.removeprefix(_DIST)
                archive.extract(member, target, filter="data")
