"""Which files a policy is read from, under which names, and what happens when one cannot be read."""

from pathlib import Path

import pytest

from pacsgate.bootstrap.policy_files import policy_paths, read_all_policy_sources, read_policy_sources
from pacsgate.config import Settings, read_settings
from pacsgate.model.errors import PolicyError, SettingsError
from pacsgate.policy.document import load_policy
from tests.support.seed_000 import LUA, ORTHANC_JSON, SAMPLE_PASSWORDS

CONFIG = """\
data: data
policy: policy.yaml
archives: {main: {kind: folder, path: archive}}
trail: {manifest_key: keys/trail.key}
foreign_policies:
  - {format: zhiva, path: orthanc.json}
  - {format: zhiva, path: scripts/filter.lua}
"""


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "policy.yaml").write_text("version: 1\n", "utf-8")
    (tmp_path / "orthanc.json").write_text(ORTHANC_JSON, "utf-8")
    (tmp_path / "scripts/filter.lua").write_text(LUA, "utf-8")
    return tmp_path


def settings(gate: Path, text: str = CONFIG) -> Settings:
    (gate / "pacsgate.yaml").write_text(text, "utf-8")
    return read_settings(gate / "pacsgate.yaml")


def test_foreign_files_are_sources_under_their_format(gate: Path) -> None:
    sources = read_all_policy_sources(settings(gate))
    assert list(sources) == ["policy.yaml", "zhiva:orthanc.json", "zhiva:filter.lua"]
    assert len(load_policy(sources).own_roles) == 4


def test_every_file_is_watched(gate: Path) -> None:
    names = ("policy.yaml", "orthanc.json", "scripts/filter.lua")
    assert policy_paths(settings(gate)) == tuple(gate / name for name in names)


def test_no_source_holds_a_password(gate: Path) -> None:
    texts = "".join(read_all_policy_sources(settings(gate)).values())
    texts += "".join(read_policy_sources(Path(f"zhiva:{gate}/orthanc.json")).values())
    assert not any(secret in texts for secret in SAMPLE_PASSWORDS.values())


def test_a_format_before_a_file_or_directory_reads_it_as_that(gate: Path) -> None:
    (gate / "pair").mkdir()
    for file in ("orthanc.json", "scripts/filter.lua"):
        (gate / file).rename(gate / "pair" / Path(file).name)
    assert list(read_policy_sources(Path(f"zhiva:{gate}/pair"))) == ["zhiva:filter.lua", "zhiva:orthanc.json"]
    assert list(read_policy_sources(Path(f"zhiva:{gate}/pair/filter.lua"))) == ["zhiva:filter.lua"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            CONFIG.replace("format: zhiva", "format: zhivo", 1),
            "pacsgate.yaml:6:6: `foreign_policies.0.format`",
        ),
        (CONFIG.replace("path: orthanc.json", "file: orthanc.json"), "unknown key `file`"),
        (CONFIG.replace("orthanc.json", "gone.json"), "cannot read the policy at"),
        (CONFIG.replace("scripts/filter.lua", "orthanc.json"), "are called `zhiva:orthanc.json`"),
    ],
)
def test_what_cannot_be_read_is_said(gate: Path, changed: str, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_all_policy_sources(settings(gate, changed))
    assert said in raised.value.public


def test_a_foreign_file_that_might_hold_secrets_is_read_whole_or_not_at_all(gate: Path) -> None:
    (gate / "orthanc.json").write_text(ORTHANC_JSON[:-30], "utf-8")
    with pytest.raises(PolicyError, match=r"orthanc\.json:\d+:\d+: not JSON"):
        read_all_policy_sources(settings(gate))


def test_native_files_of_a_directory_are_those_of_yaml(gate: Path) -> None:
    (gate / "policy").mkdir()
    for name in ("b.yaml", "a.yml", "notes.txt"):
        (gate / "policy" / name).write_text("version: 1\n", "utf-8")
    assert list(read_policy_sources(gate / "policy")) == ["a.yml", "b.yaml"]
    with pytest.raises(SettingsError, match="no policy at"):
        read_policy_sources(gate / "scripts")
