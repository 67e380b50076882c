"""Who somebody is whom a source vouches for: by source and id, never by name alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.identity.federation.federated_accounts import FederatedAccounts
from pacsgate.identity.federation.source_policy import AccountsMode, SourcePolicy
from pacsgate.identity.refusals import Cause
from pacsgate.model.subject import Credential, Subject, SubjectKind
from pacsgate.ports import UserRecord
from pacsgate.ports.assertions import Claims
from pacsgate.stores.database import open_database
from pacsgate.stores.stores import stores_on
from tests.support.clocks import START
from tests.support.databases import sqlite_url
from tests.support.people import SCOPE, people_on

A, B = SourcePolicy("a", AccountsMode.CLAIMS), SourcePolicy("b", AccountsMode.CLAIMS)
LOCAL = SourcePolicy("hospital", AccountsMode.LOCAL)
ANNA = Claims(
    "https://a.example", "anna", START + timedelta(minutes=5), external_id="1", groups=frozenset({"x"})
)


class House:
    def __init__(self, directory, *sources):
        self.stores = stores_on(open_database(sqlite_url(directory)))
        self.people = people_on(self.stores)
        self.accounts = FederatedAccounts(
            self.stores.directory, self.stores.identity_links, sources or (A, B, LOCAL)
        )

    def admit(self, source, claims, **options):
        return self.accounts.admit(source, claims, Credential.ASSERTION, self.people.context(), **options)

    def account(self, name):
        return self.stores.directory.user(SCOPE, name)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_the_same_sub_at_two_issuers_is_two_people(house):
    """Z5; ASVS 6.8.1."""
    one = house.admit(A, ANNA)
    other = house.admit(B, replace(ANNA, issuer="https://b.example", name="anna.b"))
    assert isinstance(one, Subject)
    assert isinstance(other, Subject)
    assert ((one.name, one.source), (other.name, other.source)) == (("anna", "a"), ("anna.b", "b"))


def test_a_name_of_another_source_or_of_the_gate_is_refused(house):
    house.people.users.add(house.people.change(), "local")
    house.admit(A, ANNA)
    assert house.admit(B, replace(ANNA, external_id="2")) is Cause.NAME_OF_ANOTHER
    assert house.admit(A, replace(ANNA, name="local", external_id="2")) is Cause.NAME_OF_ANOTHER
    assert house.admit(LOCAL, ANNA) is Cause.NAME_OF_ANOTHER


def test_whoever_gets_a_name_at_a_source_later_is_not_who_had_it_before(house):
    house.admit(A, ANNA)
    assert house.admit(A, replace(ANNA, external_id="2")) is Cause.NAME_OF_ANOTHER


def test_a_person_who_is_called_otherwise_now_is_the_same_person(house):
    house.admit(A, ANNA)
    found = house.admit(A, replace(ANNA, name="anna.married"))
    assert isinstance(found, Subject)
    assert found.name == "anna"
    assert house.account("anna.married") is None


def test_a_source_of_local_accounts_makes_none_and_brings_no_groups(house):
    assert house.admit(LOCAL, ANNA) is Cause.UNKNOWN_USER
    house.people.users.add(house.people.change(), "anna", groups=frozenset({"radiology"}))
    found = house.admit(LOCAL, ANNA)
    assert isinstance(found, Subject)
    assert (found.groups, found.source) == ({"radiology"}, "hospital")
    assert house.account("anna").source == ""


def test_a_source_signs_in_accounts_of_others_where_that_is_configured(house):
    house.stores.directory.add_user(SCOPE, UserRecord("kim", "user", source="scim"), event(house))
    kim = replace(ANNA, name="kim", external_id="9")
    assert house.admit(A, kim) is Cause.NAME_OF_ANOTHER
    found = house.admit(replace(A, signs_in=frozenset({"scim"})), kim)
    assert isinstance(found, Subject)
    assert (found.name, found.groups) == ("kim", frozenset()), "whoever keeps the account says its groups"


def test_a_program_does_not_pass_for_a_person_nor_a_person_for_a_program(house):
    house.people.users.add(house.people.change(), "robot", kind=SubjectKind.SERVICE)
    robot = replace(ANNA, name="robot")
    assert house.admit(LOCAL, robot) is Cause.NAME_OF_ANOTHER
    found = house.admit(LOCAL, replace(robot, kind=SubjectKind.SERVICE))
    assert isinstance(found, Subject)
    assert found.kind is SubjectKind.SERVICE


def test_tokens_do_not_change_what_is_kept_of_an_account(house):
    house.admit(A, ANNA)
    epoch = house.stores.epochs.current().users
    found = house.admit(A, replace(ANNA, groups=frozenset({"y"})), signs_in=False)
    assert isinstance(found, Subject)
    assert found.groups == {"y"}
    assert house.account("anna").groups == {"x"}
    assert house.stores.epochs.current().users == epoch
    house.admit(A, replace(ANNA, groups=frozenset({"y"})))
    assert house.account("anna").groups == {"y"}
    assert house.stores.epochs.current().users > epoch


def test_a_program_that_bears_the_id_of_a_person_is_not_that_person(house):
    house.admit(A, ANNA)
    assert house.admit(A, replace(ANNA, kind=SubjectKind.SERVICE)) is Cause.NAME_OF_ANOTHER


def test_a_sign_in_enables_nobody_who_is_disabled_while_it_goes_on(house, monkeypatch):
    house.admit(A, ANNA)
    administer, change = house.people.users, house.people.change()
    write = house.stores.directory.change_user

    def too_late(*told, **options):
        monkeypatch.undo()
        administer.set_disabled(change, "anna", disabled=True)
        write(*told, **options)

    monkeypatch.setattr(house.stores.directory, "change_user", too_late)
    house.admit(A, replace(ANNA, groups=frozenset({"y"})))
    assert (house.account("anna").disabled, house.account("anna").groups) == (True, {"y"})


def test_groups_that_a_source_is_not_asked_for_stay_as_they_are(house):
    house.admit(A, ANNA)
    found = house.admit(A, replace(ANNA, groups=None))
    assert isinstance(found, Subject)
    assert found.groups == {"x"}


def test_the_roles_of_a_source_have_a_ceiling_and_the_subject_carries_it(tmp_path):
    """Z5: issuer B can never yield an administrator."""
    bounded = replace(B, role_ceiling=frozenset({"viewer"}))
    house = House(tmp_path, A, bounded)
    found, unbounded = house.admit(bounded, ANNA), house.admit(A, replace(ANNA, name="kim"))
    assert isinstance(found, Subject)
    assert isinstance(unbounded, Subject)
    assert (found.role_ceiling, unbounded.role_ceiling) == ({"viewer"}, None)


def test_an_account_ends_with_its_dates_and_a_credential_with_its_own(house):
    house.admit(A, ANNA)
    record = house.account("anna")
    house.stores.directory.change_user(
        SCOPE, replace(record, until=START + timedelta(minutes=2)), event(house)
    )
    found = house.admit(A, ANNA)
    assert isinstance(found, Subject)
    assert found.valid_until == START + timedelta(minutes=2)
    house.people.clock.advance(minutes=2)
    assert house.admit(A, ANNA) is Cause.OUTSIDE_VALIDITY
    assert house.accounts.known(A, ANNA, Credential.ASSERTION, house.people.clock.now()) is None


def test_an_account_that_is_removed_takes_its_link_along(house):
    house.admit(A, ANNA)
    house.people.users.remove(house.people.change(), "anna")
    assert house.stores.identity_links.links(SCOPE) == ()
    again = house.admit(A, ANNA)
    assert isinstance(again, Subject)


@pytest.mark.parametrize(
    "name",
    ["", "a:b", "a\nb", "x" * 129, " anna", "anna ", "\uff21NNA", "an\u200bna", "anna/disable", ".", ".."],
)
def test_a_name_that_no_account_could_have_is_nobody(house, name):
    assert house.admit(A, replace(ANNA, name=name)) is Cause.NAMELESS_ASSERTION
    assert house.stores.directory.users(SCOPE) == ()


def test_an_id_that_could_be_taken_for_another_is_nobody(house):
    assert house.admit(A, replace(ANNA, external_id="1\0")) is Cause.NAMELESS_ASSERTION


def test_accounts_that_a_source_makes_and_changes_are_on_record(house):
    house.admit(A, ANNA)
    house.admit(A, replace(ANNA, groups=frozenset({"y"})))
    house.people.office.publish()
    made, changed = house.people.trail.of(EventKind.USER_CHANGED)
    assert (made.actor.name, made.details["change"], made.details["target"]) == (
        "source:a",
        "created",
        "anna",
    )
    assert (changed.details["change"], changed.details["groups"]) == ("told by source", "y")


def event(house):
    return house.people.change().event(EventKind.USER_CHANGED, "test", "test")
