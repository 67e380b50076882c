from datetime import timedelta

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.model.actions import Action
from pacsgate.model.errors import NotFoundError, RequestError
from pacsgate.model.grant import GranteeKind, GrantTarget
from tests.support.people import SCOPE

VIEW = frozenset({Action.VIEW, Action.SEARCH})


def grant(
    people, grantee=(GranteeKind.USER, "rad1"), target=(GrantTarget.STUDY, "1.2.3"), actions=VIEW, **options
):
    return people.grants.add(people.change(), grantee=grantee, target=target, actions=actions, **options)


def test_a_grant_is_kept_and_recorded_as_an_object_access_change(people):
    end = people.clock.now() + timedelta(days=2)
    made = grant(people, expires=end)
    assert people.grants.grants(SCOPE) == (made,)
    assert (made.granted_by, made.granted_at) == ("local:op", people.clock.now())
    (event,) = people.trail.events
    assert event.kind is EventKind.OBJECT_ACCESS_CHANGED
    assert event.kind.event_type.value == "110135"
    assert event.study.study_instance_uid == "1.2.3"
    assert event.details["target"] == "user:rad1"
    assert event.details["after"] == f"search view until {end.isoformat()}"


def test_a_revoked_grant_is_gone_and_its_revocation_says_what_it_was(people):
    made = grant(people)
    people.grants.revoke(people.change(), made.grant_id)
    assert people.grants.grants(SCOPE) == ()
    assert people.trail.events[-1].details["before"] == "search view until revoked"
    with pytest.raises(NotFoundError):
        people.grants.revoke(people.change(), made.grant_id)


@pytest.mark.parametrize(
    "target",
    [(GrantTarget.PATIENT, "HOSP|P1"), (GrantTarget.COLLECTION, "TEACH"), (GrantTarget.SERIES, "1.2")],
)
def test_a_grant_may_be_on_a_patient_a_series_or_a_collection(people, target):
    made = grant(people, target=target)
    assert (made.target, made.target_id) == target
    assert people.trail.events[-1].details["on"] == f"{target[0]}:{target[1]}"


@pytest.mark.parametrize(
    "options",
    [
        {"target": (GrantTarget.STUDY, "1.2.x")},
        {"target": (GrantTarget.STUDY, "")},
        {"target": (GrantTarget.PATIENT, "")},
        {"target": (GrantTarget.STUDY_PERMISSION, "view:role:radiologist")},
        {"actions": frozenset()},
        {"grantee": (GranteeKind.GROUP, "")},
    ],
)
def test_a_grant_that_says_nothing_is_refused(people, options):
    with pytest.raises(RequestError):
        grant(people, **options)
    assert people.trail.events == []


def test_a_grant_ends_in_the_future_or_not_at_all(people):
    with pytest.raises(RequestError, match="future"):
        grant(people, expires=people.clock.now())


@pytest.mark.parametrize("grantee", [(GranteeKind.USER, "nobody"), (GranteeKind.ROLE, "nothing")])
def test_a_grant_needs_somebody_to_be_made_to(people, grantee):
    with pytest.raises(NotFoundError):
        grant(people, grantee=grantee)


def test_a_group_need_not_be_known(people):
    assert grant(people, grantee=(GranteeKind.GROUP, "tumour-board")).grantee == "tumour-board"
