from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.actions import Action
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.subject import Credential
from pacsgate.services.administer_tokens import OwnTokens, TokenAdministration
from tests.support.people import PASSWORD, SCOPE


def issue(people, days=30.0, label="viewer", **options):
    return people.tokens.issue(
        people.change(), "rad1", label=label, expires_at=people.clock.now() + timedelta(days=days), **options
    )


def test_a_token_is_shown_once_and_kept_and_recorded_without_its_secret(people):
    issued = issue(people, actions=frozenset({Action.VIEW, Action.SEARCH}))
    secret = issued.text.rpartition("_")[2]
    assert secret not in repr(people.tokens.tokens(SCOPE, "rad1"))
    (event,) = people.trail.events
    assert event.kind is EventKind.USER_CHANGED
    assert secret not in repr(event)
    assert event.details["token"] == issued.record.token_id
    assert event.details["actions"] == "search view"


def test_a_token_ends_within_ninety_days(people):
    assert issue(people, days=90).record.expires_at == people.clock.now() + timedelta(days=90)
    for days in (90.001, 0, -1):
        with pytest.raises(RequestError, match="90 days"):
            issue(people, days=days)


@pytest.mark.parametrize("label", ["", "x" * 101, "two\nlines"])
def test_a_token_needs_a_label_that_can_be_printed(people, label):
    with pytest.raises(RequestError, match="label"):
        issue(people, label=label)


def test_a_token_without_any_action_is_refused(people):
    with pytest.raises(RequestError, match="no action"):
        issue(people, actions=frozenset())


def test_nobody_can_have_no_token(people):
    with pytest.raises(NotFoundError):
        people.tokens.issue(
            people.change(), "nobody", label="x", expires_at=people.clock.now() + timedelta(1)
        )


def test_a_token_is_revoked_once(people):
    token_id = issue(people).record.token_id
    people.tokens.revoke(people.change(), token_id)
    (record,) = people.tokens.tokens(SCOPE, "rad1")
    assert record.revoked_at == people.clock.now()
    assert people.trail.events[-1].details["target"] == "rad1"
    with pytest.raises(ConflictError):
        people.tokens.revoke(people.change(), token_id)
    with pytest.raises(NotFoundError):
        people.tokens.revoke(people.change(), "0" * 16)


# ------------------------------------------------------------------ one's own


@pytest.fixture
def own(people):
    return OwnTokens(TokenAdministration(people.office, RandomTokens(), timedelta(days=7)))


@pytest.fixture
def caller(people):
    return people.caller(people.pages.sign_in("rad1", PASSWORD, people.context()))


def mine(own, caller, days=1.0):
    until = caller.context.now + timedelta(days=days)
    return own.issue(caller, label="mine", expires_at=until, actions=frozenset({Action.SEARCH}))


def test_one_makes_lists_and_revokes_ones_own_tokens_and_nobody_elses(people, own, caller):
    """Row I12."""
    people.users.add(people.change(), "rad2", password=PASSWORD)
    until = people.clock.now() + timedelta(days=1)
    others = people.tokens.issue(people.change(), "rad2", label="others", expires_at=until)
    issued = mine(own, caller)
    assert [token.token_id for token in own.tokens(caller)] == [issued.record.token_id]
    with pytest.raises(NotFoundError):
        own.revoke(caller, others.record.token_id)
    own.revoke(caller, issued.record.token_id)
    assert own.tokens(caller)[0].revoked_at is not None


def test_the_configuration_shortens_how_long_a_token_lasts(own, caller):
    assert mine(own, caller, days=7)
    with pytest.raises(RequestError, match="within 7 days"):
        mine(own, caller, days=7.1)


def test_no_token_makes_a_token(own, caller):
    """ASVS 8.4.2: what narrows a credential cannot be shaken off with it."""
    for credential in (Credential.TOKEN, Credential.PASSWORD, Credential.ASSERTION):
        with pytest.raises(ConflictError):
            mine(own, replace(caller, subject=replace(caller.subject, credential=credential)))


def test_what_a_source_may_give_at_most_is_not_escaped_by_a_token(own, caller):
    """Row Z5."""
    ceiling = replace(caller.subject, source="idp", role_ceiling=frozenset({"radiologist"}))
    with pytest.raises(ConflictError, match="idp"):
        mine(own, replace(caller, subject=ceiling))


def test_a_token_ends_with_its_owners_account(people, own, caller):
    until = people.clock.now() + timedelta(hours=1)
    people.users.set_window(people.change(), "rad1", None, until)
    issued = mine(own, caller)
    assert issued.record.expires_at == until
    people.clock.advance(hours=1)
    with pytest.raises(ConflictError, match="has ended"):
        mine(own, replace(caller, context=people.context()))
