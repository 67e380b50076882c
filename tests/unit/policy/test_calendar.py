"""What the clock says in a named zone, above all in the weeks in which clocks are set."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.errors import PolicyError
from pacsgate.policy.calendar import (
    DATE,
    HOUR,
    TIME,
    WEEKDAY,
    calendar_attributes,
    date_days_ago,
    next_change,
)
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import bind
from pacsgate.policy.ir import Attribute
from pacsgate.policy.zones import zone, zone_names
from tests.unit.policy.hospital import INSIDE, MAIN, NOON, allowed, person, reasons, study

WARSAW = zone("Europe/Warsaw")
OFFICE_HOURS = """version: 1
timezone: Europe/Warsaw
roles: {clerk: {may: [search, view], owner: chief}}
rules:
  - id: office
    effect: permit
    roles: [clerk]
    when: "env.weekday in ['mon', 'tue', 'wed', 'thu', 'fri'] && env.time >= 700 && env.time < 1900"
"""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


OPEN = load_policy({"p": OFFICE_HOURS})


def may_at(moment: datetime) -> bool:
    bound = bind(OPEN, person("clerk"), replace(INSIDE, now=moment), MAIN, ())
    return allowed(bound.decide(Action.VIEW, study()))


def changes(start: datetime, days: float) -> list[datetime]:
    """Every moment at which a bound policy says that it must be bound anew."""
    found, now = [], start
    while now < start + timedelta(days=days):
        now = bind(OPEN, person("clerk"), replace(INSIDE, now=now), MAIN, ()).valid_until
        found.append(now)
    return found


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        # the week before clocks go forward (CET), the week after (CEST), and the same in autumn
        ("2026-03-27T06:59:59+01:00", False),
        ("2026-03-27T07:00:00+01:00", True),
        ("2026-03-27T18:59:59+01:00", True),
        ("2026-03-27T19:00:00+01:00", False),
        ("2026-03-27T19:01:00+01:00", False),
        ("2026-03-28T12:00:00+01:00", False),  # Saturday
        ("2026-03-30T06:59:59+02:00", False),
        ("2026-03-30T07:00:00+02:00", True),
        ("2026-03-30T19:00:00+02:00", False),
        ("2026-10-23T18:59:59+02:00", True),
        ("2026-10-23T19:00:00+02:00", False),
        ("2026-10-26T06:59:59+01:00", False),
        ("2026-10-26T07:00:00+01:00", True),
        ("2026-10-26T18:59:59+01:00", True),
        ("2026-10-26T19:01:00+01:00", False),
    ],
)
def test_office_hours_are_those_of_the_zone_in_every_week(local: str, expected: bool) -> None:
    assert may_at(at(local)) is expected


def test_a_denial_outside_office_hours_names_no_permit() -> None:
    bound = bind(OPEN, person("clerk"), replace(INSIDE, now=at("2026-03-27T19:01:00+01:00")), MAIN, ())
    assert reasons(bound.decide(Action.VIEW, study())) == ["no-permit"]


@pytest.mark.parametrize("start", ["2026-03-28T00:00:00+01:00", "2026-10-24T00:00:00+02:00"])
def test_nothing_changes_before_it_is_said_to_also_when_clocks_are_set(start: str) -> None:
    edges = set(changes(at(start), 3))
    minutes = [at(start) + timedelta(minutes=n) for n in range(3 * 24 * 60)]
    turned = {now for before, now in pairwise(minutes) if may_at(before) != may_at(now)}
    assert len(turned) == 2, "it opens and closes once: on Monday"
    assert turned <= edges


@pytest.mark.parametrize(
    ("attribute", "zone_name", "now", "expected"),
    [
        (HOUR, "Europe/Warsaw", "2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00"),
        (
            HOUR,
            "Europe/Warsaw",
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T03:00:00+01:00",
        ),  # two is shown twice
        (HOUR, "Asia/Kolkata", "2026-03-10T10:10:00+05:30", "2026-03-10T11:00:00+05:30"),
        (HOUR, "Australia/Lord_Howe", "2026-04-05T01:40:00+11:00", "2026-04-05T02:00:00+10:30"),
        (WEEKDAY, "Europe/Warsaw", "2026-03-29T12:00:00+02:00", "2026-03-30T00:00:00+02:00"),
        (DATE, "Europe/Warsaw", "2026-10-25T00:30:00+02:00", "2026-10-26T00:00:00+01:00"),
        (
            date_days_ago(30),
            "Africa/Cairo",
            "2026-04-23T23:30:00+02:00",
            "2026-04-24T01:00:00+03:00",
        ),  # no midnight
        (
            DATE,
            "Pacific/Apia",
            "2011-12-29T12:00:00-10:00",
            "2011-12-31T00:00:00+14:00",
        ),  # a day that never was
    ],
)
def test_the_next_change_is_exact(attribute: Attribute, zone_name: str, now: str, expected: str) -> None:
    there = zone(zone_name)
    assert there is not None
    assert next_change(at(now), there, {attribute}, frozenset()) == at(expected)
    before, after = (
        calendar_attributes(moment, there, {attribute})[attribute.name]
        for moment in (at(expected) - timedelta(seconds=1), at(expected))
    )
    assert before != after
    assert before == calendar_attributes(at(now), there, {attribute})[attribute.name]


def test_the_24_hour_clock_is_read_as_it_is_written() -> None:
    assert WARSAW is not None
    values = calendar_attributes(at("2026-03-10T18:05:59+01:00"), WARSAW, ())
    assert (values[TIME.name], values[DATE.name]) == ({1805}, {"20260310"})


def test_days_gone_by_are_counted_on_the_calendar() -> None:
    assert WARSAW is not None
    values = calendar_attributes(
        at("2026-03-31T00:30:00+02:00"), WARSAW, {date_days_ago(3), date_days_ago(99_999)}
    )
    assert values["date_3_days_ago"] == {"20260328"}
    assert values["date_99999_days_ago"] == {"17520616"}


def test_a_policy_that_never_looks_at_the_clock_holds_for_a_day() -> None:
    text = "version: 1\nroles: {clerk: {may: [view]}}\nrules: [{id: a, effect: permit, roles: [clerk]}]\n"
    bound = bind(load_policy({"p": text}), person("clerk"), INSIDE, MAIN, ())
    assert bound.valid_until == NOON + timedelta(days=1)


def test_an_unknown_zone_and_a_second_one_are_mistakes() -> None:
    with pytest.raises(PolicyError, match="p:2:11: no time zone `Europe/Warschau`"):
        load_policy({"p": "version: 1\ntimezone: Europe/Warschau\n"})
    files = dict.fromkeys(("p", "q"), "version: 1\ntimezone: Europe/Warsaw\n")
    with pytest.raises(PolicyError, match="q:2:11: `timezone` is here a second time; first at p:2"):
        load_policy(files)


def test_every_zone_can_be_read() -> None:
    assert len(zone_names()) > 400
    assert all(zone(name) is not None for name in zone_names())
    assert zone("../../etc/passwd") is None


AGED = """version: 1
roles: {clerk: {may: [search, view], owner: chief}}
rules: [{id: recent, effect: permit, roles: [clerk], when: study.age OP 30}]
"""


@pytest.mark.parametrize("op", ["==", "!=", "<", "<=", ">", ">="])
def test_an_age_is_compared_as_days_are_counted(op: str) -> None:
    for days in (0, 29, 30, 31, 4000):
        taken = (NOON - timedelta(days=days)).strftime("%Y%m%d")
        bound = bind(load_policy({"p": AGED.replace("OP", op)}), person("clerk"), INSIDE, MAIN, ())
        expected = eval(f"{days} {op} 30")  # noqa: S307 - a test's own words
        assert allowed(bound.decide(Action.VIEW, study(date=taken))) is expected
        assert not allowed(bound.decide(Action.VIEW, study()))


def test_a_list_by_age_ends_at_the_next_midnight_of_the_zone() -> None:
    text = AGED.replace("OP", "<").replace("version: 1", "version: 1\ntimezone: Europe/Warsaw")
    bound = bind(load_policy({"p": text}), person("clerk"), INSIDE, MAIN, ())
    assert bound.valid_until == at("2026-03-11T00:00:00+01:00")


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("study.age < 2.5", "`study.age` is a whole number of days up to 99999"),
        ("study.age < -1", "`study.age` is a whole number of days up to 99999"),
        ("study.age < user.days", "`study.age` is compared with a number of days"),
        ("study.age in [1, 2]", "`study.age` is compared with a number of days"),
        ("study.age == '3'", "`study.age` is a number and this a string"),
    ],
)
def test_an_age_is_a_number_of_days_and_nothing_else(condition: str, message: str) -> None:
    text = f'version: 1\nattributes: {{user.days: {{type: number}}}}\nrules: [{{id: a, effect: forbid, when: "{condition}"}}]\n'
    with pytest.raises(PolicyError) as raised:
        load_policy({"p": text})
    assert [each.message for each in raised.value.diagnostics] == [message]


def test_training_that_was_long_ago_has_lapsed() -> None:
    text = """version: 1
attributes: {user.trained: {type: date}}
roles: {clerk: {may: [search, view], owner: chief}}
rules:
  - {id: trained, effect: permit, roles: [clerk], when: user.trained >= env.date_365_days_ago}
"""
    policy = load_policy({"p": text})
    for trained, expected in (("20250310", True), ("20250309", False), ("20260301", True)):
        bound = bind(policy, person("clerk", trained=trained), INSIDE, MAIN, ())
        assert allowed(bound.decide(Action.VIEW, study())) is expected


@pytest.mark.parametrize("night", ["2026-03-29", "2026-10-25"])
@pytest.mark.parametrize("shown", [145, 200, 230, 300, 315])
def test_a_time_that_the_clock_jumps_over_or_shows_twice_is_not_missed(night: str, shown: int) -> None:
    assert WARSAW is not None
    start = at(f"{night}T00:00:00+00:00") - timedelta(hours=1)

    def is_past(moment: datetime) -> bool:
        (read,) = calendar_attributes(moment, WARSAW, ())[TIME.name]
        return isinstance(read, int) and read >= shown

    moments = [start + timedelta(minutes=n) for n in range(5 * 60)]
    turned = [now for before, now in pairwise(moments) if is_past(before) is not is_past(now)]
    assert turned
    for now, turn in ((now, next((t for t in turned if t > now), None)) for now in moments):
        edge = next_change(now, WARSAW, {TIME}, frozenset({shown}))
        assert edge is not None
        assert turn is None or edge <= turn
