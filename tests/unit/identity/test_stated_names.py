"""Names of several tenants at the doors: whose they are, what they cost, and what locks them."""

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.identity.credentials import PasswordCredential
from pacsgate.identity.lockout import FAILURES_BEFORE_LOCK, FAILURES_OF_AN_ADDRESS, Attempts
from pacsgate.model.resource import DEFAULT_TENANT, PLATFORM_TENANT, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.ports.identity import Guessed
from pacsgate.services.administration import Change
from tests.support.associations import by_password, open_reception, requestor
from tests.support.people import OPERATOR, PASSWORD, SCOPE, open_people

PLATFORM = TenantScope(PLATFORM_TENANT)
REFUSED = AuthenticationFailed(FailureKind.REFUSED)


@pytest.fixture
def people(tmp_path):
    people = open_people(tmp_path)
    for scope in (SCOPE, PLATFORM):
        people.users.add(
            Change(scope, OPERATOR, people.clock.now()), "anna", password=f"{scope.tenant} {PASSWORD}"
        )
    return people


def sign_in(people, name, password, address="192.0.2.7"):
    return people.authenticator.authenticate(PasswordCredential(name, password), people.context(address))


def test_namesakes_are_two_people_and_each_has_a_password_of_its_own(people):
    for name, tenant in (
        ("anna", DEFAULT_TENANT),
        ("default/anna", DEFAULT_TENANT),
        ("platform/anna", "platform"),
    ):
        found = sign_in(people, name, f"{tenant} {PASSWORD}")
        assert isinstance(found, Subject)
        assert (found.tenant, found.name) == (tenant, "anna")
    assert sign_in(people, "platform/anna", f"default {PASSWORD}") == REFUSED
    assert sign_in(people, "anna", f"platform {PASSWORD}") == REFUSED


@pytest.mark.parametrize(
    "name", ["nowhere/anna", "platform/nobody", "/anna", "anna/", "platform/x/anna", "*/anna"]
)
def test_a_name_of_no_tenant_is_answered_and_hashed_as_one_of_nobody(people, monkeypatch, name):
    hashed = []
    genuine = people.passwords.matches
    monkeypatch.setattr(people.passwords, "matches", lambda *given: hashed.append(1) or genuine(*given))
    assert sign_in(people, name, f"default {PASSWORD}") == REFUSED
    assert len(hashed) == 1


def test_a_name_of_no_tenant_is_on_record_whole_in_the_tenant_of_everybody(people):
    sign_in(people, "nowhere/anna", "wrong")
    [told] = [event for event in people.trail.events if event.kind is EventKind.SIGN_IN]
    assert (told.tenant, told.actor.name) == (DEFAULT_TENANT, "nowhere/anna")


@pytest.mark.parametrize("name", ["platform/anna", "platform/nobody", "nowhere/anna"])
def test_a_lock_is_of_one_name_in_one_tenant_whether_there_is_such_a_one_or_not(people, name):
    answers = [sign_in(people, name, "wrong").kind for _ in range(FAILURES_BEFORE_LOCK + 1)]
    assert answers == [FailureKind.REFUSED] * FAILURES_BEFORE_LOCK + [FailureKind.LOCKED_OUT]
    assert isinstance(sign_in(people, "anna", f"default {PASSWORD}"), Subject)


def test_whoever_goes_from_tenant_to_tenant_gets_no_new_count_for_the_address(people):
    attempts, now = Attempts(people.directory), people.clock.now()
    for number in range(FAILURES_OF_AN_ADDRESS):
        scope = (SCOPE, PLATFORM)[number % 2]
        attempts.note_failure(scope, Guessed.SOURCE, None, "192.0.2.9", now)
    for scope in (SCOPE, PLATFORM):
        assert attempts.lock_on(scope, Guessed.PASSWORD, None, "192.0.2.9", now) is not None


def test_a_reset_code_counts_for_the_account_that_it_was_given_for(people):
    given = people.resets.give(Change(PLATFORM, OPERATOR, people.clock.now()), "anna")
    new = "another horse battery"
    assert people.resets.complete("anna", given.code, new, people.context()) == REFUSED
    assert people.resets.complete("nowhere/anna", given.code, new, people.context()) == REFUSED
    assert people.resets.complete("platform/anna", given.code, new, people.context()) is None
    assert isinstance(sign_in(people, "platform/anna", new), Subject)
    assert isinstance(sign_in(people, "anna", f"default {PASSWORD}"), Subject)


def test_over_dimse_the_called_archive_says_whose_a_bare_name_is(tmp_path):
    reception = open_reception(tmp_path)
    people = reception.people
    change = Change(PLATFORM, OPERATOR, people.clock.now())
    people.users.add(change, "anna", password=PASSWORD)
    for name in ("anna", "platform/anna"):
        of = requestor("WS1", identity=by_password(name))
        found = reception.door.admit(PLATFORM, of, reception.context(of))
        assert found.subject.tenant == PLATFORM_TENANT
        assert reception.door.still(PLATFORM, found, of, reception.context(of)) is not None


def test_over_dimse_nobody_of_another_tenant_comes_in_or_is_guessed_at(tmp_path):
    reception = open_reception(tmp_path)
    people = reception.people
    assert people.directory.user(SCOPE, "rad1") is not None
    for name in ("rad1", "default/rad1"):
        for password in (PASSWORD, *["wrong"] * FAILURES_BEFORE_LOCK):
            of = requestor("WS1", identity=by_password(name, password))
            assert isinstance(reception.door.admit(PLATFORM, of, reception.context(of)), AuthenticationFailed)
    of = requestor("WS1", identity=by_password("rad1"))
    assert reception.door.admit(SCOPE, of, reception.context(of)).subject.name == "rad1"
