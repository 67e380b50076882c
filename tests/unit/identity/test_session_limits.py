from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.identity.credentials import SessionCredential
from pacsgate.identity.sessions import cookie_digest
from pacsgate.identity.subjects import subject_of
from pacsgate.model.errors import RequestError
from pacsgate.model.role import Assignment, Role
from pacsgate.model.session_limits import SessionLimits, SessionRules
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import AuthenticationFailed, FailureKind, UserRecord
from tests.support.people import PASSWORD, SCOPE, open_people

REFUSED = AuthenticationFailed(FailureKind.REFUSED)
MINUTE = timedelta(minutes=1)
RULES = SessionRules(
    SessionLimits(idle=15 * MINUTE, absolute=60 * MINUTE, at_most=3),
    {
        "teleradiologist": SessionLimits(idle=5 * MINUTE, absolute=60 * MINUTE, at_most=3),
        "visitor": SessionLimits(idle=60 * MINUTE, absolute=20 * MINUTE, at_most=2),
    },
)


@pytest.fixture
def limited(tmp_path):
    people = open_people(tmp_path, session_rules=RULES)
    people.users.add(people.change(), "rad1", password=PASSWORD)
    for role in RULES.of_roles:
        people.roles.add(people.change(), Role(role))
    return people


def sign_in(people, **options):
    return people.pages.sign_in("rad1", PASSWORD, people.context(), **options)


def ask(people, session):
    return people.authenticator.authenticate(SessionCredential(session.cookie), people.context())


def record(people, session):
    return people.directory.session(cookie_digest(session.cookie))[1]


def test_the_strictest_role_decides_and_none_loosens():
    limits = RULES.limits_of(["teleradiologist", "visitor", "somebody"])
    assert limits == SessionLimits(idle=5 * MINUTE, absolute=20 * MINUTE, at_most=2)
    assert RULES.limits_of(["visitor"]).idle == 15 * MINUTE


def test_the_limits_are_those_of_the_roles_at_sign_in(limited):
    limited.users.assign(limited.change(), "rad1", Assignment("teleradiologist"))
    session = sign_in(limited)
    limited.clock.advance(minutes=4, seconds=59)
    assert isinstance(ask(limited, session), Subject)
    limited.clock.advance(minutes=5)
    assert ask(limited, session) == REFUSED


def test_use_never_moves_the_absolute_end(limited):
    session = sign_in(limited)
    for _ in range(11):
        limited.clock.advance(minutes=5)
        assert isinstance(ask(limited, session), Subject)
    limited.clock.advance(minutes=5)
    assert ask(limited, session) == REFUSED


@pytest.mark.parametrize("idle_seconds", [60, 90])
def test_a_short_idle_limit_is_kept_across_processes(tmp_path, idle_seconds):
    rules = SessionRules(SessionLimits(idle=timedelta(seconds=idle_seconds)))
    people = open_people(tmp_path, session_rules=rules)
    people.users.add(people.change(), "rad1", password=PASSWORD)
    session, other = sign_in(people), people.new_process()
    for process in (people.authenticator, other) * 4:
        people.clock.advance(seconds=idle_seconds // 2 - 1)
        found = process.authenticate(SessionCredential(session.cookie), people.context())
        assert isinstance(found, Subject)
    people.clock.advance(seconds=idle_seconds)
    assert ask(people, session) == REFUSED


def test_one_session_too_many_ends_the_oldest_and_says_so(limited):
    sessions = []
    for _ in range(4):
        sessions.append(sign_in(limited))
        limited.clock.advance(seconds=1)
    assert [session.others_ended for session in sessions] == [0, 0, 0, 1]
    assert ask(limited, sessions[0]) == REFUSED
    assert all(isinstance(ask(limited, session), Subject) for session in sessions[1:])
    (event,) = limited.trail.of(EventKind.SIGN_OUT)
    assert event.details == {"cause": "too many sessions", "ended": "1"}


def test_sessions_that_rested_too_long_make_room_before_one_that_is_in_use(limited):
    in_use = sign_in(limited)
    limited.clock.advance(seconds=1)
    rested = [sign_in(limited) for _ in range(2)]
    for _ in range(2):
        limited.clock.advance(minutes=10)
        ask(limited, in_use)
    assert sign_in(limited).others_ended == 0
    assert isinstance(ask(limited, in_use), Subject)
    assert [ask(limited, each) for each in rested] == [REFUSED, REFUSED]


def test_what_was_proven_at_sign_in_is_what_the_subject_holds(limited):
    subject = ask(limited, sign_in(limited))
    assert (subject.methods, subject.assurance_level, subject.second_factor_at) == ({"pwd"}, 1, None)
    assert subject.source == ""


def stronger(people, session):
    now = people.clock.now()
    return replace(
        ask(people, session), methods=frozenset({"otp", "mfa"}), assurance_level=2, second_factor_at=now
    )


def test_proving_a_factor_changes_the_cookie_and_prolongs_nothing(limited):
    session = sign_in(limited)
    limited.clock.advance(minutes=10)
    proven = limited.pages.begin(
        stronger(limited, session), limited.context(), previous_cookie=session.cookie
    )
    assert proven.cookie != session.cookie
    assert proven.csrf_token != session.csrf_token
    assert proven.expires_at == session.expires_at
    assert ask(limited, session) == REFUSED
    subject = ask(limited, proven)
    assert (subject.methods, subject.assurance_level) == ({"pwd", "otp", "mfa"}, 2)
    assert subject.second_factor_at == limited.clock.now()
    assert subject.authenticated_at == limited.clock.now() - timedelta(minutes=10)


def test_a_factor_proves_nothing_for_a_session_that_has_ended_or_is_of_somebody_else(limited):
    limited.users.add(limited.change(), "rad2", password=PASSWORD)
    session, others = sign_in(limited), limited.pages.sign_in("rad2", PASSWORD, limited.context())
    elsewhere = sign_in(limited)
    proven = stronger(limited, session)
    for cookie in (others.cookie, elsewhere.cookie, "no such cookie", None):
        with pytest.raises(RequestError) as refused:
            limited.pages.begin(proven, limited.context(), previous_cookie=cookie)
        assert refused.value.status == 401
    assert isinstance(ask(limited, others), Subject)
    limited.sessions.end(session.cookie)
    with pytest.raises(RequestError):
        limited.pages.begin(proven, limited.context(), previous_cookie=session.cookie)


def test_a_session_of_a_source_ends_with_its_configuration_and_is_held_to_its_ceiling(tmp_path):
    ceilings = {"idp": frozenset({"radiologist"})}
    people = open_people(tmp_path, ceilings=ceilings)
    people.users.add(people.change(), "rad1", password=PASSWORD)
    verified = replace(people.caller(sign_in(people)).subject, credential="assertion", source="idp")
    session = people.pages.begin(
        verified, people.context(), previous_cookie=None, source_session="s-1", user_agent="Firefox\x1b[2J"
    )
    subject = ask(people, session)
    assert (subject.source, subject.role_ceiling) == ("idp", {"radiologist"})
    kept = record(people, session)
    assert (kept.source_session, kept.user_agent) == ("s-1", "Firefox[2J")
    people.ceilings = {}
    found = people.new_process().authenticate(SessionCredential(session.cookie), people.context())
    assert found == REFUSED


def test_the_ceiling_of_an_accounts_source_holds_however_it_comes_in(tmp_path):
    people = open_people(tmp_path, ceilings={"hr": frozenset({"clerk"})})
    people.users.add(people.change(), "rad1", password=PASSWORD)
    user = people.directory.user(SCOPE, "rad1")
    people.directory.change_user(
        SCOPE, replace(user, source="hr"), people.change().event(EventKind.USER_CHANGED, "source", "rad1")
    )
    subject = ask(people, sign_in(people))
    assert (subject.source, subject.role_ceiling) == ("", {"clerk"})


def test_of_two_ceilings_only_what_both_allow_is_left():
    """Row Z5."""
    ceilings = {"hr": frozenset({"clerk", "radiologist"}), "idp": frozenset({"clerk", "administrator"})}
    account = UserRecord("ann", "user", source="hr")
    now = datetime(2026, 3, 10, tzinfo=UTC)
    made = [
        subject_of(
            account,
            SCOPE.tenant,
            Credential.ASSERTION,
            authenticated_at=now,
            source=source,
            ceilings=ceilings,
        ).role_ceiling
        for source in ("idp", "hr", "", "unlisted")
    ]
    assert made == [{"clerk"}, ceilings["hr"], ceilings["hr"], ceilings["hr"]]
