"""What an action reaches is what the resolver of the doors lets it touch."""

from datetime import UTC, datetime

from pacsgate.model.actions import Action
from pacsgate.model.resource import DEFAULT_TENANT, ResourceKey, TenantScope
from pacsgate.policy.engine import bind
from pacsgate.policy.reach import MANNERS, Manner, reached
from pacsgate.ports import InstanceEntry, SeriesEntry, StudyEntry
from pacsgate.services.freshness import Fresh
from pacsgate.services.resolve import NEEDS_EVERY_PART, Reach, Resolver
from tests.properties.worlds import World, WorldStudy, world

SCOPE = TenantScope(DEFAULT_TENANT)
SEEN = datetime(2026, 3, 10, tzinfo=UTC)
INSTANCE = InstanceEntry("1.9", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1", 1, None, None, {})


class OneStudy:
    """An index of one study that is always fresh: all of `Freshness` that the resolver asks."""

    def __init__(self, entry: StudyEntry) -> None:
        self._entry = entry

    def studies(self, *_: object) -> Fresh:
        return Fresh((self._entry,), asked=True)

    def ask_anyway(self, *_: object, **__: object) -> None:
        """There is no archive to ask."""


def entry(of: World, study: WorldStudy) -> StudyEntry:
    series = tuple(
        SeriesEntry(f"1.{place}", {}, part, (INSTANCE,)) for place, part in enumerate(study.series)
    )
    return StudyEntry(of.archive, "1.2", "P1", "", {}, study.facts, series, SEEN)


def test_the_doors_let_it_touch_exactly_what_is_reached() -> None:
    touched = 0
    for seed in range(150):
        of = world(seed)
        bound = bind(of.policy, of.subject, of.context, of.archive, of.grants)
        for study in of.studies:
            if not study.series:
                continue
            one = entry(of, study)
            for action in Action:
                if MANNERS[action] is Manner.EACH and action is not Action.SEARCH:
                    continue  # what is brought is judged by itself
                found = Resolver(OneStudy(one)).reach(SCOPE, of.archive, ResourceKey("1.2"), action, bound)
                parts = (
                    [part.series.series_instance_uid for part in found.parts]
                    if isinstance(found, Reach)
                    else []
                )
                expected = reached(bound, action, [one.facts_of(series) for series in one.series])
                assert parts == [f"1.{place}" for place in expected], (seed, action)
                touched += len(parts)
    assert touched > 200


def test_actions_that_need_the_whole_study_are_those_of_the_doors() -> None:
    assert {action for action in Action if MANNERS[action] is Manner.WHOLE} == NEEDS_EVERY_PART


def test_every_action_has_a_manner() -> None:
    assert set(MANNERS) == set(Action)
