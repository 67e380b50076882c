"""The demo's hospital with its studies in a real Orthanc, guarded by a gate that found them there.

`furnish_origin` makes an installation whose only archive is `dicomweb`: its index comes from `pacsgate index sync`,
its labels and collections from the administrators.  Who once stored a study nobody knows.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from pacsgate.bootstrap.installation import open_installation
from pacsgate.cli.demo.arrival import classify, hire
from pacsgate.cli.demo.hospital import part10, policy_text
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.identity.passwords import Argon2Passwords
from tests.personas import TestHospital, new_hospital
from tests.support.hospital import FurnishedHospital, cli_here
from tests.support.orthanc import Orthanc
from tests.support.people import CHEAP

ORIGIN_CREDENTIALS = ("gate", "secret-of-the-origin")
_FOLDER = "  main: {kind: folder, path: archive}\n"


def origin_settings(
    url: str, *, staleness_seconds: float = 3600, further: Mapping[str, object] | None = None
) -> str:
    """The lines of one archive behind DICOMweb, to stand below `archives:`."""
    user, _ = ORIGIN_CREDENTIALS
    return (
        f"  main:\n    kind: dicomweb\n    url: {url}\n    writers: others\n"
        f"    max_staleness_seconds: {staleness_seconds}\n"
        f"    credentials: {{kind: basic, user: {user}, password_file: origin.password}}\n"
        + "".join(f"    {key}: {value}\n" for key, value in (further or {}).items())
    )


def make_origin_installation(directory: Path, archive: str, *, policy: str | None = None) -> Path:
    """Write an installation whose archive is described by the lines `archive`; returns its configuration."""
    config = make_installation(directory, policy=policy or policy_text(), port=0)
    text = config.read_text("utf-8")
    assert _FOLDER in text
    config.write_text(text.replace(_FOLDER, archive), "utf-8")
    (directory / "origin.password").write_text(ORIGIN_CREDENTIALS[1] + "\n", "utf-8")
    return config


class Holder(Protocol):
    """A server that holds objects."""

    def upload(self, part10: bytes) -> object:
        """Store one object past any gate."""
        ...


def furnish_origin(
    directory: Path,
    origin: Holder,
    *,
    archive: str | None = None,
    policy: str | None = None,
    made: TestHospital | None = None,
) -> FurnishedHospital:
    """Fill `origin` past any gate, hire the demo's people, and index what `pacsgate index sync` finds.

    `archive` holds the lines of the archive; those of an Orthanc over DICOMweb may be left out.
    """
    made = made or new_hospital()
    for instances in made.objects.values():
        for instance in instances:
            origin.upload(part10(instance))
    if archive is None:
        assert isinstance(origin, Orthanc)
        archive = origin_settings(origin.dicomweb_url)
    config = make_origin_installation(directory, archive, policy=policy)
    with open_installation(read_settings(config), "demo") as installation:
        passwords = hire(installation, installation.clock.now(), Argon2Passwords(CHEAP))
    synced = cli_here("index", "sync", "-c", str(config))
    assert synced.returncode == 0, synced.stderr
    with open_installation(read_settings(config), "demo") as installation:
        for study in made.studies.values():
            classify(installation, study, installation.clock.now())
    return FurnishedHospital(made, config, passwords)
