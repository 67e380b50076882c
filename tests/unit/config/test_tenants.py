"""Whose archive is whose, as the file says it; and everything that it could say wrong about that, at its place."""

from pathlib import Path

import pytest

from pacsgate.cli.new_installation import make_installation
from pacsgate.config import Settings, read_settings
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantName, TenantScope
from pacsgate.model.tenant_archives import NO_ARCHIVE

OWN = TenantScope(DEFAULT_TENANT)
NORTH = TenantScope(TenantName("north"))
TWO = """\
  north-main: {kind: folder, path: north, tenant: north}
  north-old: {kind: folder, path: old, tenant: north}
tenants:
  north: {name: North Hospital, policy: north/policy, default_archive: north-main}
"""
SOUTHERN = "{host: h, port: 104, ae_title: W, tenant: south}\n"


def settings(directory: Path, more: str) -> Settings:
    """The settings of a new installation whose archives go on with these lines."""
    config = make_installation(directory / "gate")
    archive = "  main: {kind: folder, path: archive}\n"
    config.write_text(config.read_text("utf-8").replace(archive, archive + more), "utf-8")
    return read_settings(config)


def test_an_archive_leads_to_its_tenant_and_a_tenant_to_its_archives(tmp_path: Path) -> None:
    archives = settings(tmp_path, TWO).tenant_archives
    assert archives.of(OWN) == ("main",)
    assert archives.of(NORTH) == ("north-main", "north-old")
    assert (archives.main(OWN), archives.main(NORTH)) == ("main", "north-main")
    assert archives.scope_of(ArchiveName("north-old")) == NORTH
    assert archives.has(NORTH, ArchiveName("north-old"))
    assert not archives.has(OWN, ArchiveName("north-old"))
    assert not archives.has(OWN, ArchiveName("nowhere"))


def test_a_tenant_without_archives_has_none_and_not_somebody_elses(tmp_path: Path) -> None:
    archives = settings(tmp_path, "tenants: {doors: {}}\n").tenant_archives
    doors = TenantScope(TenantName("doors"))
    assert archives.of(doors) == ()
    assert archives.main(doors) == NO_ARCHIVE
    assert not archives.has(doors, NO_ARCHIVE)


def test_the_files_of_a_tenants_policy_are_beside_the_configuration(tmp_path: Path) -> None:
    read = settings(tmp_path, TWO)
    assert read.policy_of(NORTH.tenant) == (tmp_path / "gate" / "north" / "policy", ())
    assert read.policy_of(DEFAULT_TENANT) == (read.policy, ())
    assert read.policy_of(TenantName("registered-elsewhere")) is None


@pytest.mark.parametrize(
    ("more", "line", "said"),
    [
        ("  a: {kind: folder, path: a, tenant: south}\n", 10, "there is no tenant `south` in `tenants`"),
        (
            "  a: {kind: folder, path: a, tenant: platform}\n",
            10,
            "there is no tenant `platform` in `tenants`",
        ),
        ("  a: {kind: folder, path: a, tenant: a/b}\n", 10, "tenant `a/b` may hold letters"),
        ("  a: {kind: folder, path: a}\n", 1, "must name one of several `archives`"),
        (TWO.replace(", default_archive: north-main", ""), 13, "of the tenant `north`"),
        (
            TWO.replace("default_archive: north-main", "default_archive: main"),
            13,
            "names `main`, which is not",
        ),
        ("default_archive: north-main\n" + "tenants: {north: {}}\n", 10, "names `north-main`, which is not"),
        ("tenants: {default: {}}\n", 10, "`default` is no name for a tenant here"),
        ("tenants: {platform: {}}\n", 10, "`platform` is no name for a tenant here"),
        ("tenants: {a/b: {}}\n", 10, "tenant `a/b` may hold letters"),
        ("tenants: {north: {polcy: x}}\n", 10, "did you mean `policy`?"),
        ("tenants: {north: {foreign_policies: [{format: zhiva, path: x}]}}\n", 10, "stand beside a `policy`"),
        (
            "dicom:\n  ae_titles: {A: {archive: main}}\n  worklist: " + SOUTHERN,
            12,
            "there is no tenant `south`",
        ),
        (
            "hl7:\n  listeners:\n    - senders: [{account: ris, networks: [10.0.0.0/8], tenant: south}]\n",
            12,
            "there is no tenant `south`",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_place(tmp_path: Path, more: str, line: int, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(tmp_path, more)
    (first,) = [problem for problem in refused.value.public.splitlines() if said in problem]
    assert f":{line}:" in first
