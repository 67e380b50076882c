"""What one tenant changes costs another nothing but a look, and what is kept of many tenants has an end."""

from dataclasses import replace
from pathlib import Path

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.model.role import Role
from pacsgate.policy.engine import Bound
from pacsgate.services import live_policy
from pacsgate.services.publish_policy import PublishPolicy
from tests.support.clocks import HandClock
from tests.support.trails import ListTrail
from tests.unit.services.test_live_policy import (
    EVENT,
    MAIN,
    NOON,
    OPERATOR,
    POLICY,
    READER,
    SCOPE,
    STUDY,
    Installation,
)

GRANT = Grant(
    "g1", GranteeKind.USER, "ann", GrantTarget.STUDY, "1.2.9", frozenset({Action.VIEW}), "op", NOON, None
)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    made = Installation(tmp_path)
    made.publish(POLICY)
    return made


def scope_of(number: int) -> TenantScope:
    return TenantScope(TenantName(f"tenant-{number}"))


def publish(installation: Installation, scope: TenantScope, text: str) -> None:
    stores = installation.elsewhere
    publisher = PublishPolicy(stores.directory, stores.revisions, stores.outbox, ListTrail(), HandClock())
    publisher.publish(scope, {"policy.yaml": text}, OPERATOR)


def bind(installation: Installation, scope: TenantScope, name: str = "rad1") -> Bound:
    subject = replace(READER, tenant=scope.tenant, name=name)
    return installation.live.bind(scope, subject, Context(NOON, "r1", network="internal"), MAIN)


def test_a_change_in_another_tenant_compiles_and_binds_nothing_anew(installation: Installation) -> None:
    own = installation.elsewhere.directory
    own.add_role(SCOPE, Role("own"), EVENT)
    own.add_grant(SCOPE, GRANT, EVENT)
    bound, north = installation.bind(), scope_of(1)
    publish(installation, north, POLICY)
    assert installation.bind() is bound
    own.add_grant(north, replace(GRANT, grant_id="g2"), EVENT)
    assert installation.bind() is bound
    own.add_role(north, Role("helper"), EVENT)
    assert installation.bind() is bound
    publish(installation, north, POLICY + "  - {id: nobody, effect: forbid}\n")
    assert installation.bind() is bound


def test_ones_own_change_is_seen_among_those_of_others(installation: Installation) -> None:
    north = scope_of(1)
    publish(installation, north, POLICY)
    assert isinstance(bind(installation, north).decide(Action.VIEW, STUDY), Allow)
    installation.publish(POLICY + "  - {id: nobody, effect: forbid}\n")
    assert isinstance(bind(installation, north).decide(Action.VIEW, STUDY), Allow)
    assert not installation.allows()


def test_what_is_kept_of_many_tenants_has_an_end(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_policy, "TENANTS", 3)
    monkeypatch.setattr(live_policy, "REMEMBERED_IN_ALL", 10)
    kept = installation.live._snapshots
    for number in range(6):
        publish(installation, scope_of(number), POLICY)
        for name in ("ann", "bob", "cat"):
            bound = bind(installation, scope_of(number), name)
            assert isinstance(bound.decide(Action.VIEW, STUDY), Allow)
            assert len(kept) <= 3
            assert sum(len(snapshot.kept) for snapshot in kept.values()) <= 10
