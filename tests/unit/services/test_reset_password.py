from dataclasses import replace

import pytest

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.identity.credentials import SessionCredential
from pacsgate.model.built_in_roles import ACCESS_UNIT_HOLDER, TENANT_ADMINISTRATOR, UNIT_ACTIONS
from pacsgate.model.errors import ConflictError, RequestError
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.services.administer_grants import grant_event
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.own_password import OwnPassword
from pacsgate.services.reset_password import PasswordReset
from tests.support.clocks import START
from tests.support.people import PASSWORD, SCOPE, open_people

NEW = "another long passphrase"
REFUSED = AuthenticationFailed(FailureKind.REFUSED)


@pytest.fixture
def people(tmp_path):
    people = open_people(tmp_path)
    people.users.add(people.change(), "rad1", password=PASSWORD)
    return people


def complete(people, code, password=NEW, name="rad1", address="192.0.2.7"):
    return people.resets.complete(name, code, password, people.context(address))


def may_sign_in(people, password, name="rad1"):
    return not isinstance(people.pages.sign_in(name, password, people.context()), AuthenticationFailed)


def lives(people, session):
    found = people.authenticator.authenticate(SessionCredential(session.cookie), people.context())
    return isinstance(found, Subject)


def test_a_reset_gives_a_code_and_the_user_chooses(people):
    """ASVS 6.4.6: an administrator resets and does not choose."""
    session = people.pages.sign_in("rad1", PASSWORD, people.context())
    given = people.resets.give(people.change(), "rad1")
    assert not lives(people, session)
    assert not may_sign_in(people, PASSWORD)
    assert complete(people, f" {given.code}\n") is None
    assert may_sign_in(people, NEW)
    assert given.code not in repr(people.trail.events)


def test_an_invited_account_has_no_password_until_its_owner_chooses_one(people):
    """ASVS 6.4.1."""
    people.users.add(people.change(), "new1")
    given = people.resets.give(people.change(), "new1")
    assert complete(people, given.code, name="new1") is None
    assert may_sign_in(people, NEW, "new1")


def test_a_code_is_good_for_once_and_for_a_day(people):
    """ASVS 6.4.1, 6.5.1."""
    given = people.resets.give(people.change(), "rad1")
    assert complete(people, given.code) is None
    assert complete(people, given.code, "yet another passphrase") == REFUSED
    late = people.resets.give(people.change(), "rad1")
    people.clock.advance(hours=24)
    assert complete(people, late.code) == REFUSED
    assert not may_sign_in(people, NEW)


def test_a_later_code_or_a_new_password_makes_a_code_worthless(people):
    first = people.resets.give(people.change(), "rad1")
    second = people.resets.give(people.change(), "rad1")
    assert complete(people, first.code) == REFUSED
    people.users.set_password(people.change(), "rad1", "set by somebody else")
    assert complete(people, second.code) == REFUSED


def promoted_by_role(people):
    people.policy = load_policy({"policy.yaml": "version: 1"})
    people.users.assign(people.change(), "rad1", Assignment(TENANT_ADMINISTRATOR))


def promoted_by_group(people):
    people.users.set_groups(people.change(), "rad1", frozenset({"chiefs"}))


def promoted_by_attribute(people):
    people.users.set_attributes(people.change(), "rad1", {"clearance": frozenset({"3"})})


def promoted_by_policy(people):
    text = "version: 1\nroles: {chief: {may: [view]}}\nassignments: [{users: [rad1], roles: [chief]}]\n"
    people.policy = load_policy({"policy.yaml": text})


def promoted_by_grant(people):
    people.directory.add_grant(SCOPE, a_grant(), grant_event(people.change(), "granted", a_grant()))


def a_grant(archive=None):
    return Grant(
        "g-1",
        GranteeKind.USER,
        "rad1",
        GrantTarget.COLLECTION,
        "stroke",
        UNIT_ACTIONS,
        "op",
        START,
        archive=archive,
    )


MORE = [promoted_by_role, promoted_by_group, promoted_by_attribute, promoted_by_policy, promoted_by_grant]


@pytest.mark.parametrize("promoted", MORE)
def test_a_code_of_an_archive_is_worthless_once_its_account_was_given_more(people, promoted):
    given = people.resets.give(people.change(), "rad1", but_units_of=ArchiveName("main"))
    promoted(people)
    assert complete(people, given.code) == REFUSED
    assert complete(people, people.resets.give(people.change(), "rad1").code) is None


@pytest.mark.parametrize("promoted", MORE)
def test_an_invitation_outlives_whatever_is_given_with_it_but_permissions(people, promoted):
    """Whoever administers accounts could give another code to an account that has no permission they lack."""
    given = people.resets.give(people.change(), "rad1")
    promoted(people)
    assert complete(people, given.code) == (REFUSED if promoted is promoted_by_role else None)


def test_a_code_of_an_archive_outlives_its_access_units_and_nothing_else(people):
    """A visitor is given a code before check-in, and units with it; what another archive opens is more."""
    main, annex = ArchiveName("main"), ArchiveName("annex")
    for archive, answer in ((main, None), (annex, REFUSED)):
        given = people.resets.give(people.change(), "rad1", but_units_of=main)
        people.users.assign(people.change(), "rad1", Assignment(ACCESS_UNIT_HOLDER, AssignmentScope(archive)))
        event = grant_event(people.change(), "granted", a_grant())
        people.directory.add_grant(SCOPE, replace(a_grant(archive), grant_id=archive), event)
        assert complete(people, given.code) == answer


def test_a_code_of_another_name_is_refused_and_stays_good_for_its_own(people):
    given = people.resets.give(people.change(), "rad1")
    assert complete(people, given.code, name="rad2") == REFUSED
    assert complete(people, given.code) is None


def test_a_weak_password_is_refused_before_the_code_is_used_up(people):
    given = people.resets.give(people.change(), "rad1")
    for weak in ("short", "password123", "rad1rad1rad1", "pacsgate-1234"):
        with pytest.raises(RequestError):
            complete(people, given.code, weak)
    assert complete(people, given.code) is None


def test_guessing_codes_is_counted_and_recorded_and_answered_alike_for_any_name(people):
    """Row I6."""
    for name in ("rad1", "nobody"):
        answers = [complete(people, f"wrong {number}", name=name) for number in range(6)]
        assert answers[:5] == [REFUSED] * 5
        assert answers[5].kind is FailureKind.LOCKED_OUT
        assert answers[5].retry_after_seconds == 60
    refused = [event for event in people.trail.of(EventKind.SIGN_IN) if event.outcome is Outcome.SERIOUS]
    assert len(refused) == 10
    assert not any(event.actor.verified for event in refused)
    assert len(people.trail.of(EventKind.LOCKED_OUT)) == 2
    good = people.resets.give(people.change(), "rad1")
    assert complete(people, good.code).kind is FailureKind.LOCKED_OUT
    people.clock.advance(seconds=60)
    assert complete(people, good.code) is None


def test_an_account_that_signs_in_elsewhere_is_given_no_password_here(people):
    users = UserAdministration(people.office, people.passwords, frozenset({"ldap"}))
    user = people.directory.user(SCOPE, "rad1")
    event = people.change().event(EventKind.USER_CHANGED, "source", "rad1")
    people.directory.change_user(SCOPE, replace(user, source="ldap", password_hash=None), event)
    resets = PasswordReset(people.office, users, people.passwords, people.challenges, people.attempts)
    with pytest.raises(ConflictError, match="`ldap`"):
        resets.give(people.change(), "rad1")
    assert people.directory.user(SCOPE, "rad1").password_hash is None


@pytest.mark.parametrize("name", ["x" * 129, "two\nlines", "a:b"])
def test_a_made_up_name_fills_neither_the_record_nor_the_counts(people, name):
    assert complete(people, "wrong", name=name) == REFUSED
    assert {event.actor.name for event in people.trail.of(EventKind.SIGN_IN)} == {"(nobody)"}
    assert people.directory.failures(SCOPE, f"code:{name}") == (0, None)


def test_changing_ones_password_needs_the_old_one_and_ends_the_other_sessions(people):
    """ASVS 6.2.3, 7.4.3."""
    this, other = (people.pages.sign_in("rad1", PASSWORD, people.context()) for _ in range(2))
    own = OwnPassword(people.users, people.authenticator.password_door)
    assert own.change(people.caller(this), "wrong password", NEW) == REFUSED
    assert own.change(people.caller(this), PASSWORD, NEW) is None
    assert (lives(people, this), lives(people, other)) == (True, False)
    assert (may_sign_in(people, PASSWORD), may_sign_in(people, NEW)) == (False, True)


def test_a_session_of_a_source_changes_no_password_here(people):
    caller = people.caller(people.pages.sign_in("rad1", PASSWORD, people.context()))
    caller = replace(caller, subject=replace(caller.subject, source="idp"))
    with pytest.raises(ConflictError):
        OwnPassword(people.users, people.authenticator.password_door).change(caller, PASSWORD, NEW)
