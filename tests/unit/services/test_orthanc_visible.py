"""The visible part of a resource: what it has at each level, whether it is all, and who speaks for it."""

from collections.abc import Iterator

import pytest

from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.resource import Level
from pacsgate.ports import InstanceEntry, SeriesEntry, StudyEntry
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.services.orthanc_visible import Visible, is_above, visible
from pacsgate.services.resolve import Part
from tests.support.indexing import MAIN, SEEN

NAMES = Mask(frozenset({"PatientName"}))


def instances(*uids: str) -> tuple[InstanceEntry, ...]:
    return tuple(InstanceEntry(uid, "1.2", "1.2", 1, 10, None, {}) for uid in uids)


def study(uid: str) -> StudyEntry:
    """A series of which the instances are told apart, and another."""
    series = (
        SeriesEntry(f"{uid}.1", {}, {}, instances(f"{uid}.1.1", f"{uid}.1.2")),
        SeriesEntry(f"{uid}.1", {}, {}, instances(f"{uid}.1.3")),
        SeriesEntry(f"{uid}.2", {}, {}, instances(f"{uid}.2.1")),
    )
    return StudyEntry(MAIN, uid, "P", "", {}, {}, series, SEEN)


ONE, TWO = study("1"), study("2")


def parts(of: StudyEntry, *places: int, mask: Mask = NO_MASK) -> tuple[Part, ...]:
    return tuple(Part(of, of.series[place], tuple(of.series[place].instances), mask) for place in places)


@pytest.mark.parametrize(
    ("level", "found", "studies", "whole"),
    [
        (Level.STUDY, parts(ONE, 0, 1, 2), 1, True),
        (Level.STUDY, parts(ONE, 0, 1), 1, False),
        (Level.SERIES, parts(ONE, 0, 1), 1, True),
        (Level.SERIES, parts(ONE, 0), 1, False),
        (Level.SERIES, parts(ONE, 2), 1, True),
        (Level.INSTANCE, parts(ONE, 1), 1, True),
        (Level.PATIENT, parts(ONE, 0, 1, 2), 1, True),
        (Level.PATIENT, parts(ONE, 0, 1, 2), 2, False),
        (Level.PATIENT, (*parts(ONE, 0, 1, 2), *parts(TWO, 0, 1, 2)), 2, True),
        (Level.PATIENT, (*parts(ONE, 0, 1, 2), *parts(TWO, 0, 1)), 2, False),
    ],
)
def test_a_resource_is_whole_where_nothing_of_it_is_left_out(
    level: Level, found: tuple[Part, ...], studies: int, *, whole: bool
) -> None:
    assert visible(level, "x", found, studies=studies).is_whole is whole


def below(of: Visible, level: Level) -> Iterator[tuple[str, bool, int]]:
    for each in of.below(level):
        yield each.orthanc_id, each.is_whole, sum(len(part.instances) for part in each.parts)


def test_what_is_below_is_told_thing_by_thing() -> None:
    patient = visible(Level.PATIENT, "x", (*parts(ONE, 0, 2), *parts(TWO, 0, 1, 2)), studies=2)
    assert list(below(patient, Level.STUDY)) == [
        (orthanc_id("P", "1"), False, 3),
        (orthanc_id("P", "2"), True, 4),
    ]
    assert list(below(patient, Level.SERIES)) == [
        (orthanc_id("P", "1", "1.1"), False, 2),
        (orthanc_id("P", "1", "1.2"), True, 1),
        (orthanc_id("P", "2", "2.1"), True, 3),
        (orthanc_id("P", "2", "2.2"), True, 1),
    ]
    assert [each.orthanc_id for each in patient.below(Level.INSTANCE)] == list(patient.ids(Level.INSTANCE))
    assert len(patient.ids(Level.INSTANCE)) == 7
    assert patient.ids(Level.SERIES) == tuple(name for name, _, _ in below(patient, Level.SERIES))


def test_the_first_visible_instance_speaks_and_the_parent_is_one_level_up() -> None:
    named = visible(Level.SERIES, "x", (*parts(ONE, 1, mask=NAMES), *parts(ONE, 0)))
    assert named.speaker == (orthanc_id("P", "1", "1.1", "1.1.3"), NAMES)
    assert named.parent == orthanc_id("P", "1")
    assert visible(Level.STUDY, "x", parts(ONE, 1)).parent == orthanc_id("P")
    assert visible(Level.PATIENT, "x", parts(ONE, 1)).parent is None


def test_an_attribute_is_hidden_where_every_part_hides_it() -> None:
    both = (*parts(ONE, 0, mask=NAMES), *parts(ONE, 2, mask=NAMES))
    assert visible(Level.STUDY, "x", both).mask.hides("PatientName")
    one = (*parts(ONE, 0, mask=NAMES), *parts(ONE, 2))
    assert visible(Level.STUDY, "x", one).mask.hides_nothing


def test_parts_speak_for_each_other_only_where_they_hide_the_same() -> None:
    alike, different = parts(ONE, 2, mask=NAMES), parts(ONE, 2)
    hiding = parts(ONE, 0, 1, mask=NAMES)
    assert visible(Level.STUDY, "x", (*hiding, *alike)).is_even
    assert not visible(Level.STUDY, "x", (*hiding, *different)).is_even


def test_levels_are_in_order() -> None:
    assert [is_above(Level.STUDY, level) for level in Level] == [False, False, True, True]
