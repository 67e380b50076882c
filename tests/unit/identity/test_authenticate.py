import time
from datetime import timedelta
from statistics import median

import pytest

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.identity.authenticate import Authenticator
from pacsgate.identity.credentials import PasswordCredential, UnreadableCredential, read_credentials
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.refusals import Cause
from pacsgate.model.actions import Action
from pacsgate.model.errors import RecordError
from pacsgate.model.role import Assignment, Role
from pacsgate.model.subject import Credential, Subject, SubjectKind
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.ports.locks import LockTarget
from tests.support.people import PASSWORD, open_people

RIGHT = PasswordCredential("rad1", PASSWORD)
WRONG = PasswordCredential("rad1", "wrong password")
REFUSED = AuthenticationFailed(FailureKind.REFUSED)


def token_of(people, **options):
    options.setdefault("expires_at", people.clock.now() + timedelta(days=30))
    issued = people.tokens.issue(people.change(), "rad1", label="viewer", **options)
    return issued.record, read_credentials(f"Bearer {issued.text}", None)


def ask(people, credentials, process=None):
    return (process or people.authenticator).authenticate(credentials, people.context())


def count_hashes(people, monkeypatch):
    hashes = []
    real = people.passwords.matches
    monkeypatch.setattr(people.passwords, "matches", lambda *given: hashes.append(1) or real(*given))
    return hashes


# ------------------------------------------------------------------ one subject


def test_every_kind_of_credential_becomes_the_same_subject(people):
    people.roles.add(people.change(), Role("reader", frozenset({Action.SEARCH})))
    people.users.assign(people.change(), "rad1", Assignment("reader"))
    people.users.set_attributes(people.change(), "rad1", {"department": frozenset({"CT-A"})})
    _, token = token_of(people, actions=frozenset({Action.SEARCH}))
    session = people.pages.sign_in("rad1", PASSWORD, people.context())
    by_password, by_token, by_session = (
        ask(people, credential) for credential in (RIGHT, token, read_credentials(None, session.cookie))
    )
    for subject in (by_password, by_token, by_session):
        assert (subject.tenant, subject.name, subject.kind) == ("default", "rad1", SubjectKind.USER)
        assert subject.groups == {"radiology"}
        assert subject.attributes == {"department": frozenset({"CT-A"})}
        assert subject.assignments == (Assignment("reader"),)
    assert [s.credential for s in (by_password, by_token, by_session)] == [
        Credential.PASSWORD,
        Credential.TOKEN,
        Credential.SESSION,
    ]
    assert by_token.token_actions == {Action.SEARCH}
    assert by_password.token_actions is None is by_session.token_actions


def test_no_credential_is_not_a_failed_sign_in(people):
    assert ask(people, None) == AuthenticationFailed(FailureKind.NO_CREDENTIAL)
    assert people.trail.events == []


# ------------------------------------------------------------------ the same refusal for everything


def test_unknown_wrong_and_disabled_cannot_be_told_apart(people):
    people.users.add(people.change(), "left", password=PASSWORD)
    people.users.set_disabled(people.change(), "left", disabled=True)
    people.users.add(people.change(), "CT1", kind=SubjectKind.DEVICE)
    record, _ = token_of(people)
    forged = read_credentials(f"Bearer pgt_{record.token_id}_{'0' * 64}", None)
    unknown = read_credentials(f"Bearer pgt_{'0' * 16}_{'0' * 64}", None)
    for credential in (
        WRONG,
        PasswordCredential("nobody", PASSWORD),
        PasswordCredential("left", PASSWORD),
        PasswordCredential("CT1", ""),
        PasswordCredential("rad1\0", PASSWORD),
        forged,
        unknown,
        UnreadableCredential(),
        read_credentials(None, "made-up-cookie"),
    ):
        assert ask(people, credential) == REFUSED


def test_causes_that_tell_who_exists_are_all_the_same_to_the_caller():
    telling = set(Cause) - {Cause.LOCKED, Cause.BUSY, Cause.SOURCE_UNAVAILABLE}
    assert {cause.kind for cause in telling} == {FailureKind.REFUSED}


def test_a_disabled_user_is_refused_at_the_next_request_at_every_door(people):
    _, token = token_of(people)
    cookie = read_credentials(None, people.pages.sign_in("rad1", PASSWORD, people.context()).cookie)
    for credential in (RIGHT, token, cookie):
        assert isinstance(ask(people, credential), Subject)
    people.users.set_disabled(people.change(), "rad1", disabled=True)
    for credential in (RIGHT, token, cookie):
        assert ask(people, credential) == REFUSED


@pytest.mark.alone
def test_an_unknown_user_costs_as_much_as_a_known_one(tmp_path):
    people = open_people(tmp_path, passwords=Argon2Passwords())
    people.users.add(people.change(), "rad1", password=PASSWORD)
    door = people.authenticator.password_door

    def cost(name):
        began = time.perf_counter()
        assert door.sign_in(name, "wrong password", people.context()) == REFUSED
        people.clock.advance(hours=3)
        return time.perf_counter() - began

    pairs = [(cost("rad1"), cost("nobody")) for _ in range(7)]
    known, unknown = (median(column) for column in zip(*pairs, strict=True))
    assert 0.6 < known / unknown < 1.7


def test_every_refused_password_costs_one_hash_whatever_is_wrong(people, monkeypatch):
    """ASVS 6.3.8: unknown, wrong, disabled, locked, ended and without a password are one class of time."""
    now = people.clock.now()
    for name, password in (("gone", PASSWORD), ("late", PASSWORD), ("kept-out", PASSWORD), ("bare", None)):
        people.users.add(people.change(), name, password=password)
    people.users.set_disabled(people.change(), "gone", disabled=True)
    people.users.set_window(people.change(), "late", now + timedelta(days=1), None)
    people.lock_desk.lock(people.change(), LockTarget.USER, "kept-out", reason="lost badge")
    hashes = count_hashes(people, monkeypatch)
    for name in ("nobody", "rad1", "gone", "late", "kept-out", "bare"):
        for password in ("wrong password", PASSWORD if name != "rad1" else "wrong too"):
            del hashes[:]
            assert people.authenticator.password_door.sign_in(name, password, people.context()) == REFUSED
            assert len(hashes) == 1


# ------------------------------------------------------------------ the record


@pytest.mark.parametrize(
    ("credential", "name", "cause"),
    [
        (WRONG, "rad1", "wrong-password"),
        (PasswordCredential("nobody", "x"), "nobody", "unknown-user"),
        (PasswordCredential("a\nb", "x"), "(nobody)", "unreadable-header"),
        (UnreadableCredential(), "(nobody)", "unreadable-header"),
        (read_credentials(f"Bearer pgt_{'0' * 16}_{'0' * 64}", None), "(nobody)", "unknown-token"),
        (read_credentials(None, "made-up"), "(nobody)", "unknown-session"),
    ],
)
def test_each_refusal_is_one_event_with_the_claimed_name_and_outcome_8(people, credential, name, cause):
    ask(people, credential)
    (event,) = people.trail.events
    assert (event.kind, event.outcome) == (EventKind.SIGN_IN, Outcome.SERIOUS)
    assert event.actor.name == name
    assert not event.actor.verified
    assert event.actor.address == "192.0.2.7"
    assert event.details == {"cause": cause}


def test_a_made_up_name_cannot_fill_the_trail(people):
    ask(people, PasswordCredential("x" * 100_000, "x"))
    assert len(people.trail.events[0].actor.name) == 128


def test_a_refusal_that_cannot_be_recorded_is_an_error_and_so_is_a_welcome(people):
    people.trail.broken = True
    for credential in (WRONG, RIGHT, UnreadableCredential()):
        with pytest.raises(RecordError):
            ask(people, credential)


def test_basic_records_one_sign_in_per_minute_and_process(people):
    for _ in range(5):
        assert isinstance(ask(people, RIGHT), Subject)
        people.clock.advance(seconds=10)
    assert len(people.trail.of(EventKind.SIGN_IN)) == 1
    people.clock.advance(seconds=10)
    assert isinstance(ask(people, RIGHT), Subject)
    assert len(people.trail.of(EventKind.SIGN_IN)) == 2


# ------------------------------------------------------------------ what is remembered


def test_a_right_password_is_hashed_once_a_minute_and_a_wrong_one_every_time(people, monkeypatch):
    hashes = count_hashes(people, monkeypatch)
    for _ in range(10):
        ask(people, RIGHT)
    assert len(hashes) == 1
    people.clock.advance(seconds=60)
    ask(people, RIGHT)
    assert len(hashes) == 2
    for _ in range(3):
        assert ask(people, WRONG) == REFUSED
    assert len(hashes) == 5


def test_other_peoples_changes_cost_nobody_a_new_hash(people, monkeypatch):
    hashes = count_hashes(people, monkeypatch)
    ask(people, RIGHT)
    people.users.add(people.change(), "rad2", password=PASSWORD)
    assert ask(people, RIGHT).name == "rad1"
    assert len(hashes) == 1


def test_an_old_password_is_refused_as_soon_as_there_is_a_new_one(people):
    ask(people, RIGHT)
    people.users.set_password(people.change(), "rad1", "another long password")
    assert ask(people, RIGHT) == REFUSED
    assert isinstance(ask(people, PasswordCredential("rad1", "another long password")), Subject)


def test_a_password_needs_no_change_because_time_has_passed(people):
    """ASVS 5.0 6.2.10."""
    people.clock.advance(days=3650)
    assert isinstance(ask(people, RIGHT), Subject)


def test_changed_groups_reach_a_remembered_subject_at_the_next_request(people):
    _, token = token_of(people)
    for credential in (RIGHT, token):
        assert ask(people, credential).groups == {"radiology"}
    people.users.set_groups(people.change(), "rad1", frozenset({"cardiology"}))
    for credential in (RIGHT, token):
        assert ask(people, credential).groups == {"cardiology"}


def test_recall_answers_only_what_authenticate_has_answered_before(people):
    _, token = token_of(people)
    cookie = read_credentials(None, people.pages.sign_in("rad1", PASSWORD, people.context()).cookie)
    for credential in (RIGHT, token, cookie):
        assert people.authenticator.recall(credential, people.context()) is None
        subject = ask(people, credential)
        assert people.authenticator.recall(credential, people.context()) == subject
    assert people.authenticator.recall(WRONG, people.context()) is None
    assert people.authenticator.recall(UnreadableCredential(), people.context()) is None


def test_one_process_obeys_what_another_has_committed(people):
    record, token = token_of(people)
    other = people.new_process()
    assert isinstance(ask(people, token, other), Subject)
    people.tokens.revoke(people.change(), record.token_id)
    assert other.recall(token, people.context()) is None
    assert ask(people, token, other) == REFUSED


# ------------------------------------------------------------------ tokens


def test_a_revoked_token_is_refused_at_the_next_call(people):
    record, token = token_of(people)
    assert isinstance(ask(people, token), Subject)
    people.tokens.revoke(people.change(), record.token_id)
    assert ask(people, token) == REFUSED
    assert people.trail.of(EventKind.SIGN_IN)[-1].details["cause"] == "revoked-token"
    assert people.trail.of(EventKind.SIGN_IN)[-1].actor.name == "rad1"


def test_a_token_ends_at_the_instant_at_which_it_ends_also_when_remembered(people):
    _, token = token_of(people, expires_at=people.clock.now() + timedelta(seconds=30))
    assert isinstance(ask(people, token), Subject)
    people.clock.advance(seconds=29.999)
    assert isinstance(ask(people, token), Subject)
    people.clock.advance(seconds=0.001)
    assert ask(people, token) == REFUSED


def test_a_clock_set_back_does_not_revive_a_token(people):
    _, token = token_of(people, expires_at=people.clock.now() + timedelta(seconds=30))
    people.clock.advance(seconds=31)
    assert ask(people, token) == REFUSED
    restarted = people.new_process()
    people.clock.set_back(days=2)
    assert ask(people, token) == REFUSED
    assert ask(people, token, restarted) == REFUSED


def test_a_remembered_token_needs_its_secret_all_the_same(people):
    record, token = token_of(people)
    ask(people, token)
    assert ask(people, read_credentials(f"Bearer pgt_{record.token_id}_{'0' * 64}", None)) == REFUSED


def test_last_use_is_noted_at_most_once_a_minute(people, monkeypatch):
    record, token = token_of(people)
    notes = []
    real = people.directory.note_token_use
    monkeypatch.setattr(
        people.directory, "note_token_use", lambda *given: notes.append(given[2]) or real(*given)
    )
    first = people.clock.now()
    for _ in range(13):
        assert isinstance(ask(people, token), Subject)
        people.clock.advance(seconds=10)
    assert notes == [first, first + timedelta(seconds=60), first + timedelta(seconds=120)]
    assert people.directory.token(record.token_id)[1].last_used_at == notes[-1]


def test_two_processes_note_the_same_use_once(people, monkeypatch):
    _, token = token_of(people)
    notes = []
    real = people.directory.note_token_use
    monkeypatch.setattr(people.directory, "note_token_use", lambda *given: notes.append(1) or real(*given))
    for process in (people.authenticator, people.new_process()):
        assert isinstance(ask(people, token, process), Subject)
    assert notes == [1]


@pytest.mark.alone
def test_a_known_token_is_recognised_in_microseconds(people):
    _, token = token_of(people)
    context = people.context()
    authenticator: Authenticator = people.authenticator
    ask(people, token)
    costs = []
    for _ in range(3000):
        began = time.perf_counter()
        authenticator.authenticate(token, context)
        costs.append(time.perf_counter() - began)
    assert median(costs) < 30e-6
