"""`pacsgate user factors` and `pacsgate secrets rotate`, over a real installation."""

import json
from pathlib import Path

import pytest

from pacsgate.bootstrap.factors import enrol_factor
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.services.administration import Change
from pacsgate.services.enrol_factor import Enrolled
from tests.support.authenticator import SoftAuthenticator
from tests.support.factors import SITE
from tests.support.hospital import cli_here


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_installation(tmp_path_factory.mktemp("gate") / "gate", port=0)
    assert cli_here("user", "add", "ada", "--no-password", "-c", str(made)).returncode == 0
    return made


def enrolled(here: Installation, label: str) -> Enrolled:
    change = Change(here.scope, here.actor(), here.clock.now())
    enrol, key = enrol_factor(here), SoftAuthenticator(SITE.origin, SITE.rp_id)
    asked = enrol.offer_passkey(change, "ada", SITE)
    return enrol.confirm_passkey(change, "ada", SITE, asked.number, key.make(asked.options), label, source="")


def listed(config: Path, *options: str) -> list[str]:
    answer = cli_here("user", "factors", "ada", *options, "--json", "-c", str(config))
    assert answer.returncode == 0, answer.stderr
    return [row["label"] for row in json.loads(answer.stdout) if row["kind"] == "passkey"]


def test_the_operator_sees_factors_and_takes_them_away(config: Path) -> None:
    with open_installation(read_settings(config), "test") as here:
        first = enrolled(here, "first")
        for label in ("second", "third"):
            enrolled(here, label)
    assert listed(config) == ["first", "second", "third"]
    assert listed(config, "--remove", first.factor.factor_id) == ["second", "third"]
    assert cli_here("user", "factors", "ada", "--remove", "nothing", "-c", str(config)).returncode == 1
    assert listed(config, "--remove-all") == []
    assert cli_here("user", "factors", "nobody", "-c", str(config)).returncode == 1


def test_init_makes_a_sealing_key_and_rotate_replaces_it(config: Path) -> None:
    key_file = config.parent / "keys" / "secrets.key"
    before = key_file.read_text()
    assert key_file.stat().st_mode & 0o777 == 0o600
    rotated = cli_here("secrets", "rotate", "--json", "-c", str(config))
    assert json.loads(rotated.stdout) == {"key_file": str(key_file), "sealed": 0, "lost": 0}
    newest, *others = key_file.read_text().splitlines(keepends=True)
    assert newest not in before
    assert others == [before]
