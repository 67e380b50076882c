from datetime import timedelta

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.model.actions import Action
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from tests.support.people import SCOPE


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
