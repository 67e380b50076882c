"""Adapters of other packages, as an agent finds them; the turnstile is the one of docs/agents.md, to the letter."""

import re
import secrets
from datetime import timedelta
from pathlib import Path

import pytest

from pacsgate.agent.adapters import GROUP, adapter_names
from pacsgate.agent.settings import read_environment
from pacsgate.bootstrap.agents import Site, open_adapter, open_site
from pacsgate.model.errors import SettingsError
from pacsgate.ports.pacs_adapters import Command, PacsAdapter

GUIDE = Path(__file__).parents[3] / "docs" / "agents.md"


def install(site_packages: Path, package: str, entry: str, code: str) -> None:
    """What an installer leaves behind: a module, and the metadata of its distribution."""
    (site_packages / f"{package}.py").write_text(code, "utf-8")
    metadata = site_packages / f"{package}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", "utf-8")
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{entry}\n", "utf-8")


@pytest.fixture
def site_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "site-packages"
    directory.mkdir()
    monkeypatch.syspath_prepend(str(directory))
    return directory


def environment(adapter: str, data: Path) -> dict[str, str]:
    return {
        "Agent__TenantId": "north",
        "Agent__PacsId": "gate-7",
        "Agent__PlatformUrl": "https://gate.example",
        "Auth__ClientId": "north/agent",
        "Auth__ClientSecret": "s3cret",
        "Agent__Adapter": adapter,
        "Agent__DataDirectory": str(data),
    }


def ask(site: Site, adapter: PacsAdapter, operation: str, body: object = None, **ids: str) -> int:
    place, now = site.settings.place, site.clock.now()
    command = Command(
        secrets.token_hex(8),
        operation,
        place.tenant,
        place.pacs,
        ids,
        body,
        "desk",
        now,
        now + timedelta(minutes=1),
    )
    return adapter.execute(command).status


def test_the_adapter_of_the_guide_opens_a_turnstile_from_check_in_to_check_out(
    site_packages: Path, tmp_path: Path
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    install(site_packages, "turnstile", "turnstile = turnstile:Turnstile", code)
    data = tmp_path / "agent"
    with open_site(read_environment(environment("turnstile", data))) as site, open_adapter(site) as adapter:
        now = site.clock.now()
        visit = {
            "visitId": "v-1",
            "visitor": "p-1",
            "name": "Bo Lund",
            "validFrom": now.isoformat(),
            "validTo": (now + timedelta(hours=8)).isoformat(),
        }
        badge = {"credentialId": "c-1", "format": "badge", "value": "12345678"}
        assert ask(site, adapter, "VisitCreate", visit) == 201
        assert ask(site, adapter, "VisitCredentialCreate", {**badge, "value": "12"}, visit="v-1") == 400
        assert ask(site, adapter, "VisitCredentialCreate", badge, visit="v-1") == 201
        assert ask(site, adapter, "VisitAccessUnitAssign", visit="v-1", unit="hall") == 200
        opened = data / "badges" / "12345678"
        assert not opened.exists()
        assert ask(site, adapter, "VisitCheckIn", visit="v-1") == 200
        assert opened.exists()
        assert ask(site, adapter, "VisitCheckOut", visit="v-1") == 200
        assert not opened.exists()


def test_an_adapter_that_is_not_there_is_refused_with_the_names_of_those_that_are(
    site_packages: Path, tmp_path: Path
) -> None:
    install(site_packages, "lifts", "lift = lifts:Lift", "Lift = list\n")
    assert adapter_names() == ("door-simulator", "archive", "lift")
    with pytest.raises(SettingsError) as refused:
        read_environment(environment("stairs", tmp_path))
    assert "`door-simulator`, `archive`, `lift`" in refused.value.public


@pytest.mark.parametrize(
    ("entry", "code", "said"),
    [
        ("lift = lifts:Missing", "", "cannot be imported"),
        ("lift = numbered:LIFT", "LIFT = 1", "nothing that makes an adapter"),
    ],
)
def test_an_entry_point_that_leads_nowhere_is_named(
    site_packages: Path, tmp_path: Path, entry: str, code: str, said: str
) -> None:
    install(site_packages, entry.rsplit(maxsplit=1)[-1].partition(":")[0], entry, code)
    settings = read_environment(environment("lift", tmp_path / "agent"))
    with (
        pytest.raises(SettingsError, match=said),
        open_site(settings) as site,
        open_adapter(site),
    ):
        pass


def test_a_name_that_two_packages_use_is_refused(site_packages: Path, tmp_path: Path) -> None:
    for package in ("lifts", "elevators"):
        install(site_packages, package, f"lift = {package}:Lift", "Lift = list\n")
    settings = read_environment(environment("lift", tmp_path / "agent"))
    with (
        pytest.raises(SettingsError, match="`elevators`, `lifts`"),
        open_site(settings) as site,
        open_adapter(site),
    ):
        pass


def test_no_package_takes_the_place_of_an_adapter_that_is_built_in(
    site_packages: Path, tmp_path: Path
) -> None:
    install(site_packages, "lifts", "door-simulator = lifts:Lift", "raise SystemExit\n")
    settings = read_environment(environment("door-simulator", tmp_path / "agent"))
    with open_site(settings) as site, open_adapter(site) as adapter:
        assert "VisitCheckIn" in adapter.features().features
