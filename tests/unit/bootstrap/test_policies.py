"""Every tenant has a live policy of its own, and what is wrong with one keeps no other's from being published."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pacsgate.audit.events import Actor
from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.policies import PolicyWatches, publish_all
from pacsgate.bootstrap.policy_watch import refusal_note
from pacsgate.model.built_in_roles import TENANT_REGISTRATOR
from pacsgate.model.errors import PacsgateError
from pacsgate.model.resource import PLATFORM_TENANT, TenantName, TenantScope
from pacsgate.services.administration import Change
from pacsgate.services.index_objects import ObjectIndexer
from tests.support.installed import NOBODYS, installed

NORTH = TenantScope(TenantName("north"))
PLATFORM = TenantScope(PLATFORM_TENANT)
READERS = """version: 1
attributes: {study.department: {type: string, from: InstitutionalDepartmentName}}
roles: {reader: {may: [search]}}
rules: [{id: north-reads, effect: permit, roles: [reader], when: "study.department == 'A'"}]
"""
SETTINGS = """\
tenants:
  north: {name: North Hospital, policy: north.yaml}
  doors: {}
registrators: [ops]
"""


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate" / "north.yaml").write_text(READERS, "utf-8")
    with installed(tmp_path, settings=SETTINGS) as opened:
        yield opened


def rules(installation: Installation, scope: TenantScope) -> list[str]:
    policy = installation.policy_of(scope)
    assert policy is not None
    return [rule.rule_id for rule in policy.rules]


def north_file(installation: Installation) -> Path:
    return installation.settings.policy.parent / "north.yaml"


def test_every_tenant_has_a_policy_when_the_gate_starts(installation: Installation) -> None:
    assert installation.policy_of(NORTH) is None
    publish_all(installation)
    assert rules(installation, NORTH) == ["north-reads"]
    assert rules(installation, installation.scope) == []
    assert rules(installation, TenantScope(TenantName("doors"))) == []
    record = installation.stores.tenants.tenant(NORTH)
    assert record is not None
    assert record.name == "North Hospital"


def test_the_registrators_of_the_file_are_those_of_the_platform(installation: Installation) -> None:
    def registrators() -> set[str]:
        policy = installation.policy_of(PLATFORM)
        assert policy is not None
        given = [each for each in policy.assignments if each.assignment.role == TENANT_REGISTRATOR]
        return {name for each in given for name in each.users}

    publish_all(installation)
    assert registrators() == {"ops"}
    installation.settings = installation.settings.model_copy(update={"registrators": ("eve",)})
    publish_all(installation)
    assert registrators() == {"eve"}


def test_a_broken_policy_of_one_tenant_is_its_own_trouble(installation: Installation) -> None:
    publish_all(installation)
    watches = PolicyWatches(installation)
    watches.tick()
    north_file(installation).write_text("version: 1\nrules: [{id: x}]\n", "utf-8")
    installation.settings.policy.write_text(NOBODYS + "rules: [{id: own, effect: forbid}]\n", "utf-8")
    watches.tick()
    assert rules(installation, NORTH) == ["north-reads"]
    assert rules(installation, installation.scope) == ["own"]
    assert refusal_note(installation.settings, NORTH.tenant).exists()
    assert not refusal_note(installation.settings).exists()
    north_file(installation).write_text(NOBODYS, "utf-8")
    watches.tick()
    assert rules(installation, NORTH) == []
    assert not refusal_note(installation.settings, NORTH.tenant).exists()


def test_the_first_start_is_not_kept_from_others_by_one_tenants_broken_policy(
    installation: Installation,
) -> None:
    north_file(installation).unlink()
    publish_all(installation)
    assert installation.policy_of(NORTH) is None
    assert rules(installation, installation.scope) == []


def test_a_tenant_that_is_registered_while_the_gate_runs_is_begun(installation: Installation) -> None:
    publish_all(installation)
    watches = PolicyWatches(installation)
    watches.tick()
    south = TenantScope(TenantName("south"))
    change = Change(south, Actor("op", verified=True), installation.clock.now())
    installation.beginning.enter(change, "South")
    watches.tick()
    assert rules(installation, south) == []


def test_a_tenant_keeps_the_policy_that_it_has(installation: Installation) -> None:
    publish_all(installation)
    assert not installation.beginning.begin(NORTH, Actor("op", verified=True))
    assert rules(installation, NORTH) == ["north-reads"]


def test_facts_are_filled_in_the_archives_of_the_tenant_that_declares_them(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled: list[tuple[TenantScope, str]] = []
    monkeypatch.setattr(
        ObjectIndexer, "refill_declared", lambda _self, scope, archive: filled.append((scope, archive))
    )
    archives = dict(installation.settings.archives)
    archives["north-main"] = archives["main"].model_copy(update={"tenant": NORTH.tenant})
    installation.settings = installation.settings.model_copy(update={"archives": archives})
    publish_all(installation)
    publish_all(installation)
    assert filled.count((NORTH, "north-main")) == 1
    assert all(archive == ("north-main" if scope == NORTH else "main") for scope, archive in filled)


def test_what_fails_for_one_tenant_is_told_after_all_others_were_served(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_all(installation)
    watches = PolicyWatches(installation)
    watches.tick()
    broken = watches._watches[TenantScope(TenantName("doors"))]
    monkeypatch.setattr(type(broken), "tick", _failing_for(broken, type(broken).tick))
    north_file(installation).write_text(NOBODYS, "utf-8")
    with pytest.raises(PacsgateError, match="the disk is full"):
        watches.tick()
    assert rules(installation, NORTH) == []


def _failing_for(broken, tick):  # type: ignore[no-untyped-def]
    def ticked(watch) -> None:  # type: ignore[no-untyped-def]
        if watch is broken:
            raise PacsgateError("the disk is full")
        tick(watch)

    return ticked
