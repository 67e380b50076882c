"""A time of day, through the nights on which clocks are changed."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from pacsgate.identity.ldap.schedule import Daily

WARSAW = Daily(time(2, 30), ZoneInfo("Europe/Warsaw"))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_it_is_later_today_or_tomorrow_and_never_now():
    assert WARSAW.after(utc(2026, 1, 10, 0, 0)) == utc(2026, 1, 10, 1, 30)
    assert WARSAW.after(utc(2026, 1, 10, 1, 30)) == utc(2026, 1, 11, 1, 30)


def test_a_night_without_that_time_has_it_an_hour_later():
    assert WARSAW.after(utc(2026, 3, 29, 0, 0)) == utc(2026, 3, 29, 1, 30)


def test_a_night_with_that_time_twice_has_it_once():
    first = WARSAW.after(utc(2026, 10, 24, 12, 0))
    assert first == utc(2026, 10, 25, 0, 30)
    assert WARSAW.after(first) == utc(2026, 10, 26, 1, 30)


def test_every_day_has_one():
    moment = utc(2026, 1, 1)
    moments = []
    while moment < utc(2027, 1, 1):
        moment = WARSAW.after(moment)
        moments.append(moment)
    assert len(moments) == 366
    assert max(b - a for a, b in pairwise(moments)) <= timedelta(hours=25)
