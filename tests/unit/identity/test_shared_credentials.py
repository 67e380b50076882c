"""Row I10: one account at work from two networks at once."""

from dataclasses import replace

import pytest

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.identity.credentials import SessionCredential
from pacsgate.identity.sessions import cookie_digest
from pacsgate.model.subject import Subject
from tests.support.people import PASSWORD

HOME, WARD = "198.51.100.7", "192.0.2.7"


def sign_in(people, address=WARD):
    return people.pages.sign_in("rad1", PASSWORD, people.context(address))


def ask(people, session, address, process=None, network="external"):
    context = replace(people.context(address), network=network)
    return (process or people.authenticator).authenticate(SessionCredential(session.cookie), context)


def shared(people):
    return people.trail.of(EventKind.CREDENTIAL_SHARED)


def test_two_networks_at_once_are_one_event_however_many_requests(people):
    """Row I10."""
    ward, home = sign_in(people), sign_in(people, HOME)
    for _ in range(4):
        ask(people, ward, WARD)
        ask(people, home, HOME)
        people.clock.advance(seconds=50)
    (event,) = shared(people)
    assert event.outcome is Outcome.MAJOR
    assert (event.actor.name, event.actor.address) == ("rad1", HOME)
    assert event.details == {"place": "external 198.51.100.0/24", "other_place": "external 192.0.2.0/24"}


def test_two_processes_that_see_one_place_each_notice_it_too(people):
    ward, home, other = sign_in(people), sign_in(people, HOME), people.new_process()
    ask(people, ward, WARD)
    ask(people, home, HOME, other)
    assert len(shared(people)) == 1


def test_whoever_comes_home_later_has_shared_nothing(people):
    ask(people, sign_in(people), WARD)
    people.clock.advance(minutes=5, seconds=1)
    ask(people, sign_in(people, HOME), HOME)
    assert not shared(people)


@pytest.mark.parametrize(
    ("one", "other", "zones", "count"),
    [
        ("192.0.2.7", "192.0.2.200", ("external", "external"), 0),
        ("192.0.2.7", "2001:db8::1", ("external", "external"), 0),
        ("192.0.2.7", "2001:db8::1", ("internal", "external"), 1),
        ("192.0.2.7", "192.0.2.9", ("internal", "vpn"), 1),
        ("2001:db8::1", "2001:db8:0:1::1", ("external", "external"), 1),
        ("192.0.2.7", "::ffff:192.0.2.9", ("external", "external"), 0),
    ],
)
def test_a_place_is_a_zone_and_a_neighbourhood(people, one, other, zones, count):
    session = sign_in(people, one)
    ask(people, session, one, network=zones[0])
    people.clock.advance(seconds=61)  # one address may be in two zones, when the configuration has changed
    ask(people, session, other, network=zones[1])
    assert len(shared(people)) == count


def test_a_session_that_turns_up_elsewhere_must_prove_its_second_factor_again(people):
    """Row I10: the answer to a stolen cookie is a step-up."""
    session = sign_in(people)
    proven = replace(
        ask(people, session, WARD),
        methods=frozenset({"otp"}),
        assurance_level=2,
        second_factor_at=people.clock.now(),
    )
    session = people.pages.begin(proven, people.context(WARD), previous_cookie=session.cookie)
    at_home = sign_in(people, HOME)
    assert ask(people, session, WARD).assurance_level == 2
    stolen = ask(people, session, HOME)
    assert isinstance(stolen, Subject)
    assert (stolen.assurance_level, stolen.second_factor_at, stolen.methods) == (1, None, frozenset())
    assert people.directory.session(cookie_digest(at_home.cookie))[1].methods == {"pwd"}
    assert len(shared(people)) == 1


def test_a_cookie_at_a_new_address_is_looked_at_at_once_and_at_known_ones_once_a_minute(people):
    session = sign_in(people)
    credential = SessionCredential(session.cookie)

    def from_memory(address):
        return people.authenticator.recall(credential, people.context(address)) is not None

    ask(people, session, WARD)
    assert (from_memory(WARD), from_memory("192.0.2.8")) == (True, False)
    ask(people, session, "192.0.2.8")
    assert (from_memory(WARD), from_memory("192.0.2.8")) == (True, True)
    people.clock.advance(seconds=60)
    assert (from_memory(WARD), from_memory("192.0.2.8")) == (False, False)
    ask(people, session, WARD)
    assert (from_memory(WARD), from_memory("192.0.2.8")) == (True, False)
