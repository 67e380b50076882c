"""The demo's hospital with its studies in a real Orthanc, guarded by a gate that found them there.

`running_origin_hospital` serves a new installation whose only archive is `dicomweb`: its index comes from
`pacsgate index sync`, its labels and collections from the administrators.  Who once stored a study nobody knows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pacsgate.bootstrap.installation import open_installation
from pacsgate.cli.demo.arrival import classify, hire
from pacsgate.cli.demo.hospital import part10, policy_text
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from tests.personas import TestHospital, new_hospital
from tests.support.hospital import RunningHospital, cli, serving
from tests.support.orthanc import Orthanc

ORIGIN_CREDENTIALS = ("gate", "secret-of-the-origin")
_FOLDER = "  main: {kind: folder, path: archive}\n"


def origin_settings(url: str, *, staleness_seconds: float = 3600, further: str = "") -> str:
    """The lines of one archive behind DICOMweb, to stand below `archives:`."""
    user, _ = ORIGIN_CREDENTIALS
    return (
        f"  main:\n    kind: dicomweb\n    url: {url}\n    writers: others\n"
        f"    max_staleness_seconds: {staleness_seconds}\n"
        f"    credentials: {{kind: basic, user: {user}, password_file: origin.password}}\n{further}"
    )


def make_origin_installation(
    directory: Path, archive: str, *, policy: str | None = None, workers: int = 2
) -> Path:
    """Write an installation whose archive is described by the lines `archive`; returns its configuration."""
    config = make_installation(directory, policy=policy or policy_text(), port=0, workers=workers)
    text = config.read_text("utf-8")
    assert _FOLDER in text
    config.write_text(text.replace(_FOLDER, archive), "utf-8")
    (directory / "origin.password").write_text(ORIGIN_CREDENTIALS[1] + "\n", "utf-8")
    return config


def fill_orthanc(orthanc: Orthanc, hospital: TestHospital) -> None:
    """Put every study into Orthanc, past any gate."""
    for instances in hospital.objects.values():
        for instance in instances:
            orthanc.upload(part10(instance))


@contextmanager
def running_origin_hospital(
    directory: Path,
    orthanc: Orthanc,
    *,
    archive: str | None = None,
    policy: str | None = None,
    made: TestHospital | None = None,
    workers: int = 2,
) -> Iterator[RunningHospital]:
    """Fill `orthanc`, index it with `pacsgate index sync`, hire the demo's people and serve."""
    made = made or new_hospital()
    fill_orthanc(orthanc, made)
    config = make_origin_installation(
        directory, archive or origin_settings(orthanc.dicomweb_url), policy=policy, workers=workers
    )
    with open_installation(read_settings(config), "demo") as installation:
        passwords = hire(installation, installation.clock.now())
    synced = cli("index", "sync", "-c", str(config))
    assert synced.returncode == 0, synced.stderr
    with open_installation(read_settings(config), "demo") as installation:
        for study in made.studies.values():
            classify(installation, study, installation.clock.now())
    with serving(config) as (url, process, log):
        yield RunningHospital(url, config, passwords, made.studies, made.objects, made.recorder, log, process)
