"""The password door with real directories behind it: local accounts first, one source for a name, closed when down."""

from dataclasses import replace

import pytest

from pacsgate.audit.events import EventKind
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
from pacsgate.model.subject import Subject
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.ports.associations import Admitted
from tests.support.associations import requestor
from tests.support.directories import LDAP_PASSWORD, RAD2_PASSWORD, source
from tests.support.people import PASSWORD, SCOPE, People
from tests.support.ports import free_port

pytestmark = pytest.mark.server("slapd")

CLINIC = SourcePolicy("clinic", AccountsMode.CLAIMS, role_ceiling=frozenset({"radiologist"}))
REFUSED = AuthenticationFailed(FailureKind.REFUSED)


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
