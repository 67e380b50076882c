"""The password door with real directories behind it: local accounts first, one source for a name, closed when down."""

import time
from dataclasses import replace
from statistics import median

import pytest

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.identity.associations.by_password import ByPassword
from pacsgate.identity.associations.ways import Asking
from pacsgate.identity.authenticate import Authenticator
from pacsgate.identity.credentials import PasswordCredential
from pacsgate.identity.federation.federated_accounts import FederatedAccounts
from pacsgate.identity.federation.source_policy import AccountsMode, SourcePolicy
from pacsgate.identity.ldap.description import LdapServer
from pacsgate.identity.lockout import FAILURES_BEFORE_LOCK
from pacsgate.identity.outside_passwords import OutsidePasswords
from pacsgate.identity.password_door import REMEMBERED_SECONDS
from pacsgate.model.resource import TenantName
from pacsgate.model.subject import Subject
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.ports.assertions import AssertionFault
from pacsgate.ports.associations import Admitted
from pacsgate.ports.tenants import TenantRecord
from pacsgate.stores.stores import stores_on
from tests.support.associations import requestor
from tests.support.clocks import START
from tests.support.databases import opened
from tests.support.directories import LDAP_PASSWORD, RAD2_PASSWORD, source
from tests.support.people import OPERATOR, PASSWORD, SCOPE, People
from tests.support.ports import free_port

pytestmark = pytest.mark.server("slapd")

CLINIC = SourcePolicy("clinic", AccountsMode.CLAIMS, role_ceiling=frozenset({"radiologist"}))
REFUSED = AuthenticationFailed(FailureKind.REFUSED)
OF_NORTH = replace(CLINIC, tenant=TenantName("north"))
WRONG = "wrong"
FAILING = ("nobody", "admin", "north/nobody", "north/rad1", "nowhere/nobody", "nowhere/admin", "platform/x")
"""Names of tenants with a directory, without one, and of one that does not exist."""


class Door:
    """The accounts of a gate and what is behind its password door."""

    def __init__(self, people: People, *sources, policies=(CLINIC,)) -> None:
        self.people = people
        accounts = FederatedAccounts(people.directory, people.identity_links, policies)
        self.authenticator = Authenticator(
            directory=people.directory,
            epochs=people.epochs,
            trail=people.trail,
            clock=people.clock,
            passwords=people.passwords,
            last_recorded=people.clock.now(),
            ceilings={policy.name: policy.role_ceiling for policy in policies},
            outside=OutsidePasswords(sources, accounts, people.directory),
        )

    def sign_in(self, name, password) -> Subject | AuthenticationFailed:
        return self.authenticator.password_door.sign_in(name, password, self.people.context())

    def basic(self, name, password) -> Subject | AuthenticationFailed:
        credential = PasswordCredential(name, password)
        return self.authenticator.authenticate(credential, self.people.context())

    def timed(self, name: str) -> float:
        """How long it takes to be refused, without ever being locked."""
        began = time.perf_counter()
        assert self.sign_in(name, WRONG) == REFUSED
        took = time.perf_counter() - began
        self.people.clock.advance(hours=3)
        return took

    def causes(self) -> list[str]:
        return [
            event.details["cause"]
            for event in self.people.trail.events
            if event.kind is EventKind.SIGN_IN and "cause" in event.details
        ]


@pytest.fixture
def local(people) -> People:
    """An installation with a local account `admin`."""
    people.users.remove(people.change(), "rad1")
    people.users.add(people.change(), "admin", password=PASSWORD)
    people.trail.events.clear()
    return people


@pytest.fixture
def with_tenants(local, tmp_path) -> People:
    """The same with two more tenants."""
    with opened(f"sqlite:///{tmp_path / 'pacsgate.sqlite'}") as database:
        for name in map(TenantName, ("north", "south")):
            event = AuditEvent(EventKind.TENANT_CHANGED, START, OPERATOR, tenant=name)
            stores_on(database).tenants.add_tenant(TenantRecord(name, name, {}, {}, START, "ops"), event)
    return local


@pytest.fixture
def door(local, slapd) -> Door:
    return Door(local, source(slapd))


def down(slapd, name="clinic"):
    return source(slapd, name, servers=(LdapServer("127.0.0.1", free_port()),))


def test_somebody_whom_the_directory_knows_comes_in_and_has_an_account_from_then_on(door):
    subject = door.sign_in("rad1", LDAP_PASSWORD)
    assert (subject.name, subject.source, subject.role_ceiling) == ("rad1", "clinic", {"radiologist"})
    assert subject.groups == {"Radiologists", "Night", "Staff"}
    assert subject.methods == {"pwd"}
    account = door.people.directory.user(SCOPE, "rad1")
    assert (account.source, account.password_hash, account.groups) == ("clinic", None, subject.groups)
    assert account.last_sign_in_at is not None
    assert door.sign_in("rad1", LDAP_PASSWORD).name == "rad1"


def test_local_accounts_are_first_and_nobody_else_answers_for_them(door):
    assert door.sign_in("admin", PASSWORD).source == ""
    door.people.users.add(door.people.change(), "rad2", password=PASSWORD)
    assert door.sign_in("rad2", RAD2_PASSWORD) == REFUSED
    assert door.sign_in("rad2", PASSWORD).source == ""


def test_unknown_wrong_and_disabled_are_told_alike(door):
    answers = {
        door.sign_in(*tried)
        for tried in (("nobody", "x"), ("rad1", "x"), ("rad1", ""), ("left", LDAP_PASSWORD))
    }
    assert answers == {REFUSED}
    assert door.causes() == ["unknown-user", "wrong-password", "wrong-password", "disabled-user"]


def test_wrong_passwords_lock_a_name_however_it_is_written(door):
    for spelling in ("rad1", "RAD1", "Rad1", "rAD1", "raD1")[:FAILURES_BEFORE_LOCK]:
        assert door.sign_in(spelling, "wrong") == REFUSED
    for spelling in ("rad1", "rAd1"):
        assert door.sign_in(spelling, LDAP_PASSWORD).kind is FailureKind.LOCKED_OUT
    assert door.sign_in("rad2", RAD2_PASSWORD).name == "rad2"


def test_a_directory_that_is_down_lets_nobody_in_and_local_accounts_go_on(local, slapd):
    door = Door(local, down(slapd))
    assert door.sign_in("rad1", LDAP_PASSWORD).kind is FailureKind.UNAVAILABLE
    assert door.sign_in("admin", PASSWORD).name == "admin"
    assert door.causes() == ["source-unavailable"]


def test_a_remembered_password_outlives_its_directory_by_a_minute_at_most(local, slapd):
    door = Door(local, source(slapd))
    assert door.basic("rad1", LDAP_PASSWORD).name == "rad1"
    events = len(local.trail.events)
    door.authenticator.password_door._outside = Door(local, down(slapd)).authenticator.password_door._outside
    assert door.basic("rad1", LDAP_PASSWORD).role_ceiling == {"radiologist"}
    assert len(local.trail.events) == events
    local.clock.advance(seconds=REMEMBERED_SECONDS)
    assert door.basic("rad1", LDAP_PASSWORD).kind is FailureKind.UNAVAILABLE


def test_a_remembered_password_keeps_its_ceiling_when_accounts_change(door):
    door.basic("rad1", LDAP_PASSWORD)
    door.people.users.add(door.people.change(), "somebody", password=PASSWORD)
    again = door.basic("rad1", LDAP_PASSWORD)
    assert (again.role_ceiling, again.source) == ({"radiologist"}, "clinic")


def test_whoever_is_disabled_here_stays_out_also_from_memory(door):
    door.basic("rad1", LDAP_PASSWORD)
    door.people.users.set_disabled(door.people.change(), "rad1", disabled=True)
    assert door.basic("rad1", LDAP_PASSWORD) == REFUSED
    assert door.causes()[-1] == "disabled-user"


def test_directories_are_asked_in_their_order_and_a_name_belongs_to_the_first_that_knows_it(local, slapd):
    second = replace(CLINIC, name="partner")
    door = Door(local, source(slapd), source(slapd, "partner"), policies=(CLINIC, second))
    assert door.sign_in("rad1", LDAP_PASSWORD).source == "clinic"
    turned = Door(local, source(slapd, "partner"), source(slapd), policies=(CLINIC, second))
    assert turned.sign_in("rad1", LDAP_PASSWORD).source == "clinic"
    assert turned.sign_in("rad2", RAD2_PASSWORD).source == "partner"


def test_a_name_is_not_left_to_the_next_directory_while_one_cannot_be_asked(local, slapd):
    second = replace(CLINIC, name="partner")
    door = Door(local, down(slapd), source(slapd, "partner"), policies=(CLINIC, second))
    assert door.sign_in("rad1", LDAP_PASSWORD).kind is FailureKind.UNAVAILABLE


def test_a_directory_may_vouch_for_accounts_of_the_gate_that_have_no_password(local, slapd):
    staff = SourcePolicy("clinic", AccountsMode.LOCAL, role_ceiling=frozenset({"radiologist"}))
    door = Door(local, source(slapd), policies=(staff,))
    assert door.sign_in("rad1", LDAP_PASSWORD) == REFUSED
    local.users.add(local.change(), "rad1", groups=frozenset({"here"}))
    subject = door.basic("rad1", LDAP_PASSWORD)
    assert (subject.source, subject.groups, subject.role_ceiling) == ("clinic", {"here"}, {"radiologist"})
    assert local.directory.user(SCOPE, "rad1").source == ""
    local.users.add(local.change(), "rad2", password=PASSWORD)
    assert door.basic("rad2", RAD2_PASSWORD) == REFUSED
    assert door.basic("rad2", PASSWORD).source == ""


def test_an_association_goes_on_with_the_same_ceiling_until_the_account_may_not(door):
    by_password = ByPassword(door.people.directory, door.authenticator)
    evidence = PasswordCredential("RAD1", LDAP_PASSWORD)
    asking = Asking(SCOPE, requestor(), None, door.people.context(), door.people.clock.now())
    admitted = by_password.admit(asking, evidence)
    assert isinstance(admitted, Admitted)
    again = by_password.again(asking, evidence, admitted)
    assert (again.subject.source, again.subject.role_ceiling) == ("clinic", {"radiologist"})
    door.people.users.set_disabled(door.people.change(), "rad1", disabled=True)
    assert by_password.again(asking, evidence, admitted) is None


@pytest.mark.parametrize("name", ["*)(uid=*", "*", "rad1)(|(uid=*"])
def test_an_injected_filter_is_an_unknown_name(door, name):
    assert door.sign_in(name, LDAP_PASSWORD) == REFUSED
    assert door.causes() == ["unknown-user"]


class Heard:
    """A directory, and what it was asked."""

    def __init__(self, asked) -> None:
        self.asked, self.name, self.heard = asked, asked.name, []

    def verify(self, name, password, now):
        found = self.asked.verify(name, password, now)
        self.heard.append((name, password, found))
        return found


def test_every_failure_asks_one_directory_and_shows_it_nothing_that_was_typed_for_another_tenant(
    with_tenants, slapd
):
    heard = Heard(source(slapd))
    door = Door(with_tenants, heard, policies=(OF_NORTH,))
    for name in FAILING:
        heard.heard.clear()
        assert door.sign_in(name, f"typed by {name}") == REFUSED
        ((asked, password, found),) = heard.heard
        if name.startswith("north/"):
            assert (f"north/{asked}", password) == (name, f"typed by {name}")
        else:
            assert not {"nobody", "admin", "typed"} & {asked, *password.split()}
            assert found is AssertionFault.UNKNOWN_PERSON
    heard.heard.clear()
    assert door.sign_in("admin", PASSWORD).name == "admin"
    assert heard.heard == []


@pytest.mark.parametrize("odd", ["", "x/y", "@", "n" * 200, "rad1)(uid=*"])
@pytest.mark.parametrize("password", ["", "p", "\udc80"])
def test_what_a_directory_refuses_at_once_is_refused_at_once_for_every_tenant(
    with_tenants, slapd, odd, password
):
    heard = Heard(source(slapd))
    door, faults = Door(with_tenants, heard, policies=(OF_NORTH,)), []
    for tenant in ("north", "nowhere"):
        heard.heard.clear()
        assert door.sign_in(f"{tenant}/{odd}", password) == REFUSED
        faults.append([found for _, _, found in heard.heard])
    assert faults[0] == faults[1]


def test_counts_of_a_name_however_it_is_written_tell_no_tenant_with_a_directory(with_tenants, slapd):
    door = Door(with_tenants, source(slapd), policies=(OF_NORTH,))
    told = {}
    for tenant in ("north", "nowhere", "default"):
        names = ("who", "WHO", "Who", "wHo", "whO", "WhO")[: FAILURES_BEFORE_LOCK + 1]
        told[tenant] = [door.sign_in(f"{tenant}/{name}", "wrong").kind for name in names]
    assert told["north"] == told["nowhere"] == told["default"]
    assert FailureKind.LOCKED_OUT in told["north"]


def test_tenants_without_sources_are_as_slow_as_always_the_same_one_with_some(with_tenants, slapd):
    one, other = Heard(source(slapd)), Heard(source(slapd, "partner"))
    of_south = replace(CLINIC, name="partner", tenant=TenantName("south"))

    def asked_by(process: Door, tenant: str) -> list[str]:
        for heard in (one, other):
            heard.heard.clear()
        process.sign_in(f"{tenant}/nobody", "wrong")
        return [heard.name for heard in (one, other) if heard.heard]

    processes = [Door(with_tenants, one, other, policies=(OF_NORTH, of_south)) for _ in range(2)]
    made_up = [f"t{number}" for number in range(8)]
    seen = {tenant: [asked_by(process, tenant) for process in processes] for tenant in made_up}
    assert all(first == second for first, second in seen.values())
    assert {name for (names, _) in seen.values() for name in names} == {"clinic", "partner"}


@pytest.mark.long
def test_the_time_of_a_failure_tells_neither_a_tenant_with_a_directory_nor_a_name(with_tenants, slapd):
    """Hashes are cheap here, so that what is left is mostly the directory."""
    door = Door(with_tenants, source(slapd), policies=(OF_NORTH,))
    rounds = [[door.timed(name) for name in FAILING] for _ in range(25)][5:]
    costs = dict(zip(FAILING, (median(column) for column in zip(*rounds, strict=True)), strict=True))
    for name in FAILING:
        if name != "north/rad1":  # of whom the directory finds an entry, in any tenant of its own
            assert 0.6 < costs[name] / costs["nowhere/nobody"] < 1.7, costs
