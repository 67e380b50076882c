"""What one administrator changes is told to the others, until they say that they have seen it: row A4."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.audit.notices import TOLD_FOR, TOLD_TO, is_told
from pacsgate.model.actions import Action
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.context import Context
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.permission import Permission
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.role import Assignment, Role
from pacsgate.model.subject import Subject
from pacsgate.ports.identity_sources import SourceAccount
from pacsgate.ports.notices import Unseen
from pacsgate.services.administer_devices import DeviceAdministration
from pacsgate.services.administer_links import LinkAdministration
from pacsgate.services.administration import Change
from pacsgate.services.callers import Caller
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.provision_accounts import Origin
from pacsgate.services.publish_policy import PublishPolicy
from pacsgate.services.tell_changes import AT_ONCE, TellChanges
from pacsgate.stores.database import open_database
from pacsgate.stores.stores import Stores, stores_on
from tests.support.people import PASSWORD, SCOPE, People, open_people, people_on

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
POLICY = """version: 1
roles:
  administrator: {permissions: [UserAdminister, RoleAssign, RoleUpdate, GrantAdminister, DeviceAdminister]}
  device-keeper: {permissions: [DeviceAdminister]}
  publisher: {permissions: [PolicyPublish]}
assignments:
  - {users: [anna, ben], roles: [administrator]}
  - {users: [kim], roles: [device-keeper]}
  - {users: [pia], roles: [publisher]}
"""


class Site:
    """People who administer, and whoever is told of it."""

    def __init__(self, stores: Stores) -> None:
        self.people: People = people_on(stores)
        self.stores = stores
        self.policies = LivePolicy(stores.epochs, stores.revisions, stores.directory, lambda now: now)
        self.publisher = PublishPolicy(
            stores.directory, stores.revisions, stores.outbox, self.people.trail, self.people.clock
        )
        self.publish(POLICY)
        for name in ("anna", "ben", "kim", "pia", "rad1"):
            self.people.users.add(self.people.change(), name)
        self.tell = TellChanges(stores.notices, lambda: self.people.office, self.policies)
        self.people.clock.advance(seconds=1)

    def publish(self, text: str) -> None:
        self.publisher.publish(SCOPE, {"p.yaml": text}, Actor("policy-files", verified=True))

    def by(self, name: str) -> Change:
        return Change(SCOPE, Actor(name, verified=True), self.people.clock.now())

    def caller(self, name: str) -> Caller:
        return Caller(Subject(DEFAULT_TENANT, name), Context(self.people.clock.now(), "r-1"))

    def unseen(self, name: str) -> Unseen:
        return self.tell.unseen(self.caller(name))

    def told(self, name: str) -> list[tuple[str, str, str]]:
        """By whom, what and to whom; newest first."""
        return [(each.by, each.change, each.target) for each in self.unseen(name).notices]

    def see(self, name: str, up_to: int | None = None) -> int:
        return self.tell.see(
            self.caller(name), self.unseen(name).notices[0].number if up_to is None else up_to
        )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    open_people(tmp_path)
    site = Site(stores_on(open_database(f"sqlite:///{tmp_path / 'pacsgate.sqlite'}")))
    for name in ("anna", "ben", "kim", "pia"):
        if site.unseen(name).total:
            site.see(name)
    site.people.trail.events.clear()
    return site


def test_what_one_administrator_changes_is_told_to_the_others_and_not_to_them(site: Site) -> None:
    site.people.users.set_disabled(site.by("anna"), "rad1", disabled=True)
    assert site.told("ben") == [("anna", "disabled", "rad1")]
    assert site.told("anna") == []


def test_every_kind_of_change_is_told_newest_first(site: Site) -> None:
    people, anna = site.people, site.by("anna")
    people.roles.add(anna, Role("night"))
    people.users.add(anna, "rad2")
    people.users.assign(anna, "rad2", Assignment("night", until=anna.at + timedelta(days=1)))
    people.users.set_password(anna, "rad2", PASSWORD)
    people.tokens.issue(anna, "rad2", label="x", expires_at=anna.at + timedelta(days=1))
    people.grants.add(
        anna,
        grantee=(GranteeKind.USER, "rad2"),
        target=(GrantTarget.PATIENT, "P-77"),
        actions=frozenset({Action.VIEW}),
    )
    device = RemoteAe("CT1", owner="x", networks=("10.0.0.0/8",))
    DeviceAdministration(people.office, people.remote_aes).add(anna, device)
    people.users.unassign(anna, "rad2", lambda _: True)
    people.users.remove(anna, "rad2")
    told = site.told("ben")
    assert [(change, target) for _, change, target in told if change != "token revoked"] == [
        ("removed", "rad2"),
        ("grant revoked", "user:rad2"),
        ("disabled", "rad2"),
        ("unassigned", "rad2"),
        ("added", "CT1"),
        ("grant granted", "user:rad2"),
        ("token issued", "rad2"),
        ("password", "rad2"),
        ("assigned", "rad2"),
        ("added", "rad2"),
        ("role added", "night"),
    ]
    assert {by for by, _, _ in told} == {"anna"}
    about = {each.change: each.about for each in site.unseen("ben").notices}
    assert about["assigned"] == about["unassigned"] != ""
    assert about["assigned"].startswith("night until=")
    assert "P-77" not in repr(site.unseen("ben"))


def test_each_is_told_of_what_their_permissions_are_about(site: Site) -> None:
    site.people.users.set_disabled(site.by("anna"), "rad1", disabled=True)
    device = RemoteAe("CT1", owner="x", networks=("10.0.0.0/8",))
    DeviceAdministration(site.people.office, site.people.remote_aes).add(site.by("anna"), device)
    site.publish(POLICY + "timezone: Europe/Berlin\n")
    assert site.told("kim") == [("anna", "added", "CT1")]
    ((by, change, revision),) = site.told("pia")
    assert (by, change, revision) == ("policy-files", "activated", site.policies.current(SCOPE).revision)
    assert site.told("rad1") == []


def test_what_people_do_about_their_own_account_is_told_to_nobody(site: Site) -> None:
    site.people.users.set_password(site.by("rad1"), "rad1", PASSWORD)
    site.people.tokens.issue(
        site.by("rad1"), "rad1", label="x", expires_at=site.people.clock.now() + timedelta(days=1)
    )
    assert site.told("ben") == []


def test_what_a_source_says_of_its_people_is_told_to_nobody_and_a_link_that_somebody_makes_is(
    site: Site,
) -> None:
    site.people.provisioning.join(site.by("scim-client"), Origin("hr"), SourceAccount("77", "staff1"))
    assert site.told("ben") == []
    links = LinkAdministration(site.people.office, site.people.identity_links, site.people.session_desk)
    links.add(site.by("anna"), "rad1", "hr", "78")
    assert site.told("ben") == [("anna", "linked", "rad1")]


def test_whoever_has_seen_changes_is_told_the_later_ones_alone_and_it_is_on_record(site: Site) -> None:
    site.people.users.set_disabled(site.by("anna"), "rad1", disabled=True)
    site.people.users.set_disabled(site.by("anna"), "rad1", disabled=False)
    assert site.see("ben") == 2
    seen = site.people.trail.events[-1]
    assert (seen.kind, seen.actor.name) == (EventKind.CHANGES_SEEN, "ben")
    assert (seen.details["changes"], seen.details["by"]) == ("2", "anna")
    assert site.told("ben") == []
    site.people.users.set_disabled(site.by("anna"), "rad1", disabled=True)
    assert site.told("ben") == [("anna", "disabled", "rad1")]


def test_nobody_has_seen_what_was_not_shown_or_is_still_to_come(site: Site) -> None:
    assert site.see("ben", 2**62) == 0
    for _ in range(AT_ONCE // 2 + 3):
        site.people.users.set_disabled(site.by("anna"), "rad1", disabled=True)
        site.people.users.set_disabled(site.by("anna"), "rad1", disabled=False)
    first = site.unseen("ben")
    assert (len(first.notices), first.total) == (AT_ONCE, AT_ONCE + 6)
    assert site.see("ben", 2**62) == AT_ONCE
    rest = site.unseen("ben")
    assert (len(rest.notices), rest.total) == (6, 6)
    assert rest.notices[-1].number == first.notices[0].number + 1
    assert site.see("ben", first.notices[0].number) == 0
    assert site.unseen("ben") == rest


def test_whoever_administers_nothing_can_have_seen_nothing(site: Site) -> None:
    site.people.users.set_disabled(site.by("anna"), "rad1", disabled=True)
    assert site.see("rad1", 2**62) == 0
    assert [event for event in site.people.trail.events if event.kind is EventKind.CHANGES_SEEN] == []


def test_nobody_is_told_what_was_changed_before_they_were_there(site: Site) -> None:
    site.people.users.set_disabled(site.by("anna"), "rad1", disabled=True)
    site.people.clock.advance(seconds=1)
    site.people.users.add(site.by("anna"), "eve")
    site.publish(POLICY.replace("[anna, ben]", "[anna, ben, eve]"))
    assert site.told("eve") == [("anna", "added", "eve")]


def test_a_change_is_forgotten_after_ninety_days(site: Site) -> None:
    site.people.users.set_disabled(site.by("anna"), "rad1", disabled=True)
    site.people.clock.advance(seconds=TOLD_FOR.total_seconds())
    assert site.told("ben") == [("anna", "disabled", "rad1")]
    site.people.clock.advance(seconds=1)
    assert site.told("ben") == []


def test_what_is_not_committed_is_not_told(site: Site) -> None:
    with pytest.raises(Exception, match="exists already"):
        site.people.users.add(site.by("anna"), "rad1")
    assert site.told("ben") == []


def test_what_a_label_or_a_link_gives_is_no_grant_by_an_administrator() -> None:
    given = AuditEvent(EventKind.OBJECT_ACCESS_CHANGED, NOON, Actor("anna", verified=True))
    assert not is_told(replace(given, details={"change": "label added", "target": "VIP"}))
    assert is_told(replace(given, details={"change": "grant granted", "target": "user:rad1", "grant": "ab"}))


def test_every_kind_that_is_told_is_told_to_who_administers() -> None:
    assert all(told and told <= frozenset(Permission) for told in TOLD_TO.values())
