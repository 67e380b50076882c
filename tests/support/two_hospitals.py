"""Two hospitals behind one gate: tenants `default` and `north`, the same studies by their UIDs, other canaries.

Whatever one's people are shown that only the other's studies hold fails the test that saw it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pacsgate.cli.demo.arrival import move_in
from pacsgate.cli.demo.hospital import DemoStudy, part10, policy_text
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.model.resource import TenantName
from tests.personas import TestHospital, new_hospital
from tests.support.canaries import Canary, CanaryRecorder
from tests.support.hospital import RunningHospital, serving
from tests.support.people import CHEAP

NORTH = TenantName("north")
PREFIX = "north/"
"""What north's people put before their names, which are those of the others too, to sign in."""
ABROAD = "abroad/"
"""What the parts of the other hospital's studies begin with, in a recorder."""
SETTINGS = """\
  north-main: {kind: folder, path: north, tenant: north}
tenants:
  north: {name: North Hospital, policy: north.yaml}
dicom:
  listeners: [{port: 0}]
  allow_cleartext_identity: true
  ae_titles:
    PACSGATE: {archive: main}
    NORTH: {archive: north-main}
"""


@dataclass(frozen=True, slots=True)
class TwoHospitals:
    """An installation into which both have moved."""

    config: Path
    own: TestHospital
    north: TestHospital
    passwords: Mapping[str, str]
    north_passwords: Mapping[str, str]


def furnish_both(directory: Path, *, workers: int = 1, settings: str = "") -> TwoHospitals:
    """Make the installation; `settings` are further lines of its configuration."""
    own = new_hospital()
    north = new_hospital(next(iter(own.studies.values())).seed)
    config = make_installation(directory, policy=policy_text(), port=0, workers=workers)
    text = config.read_text("utf-8")
    archive = "  main: {kind: folder, path: archive}\n"
    config.write_text(text.replace(archive, archive + SETTINGS + settings), "utf-8")
    (directory / "north.yaml").write_text(policy_text(), "utf-8")
    read = read_settings(config)
    cheap = Argon2Passwords(CHEAP)
    passwords = move_in(read, _files(own), progress=False, passwords=cheap)
    north_passwords = move_in(read, _files(north), progress=False, passwords=cheap, tenant=NORTH)
    return TwoHospitals(config, _watching(own, north), _watching(north, own), passwords, north_passwords)


@contextmanager
def both_running(both: TwoHospitals) -> Iterator[tuple[RunningHospital, RunningHospital]]:
    """Serve them: the one of the tenant `default`, and north's."""
    with serving(both.config) as (url, process, log):

        def hospital(made: TestHospital, passwords: Mapping[str, str]) -> RunningHospital:
            return RunningHospital(
                url, both.config, passwords, made.studies, made.objects, made.recorder, log, process
            )

        north = hospital(both.north, both.north_passwords)
        yield (
            hospital(both.own, both.passwords),
            replace(north, tenant=NORTH, archive="north-main", prefix=PREFIX, title="NORTH"),
        )


def _files(made: TestHospital) -> dict[DemoStudy, list[bytes]]:
    return {made.studies[name]: list(map(part10, objects)) for name, objects in made.objects.items()}


def _watching(made: TestHospital, other: TestHospital) -> TestHospital:
    """With a recorder that knows the other hospital's canaries too, none of which anybody here may see."""
    own, recorder = made.recorder.carriers, made.recorder
    foreign = {
        token: frozenset(Canary(ABROAD + place.part, place.keyword) for place in places)
        for token, places in other.recorder.carriers.items()
        if token not in own
    }

    def may_see(persona: str, canary: Canary) -> bool:
        return not canary.part.startswith(ABROAD) and recorder.may_see(persona, canary)

    return replace(made, recorder=CanaryRecorder({**own, **foreign}, may_see))
