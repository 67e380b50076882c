"""A shadow counts where it differs, and costs the request nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from pacsgate.audit.events import Actor, EventKind
from pacsgate.dicom.query import Query
from pacsgate.identity.latest_time import LatestTime
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.errors import PolicyError
from pacsgate.model.resource import Level, ResourceKey, TenantName, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import Bound
from pacsgate.services.administer_shadow import ShadowAdministration
from pacsgate.services.administration import Change, Office
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.shadow_policy import WAITING, Asked, ShadowPolicy
from tests.support.clocks import START
from tests.support.counted import POLICY, WIDER, Counted
from tests.support.indexing import MAIN, SCOPE

OPERATOR = Actor("local:op", verified=True)


class Shadowed:
    """A live policy, and a shadow that nobody has started."""

    def __init__(self, directory: Path, candidate: str | None = WIDER) -> None:
        self.counted = counted = Counted(directory)
        stores = counted.stores
        counted.publish(POLICY)
        office = Office(stores.directory, stores.outbox, counted.trail, lambda _: None, stores.permissions)
        self.administration = ShadowAdministration(office, stores.candidates)
        self.change = Change(SCOPE, OPERATOR, START)
        self.live = LivePolicy(stores.epochs, stores.revisions, stores.directory, LatestTime(START).at)
        self.shadow = ShadowPolicy(SCOPE, stores.candidates, stores.directory, stores.index)
        if candidate is not None:
            self.administration.cast(self.change, {"policy.yaml": candidate})

    def bound(self, name: str) -> Bound:
        return self.live.bind(SCOPE, self.counted.subject(name), Context(START, "r1"), MAIN)

    def asked(self, name: str, study: str, action: Action = Action.VIEW) -> Asked:
        bound = self.bound(name)
        return Asked(SCOPE, MAIN, action, bound, bound.context, key=ResourceKey(study))

    def report(self):
        return self.counted.stores.candidates.shadow_report(SCOPE, 10)


def test_a_request_that_the_candidate_would_answer_otherwise_is_counted_with_both_reasons(
    tmp_path: Path,
) -> None:
    shadowed = Shadowed(tmp_path)
    shadowed.shadow.round([shadowed.asked("ann", "1.2.3"), shadowed.asked("ann", "1.2.0")])
    report = shadowed.report()
    assert (report.compared, report.differing) == (2, 1)
    (found,) = report.differences
    assert (found.subject, found.action, found.study_instance_uid) == ("ann", Action.VIEW, "1.2.3")
    assert found.live == "as if absent (no-permit)"
    assert found.shadow == "all of it (permitted-by-rule:own-department)"


def test_an_answer_for_another_reason_is_the_same_answer(tmp_path: Path) -> None:
    shadowed = Shadowed(tmp_path, POLICY.replace("own-department", "renamed"))
    shadowed.shadow.round([shadowed.asked("ann", "1.2.0")])
    assert (shadowed.report().compared, shadowed.report().differing) == (1, 0)


def test_a_search_is_compared_by_what_it_finds(tmp_path: Path) -> None:
    shadowed = Shadowed(tmp_path)
    query = Query(Level.STUDY, limit=2)
    bound = shadowed.bound("ann")
    shadowed.shadow.round([Asked(SCOPE, MAIN, Action.SEARCH, bound, bound.context, query=query)])
    (found,) = shadowed.report().differences
    assert (found.live, found.shadow) == ("finds", "finds more")


def test_an_action_that_the_candidate_refuses_at_once_differs(tmp_path: Path) -> None:
    shadowed = Shadowed(tmp_path, POLICY.replace("{may: [search, view]}", "{may: [search]}"))
    shadowed.shadow.round([shadowed.asked("ann", "1.2.0")])
    (found,) = shadowed.report().differences
    assert found.shadow == "refused (no-permit)"


def test_without_a_candidate_nothing_is_kept(tmp_path: Path) -> None:
    shadowed = Shadowed(tmp_path, None)
    shadowed.shadow.note(shadowed.asked("ann", "1.2.3"))
    shadowed.shadow.round([])
    assert shadowed.report().compared == 0


def test_the_candidate_answers_in_the_circumstances_of_the_request_itself(tmp_path: Path) -> None:
    """A binding is shared by requests between which the live rules see no difference; the candidate may see one."""
    inside = POLICY.replace(
        "study.department == user.department", "has(study.department) && env.network == 'lan'"
    )
    shadowed = Shadowed(tmp_path, inside)
    bound = shadowed.bound("ann")
    request = Context(START, "r2", network="lan")
    shadowed.shadow.hear(bound.subject, request)
    assert shadowed.shadow.context_of(bound) is request
    assert shadowed.shadow.context_of(shadowed.bound("bob")).network == "external"
    shadowed.shadow.round([Asked(SCOPE, MAIN, Action.VIEW, bound, request, key=ResourceKey("1.2.3"))])
    (found,) = shadowed.report().differences
    assert found.shadow == "all of it (permitted-by-rule:own-department)"


def test_what_comes_too_fast_is_passed_over_and_counted(tmp_path: Path) -> None:
    shadowed = Shadowed(tmp_path)
    shadowed.shadow.round([])
    asked = shadowed.asked("ann", "1.2.3")
    for _ in range(WAITING + 7):
        shadowed.shadow.note(asked)
    shadowed.shadow.round([])
    assert shadowed.report().passed_over == 7


def test_a_candidate_is_validated_and_its_coming_and_going_recorded(tmp_path: Path) -> None:
    shadowed = Shadowed(tmp_path)
    with pytest.raises(PolicyError):
        shadowed.administration.cast(shadowed.change, {"policy.yaml": "version: 2\n"})
    shadowed.administration.end(shadowed.change)
    assert shadowed.counted.stores.candidates.shadow(SCOPE) is None
    events = shadowed.counted.trail.of(EventKind.POLICY_CHANGED)[-2:]
    assert [event.details["change"] for event in events] == ["shadow", "shadow"]
    assert events[-1].details["target"] == "off"


def test_a_candidate_of_one_tenant_is_compared_with_what_its_own_people_ask(tmp_path: Path) -> None:
    shadowed = Shadowed(tmp_path)
    shadow, own = shadowed.shadow, shadowed.asked("ann", "1.2.3")
    north = TenantScope(TenantName("north"))
    foreign = replace(own, scope=north)
    shadow.round([])
    shadow.note(foreign)
    assert not shadow.has_waiting, "nobody casts a shadow there"
    shadow.hear(Subject(north.tenant, "eve"), own.context)
    shadowed.administration.cast(Change(north, OPERATOR, START), {"policy.yaml": WIDER})
    shadow.round([])
    shadow.note(own)
    shadow.note(foreign)
    shadowed.administration.end(shadowed.change)
    shadow.round([])
    assert shadow.next() is foreign, "what waited for the other candidate waits no more"
    shadow.round([foreign])
    counted = shadowed.counted.stores.candidates.shadow_report(north, 10)
    assert counted.compared == 1


def test_a_candidate_that_is_broken_keeps_no_other_tenants_from_being_compared(tmp_path: Path) -> None:
    shadowed = Shadowed(tmp_path)
    north = TenantScope(TenantName("north"))
    shadowed.administration.cast(Change(north, OPERATOR, START), {"policy.yaml": WIDER})
    shadowed.shadow.hear(Subject(north.tenant, "eve"), Context(START, "r1"))
    candidates = shadowed.counted.stores.candidates

    class Breaking:
        def shadow(self, scope: TenantScope) -> object:
            if scope == north:
                raise PolicyError(())
            return candidates.shadow(scope)

        note_shadow = staticmethod(candidates.note_shadow)

    shadowed.shadow._candidates = Breaking()  # type: ignore[assignment]
    with pytest.raises(PolicyError):
        shadowed.shadow.round([shadowed.asked("ann", "1.2.3")])
    assert shadowed.report().compared == 1
