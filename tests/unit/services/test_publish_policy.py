"""What a policy change must pass before it is live: it is valid, it is counted, and somebody else agrees if it gives much."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from pacsgate.audit.events import Actor, EventKind
from pacsgate.model.errors import ConflictError, NotFoundError, PolicyError
from pacsgate.model.resource import TenantName
from pacsgate.policy.difference_summary import Difference
from pacsgate.services.compare_policies import ComparePolicies
from pacsgate.services.publish_policy import PublishPolicy, Review
from tests.support.counted import POLICY, WIDER, Counted
from tests.support.indexing import SCOPE

DAN = Actor("dan", verified=True)


def details(counted: Counted) -> list[dict[str, str]]:
    return [dict(event.details) for event in counted.trail.of(EventKind.POLICY_CHANGED)]


def test_the_first_policy_is_activated_without_a_count(tmp_path: Path) -> None:
    counted = Counted(tmp_path, threshold=0)
    published = counted.publish(POLICY)
    assert (published.changed, published.difference, counted.live()) == (
        True,
        None,
        published.policy.revision,
    )


def test_an_activation_records_what_it_gives_and_takes(tmp_path: Path) -> None:
    counted = Counted(tmp_path)
    counted.publish(POLICY)
    published = counted.publish(WIDER)
    assert published.changed
    # ann and bob gain three studies each, cat gains four; each to search and to view
    assert {"gained": "20", "lost": "0", "users": "4", "studies": "6"}.items() <= details(counted)[-1].items()


def test_a_change_that_gives_more_than_the_threshold_waits_and_the_last_good_stays_live(
    tmp_path: Path,
) -> None:
    counted = Counted(tmp_path, threshold=19)
    before = counted.publish(POLICY).policy.revision
    published = counted.publish(WIDER)
    assert (published.changed, counted.live()) == (False, before)
    assert published.pending is not None
    assert (published.pending.revision, published.pending.gained) == (published.policy.revision, 20)
    assert details(counted)[-1]["result"] == "held"
    assert details(counted)[-1]["gained"] == "20"


def test_a_change_that_gives_exactly_the_threshold_does_not_wait(tmp_path: Path) -> None:
    counted = Counted(tmp_path, threshold=20)
    counted.publish(POLICY)
    assert counted.publish(WIDER).changed


def test_a_change_that_only_takes_never_waits(tmp_path: Path) -> None:
    counted = Counted(tmp_path, threshold=0)
    counted.publish(WIDER)
    assert counted.publish(POLICY).changed
    assert details(counted)[-1]["lost"] == "20"


def test_what_waits_is_not_held_a_second_time(tmp_path: Path) -> None:
    counted = Counted(tmp_path, threshold=0)
    counted.publish(POLICY)
    counted.publish(WIDER)
    events = len(counted.trail.events)
    assert counted.publish(WIDER).pending is not None
    assert len(counted.trail.events) == events


def test_a_second_account_that_may_publish_makes_it_live(tmp_path: Path) -> None:
    counted = Counted(tmp_path, threshold=0)
    counted.publish(POLICY)
    waiting = counted.publish(WIDER).policy.revision
    approved = counted.publisher.approve(SCOPE, waiting[:6], counted.subject("dan"), DAN)
    assert (approved.changed, counted.live()) == (True, waiting)
    assert counted.publisher.pending(SCOPE) is None
    event = counted.trail.of(EventKind.POLICY_CHANGED)[-1]
    assert (event.actor, event.details["submitted_by"], event.details["gained"]) == (
        DAN,
        "policy-files",
        "20",
    )


@pytest.mark.parametrize("name", ["ann", "dan"])
def test_nobody_approves_without_the_permission_nor_what_they_submitted(tmp_path: Path, name: str) -> None:
    counted = Counted(tmp_path, threshold=0)
    before = counted.publish(POLICY).policy.revision
    sources = {"policy.yaml": WIDER}
    waiting = counted.publisher.publish(SCOPE, sources, DAN).policy.revision
    with pytest.raises(ConflictError):
        counted.publisher.approve(SCOPE, waiting, counted.subject(name), Actor(name, verified=True))
    assert counted.live() == before


def test_a_namesake_of_another_tenant_approves_nothing(tmp_path: Path) -> None:
    counted = Counted(tmp_path, threshold=0)
    counted.publish(POLICY)
    counted.publish(WIDER)
    waiting = counted.publisher.pending(SCOPE)
    assert waiting is not None
    namesake = replace(counted.subject("dan"), tenant=TenantName("north"))
    with pytest.raises(ConflictError, match="another tenant"):
        counted.publisher.approve(SCOPE, waiting.revision, namesake, DAN)
    assert counted.publisher.approve(SCOPE, waiting.revision, counted.subject("dan"), DAN).changed


def test_what_waits_cannot_give_its_own_approver_the_permission(tmp_path: Path) -> None:
    counted = Counted(tmp_path, threshold=0)
    counted.publish(POLICY)
    helpful = WIDER.replace("{may: [search, view]}", "{may: [search, view], permissions: [PolicyPublish]}")
    waiting = counted.publish(helpful).policy.revision
    with pytest.raises(ConflictError, match="PolicyPublish"):
        counted.publisher.approve(SCOPE, waiting, counted.subject("ann"), Actor("ann", verified=True))


def test_only_what_waits_can_be_approved(tmp_path: Path) -> None:
    counted = Counted(tmp_path, threshold=0)
    counted.publish(POLICY)
    with pytest.raises(NotFoundError, match="nothing waits"):
        counted.publisher.approve(SCOPE, "abcdef", counted.subject("dan"), DAN)
    counted.publish(WIDER)
    with pytest.raises(NotFoundError, match="no revision `zzz` waits"):
        counted.publisher.approve(SCOPE, "zzz", counted.subject("dan"), DAN)


def test_files_that_say_again_what_is_live_withdraw_what_waits(tmp_path: Path) -> None:
    counted = Counted(tmp_path, threshold=0)
    counted.publish(POLICY)
    counted.publish(WIDER)
    counted.publish(POLICY)
    assert counted.publisher.pending(SCOPE) is None
    assert details(counted)[-1]["result"] == "withdrawn"


def test_a_later_harmless_change_takes_the_place_of_what_waits(tmp_path: Path) -> None:
    counted = Counted(tmp_path, threshold=0)
    counted.publish(POLICY)
    counted.publish(WIDER)
    assert counted.publish(POLICY + "# nothing else\n").changed
    assert counted.publisher.pending(SCOPE) is None


class Meanwhile:
    """Counts, and lets somebody else publish while it does."""

    def __init__(self, counted: Counted, text: str) -> None:
        self._counted = counted
        self._text = text

    def compare(self, *asked: Any) -> Difference:
        self._counted.publish(self._text)
        return self._counted.comparison.compare(*asked)


def interrupted(counted: Counted, text: str) -> PublishPolicy:
    stores, counting = counted.stores, cast("ComparePolicies", Meanwhile(counted, text))
    review = Review(counting, stores.candidates, None)
    return PublishPolicy(
        stores.directory, stores.revisions, stores.outbox, counted.trail, counted.clock, review
    )


def test_an_approval_never_undoes_what_became_live_meanwhile(tmp_path: Path) -> None:
    counted = Counted(tmp_path, threshold=0)
    counted.publish(POLICY)
    waiting = counted.publish(WIDER).policy.revision
    narrower = POLICY + "  - {id: nobody, effect: forbid}\n"
    with pytest.raises(ConflictError, match="meanwhile"):
        interrupted(counted, narrower).approve(SCOPE, waiting, counted.subject("dan"), DAN)
    assert counted.live() == counted.publish(narrower).policy.revision


def test_an_approval_is_of_what_waits_still(tmp_path: Path) -> None:
    counted = Counted(tmp_path, threshold=0)
    before = counted.publish(POLICY).policy.revision
    waiting = counted.publish(WIDER).policy.revision
    other = WIDER + "# corrected\n"
    with pytest.raises(ConflictError, match="meanwhile"):
        interrupted(counted, other).approve(SCOPE, waiting, counted.subject("dan"), DAN)
    held = counted.publisher.pending(SCOPE)
    assert held is not None
    assert (held.sources["policy.yaml"], counted.live()) == (other, before)


def test_what_was_counted_against_another_revision_is_not_activated(tmp_path: Path) -> None:
    counted = Counted(tmp_path)
    counted.publish(WIDER)
    publisher = interrupted(counted, POLICY)
    with pytest.raises(ConflictError, match="meanwhile"):
        publisher.publish(SCOPE, {"policy.yaml": WIDER + "# as before\n"}, DAN)
    assert counted.live() == counted.publish(POLICY).policy.revision


def test_what_cannot_be_counted_yet_counts_as_given(tmp_path: Path) -> None:
    """A permit on an attribute that the index has not read gives nothing now and perhaps everything soon."""
    counted = Counted(tmp_path, threshold=1)
    counted.publish(POLICY)
    unread = POLICY.replace(
        "user.department: {", "study.ward: {type: string, from: '00091010'}\n  user.department: {"
    )
    published = counted.publish(
        unread.replace("study.department ==", "has(study.ward) || study.department ==")
    )
    assert published.pending is not None
    assert published.difference is not None
    assert (published.difference.gained.least, published.difference.gained.most) == (0, 20)
    assert published.difference.unread == ("study.ward",)


def test_a_permit_for_one_hour_of_the_night_is_seen_at_noon(tmp_path: Path) -> None:
    counted = Counted(tmp_path, threshold=1)
    counted.publish(POLICY)
    at_night = POLICY + (
        "  - {id: night, effect: permit, roles: [radiologist], "
        "when: has(study.department) && env.hour == 3 && env.network == 'internal'}\n"
    )
    published = counted.publish(at_night)
    assert published.pending is not None
    assert published.pending.gained == 20


def test_a_broken_policy_changes_nothing_but_the_trail(tmp_path: Path) -> None:
    counted = Counted(tmp_path)
    before = counted.publish(POLICY).policy.revision
    with pytest.raises(PolicyError):
        counted.publish(POLICY.replace("effect: permit", "effect: permitt"))
    assert counted.live() == before
    assert details(counted)[-1]["result"] == "refused"
