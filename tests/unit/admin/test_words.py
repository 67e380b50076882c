"""How values are written for people."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pacsgate.admin.console import words
from pacsgate.admin.console.user_agents import browser_of


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("20260807", "7 Aug 2026"),
        ("20261399", "20261399"),
        ("2026", "2026"),
        ("", ""),
    ],
)
def test_a_day_is_written_out_and_what_is_none_stays(written: str, read: str) -> None:
    assert words.day(written) == read


@pytest.mark.parametrize(
    ("written", "read"), [("142530.5", "14:25"), ("1425", "14:25"), ("14", "14"), ("", "")]
)
def test_a_time_of_day_is_written_to_the_minute(written: str, read: str) -> None:
    assert words.clock(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("DOE^JANE^M^Dr", "DOE, JANE M"),
        ("DOE", "DOE"),
        ("^JANE", "JANE"),
        ("Yamada^Tarou=山田^太郎", "Yamada, Tarou"),
        ("", ""),
    ],
)
def test_a_person_is_written_as_lists_of_patients_are(written: str, read: str) -> None:
    assert words.person(written) == read


def test_a_moment_is_told_in_utc_whatever_zone_it_came_in() -> None:
    told = words.moment(datetime(2026, 8, 7, 1, 30, tzinfo=timezone(timedelta(hours=2))))
    assert told == '<time datetime="2026-08-06T23:30:00Z">6 Aug 2026, 23:30 UTC</time>'
    assert words.moment(None) == "never"
    assert words.moment(datetime(2026, 8, 7, tzinfo=UTC)).startswith("<time ")


def test_what_an_error_says_is_a_sentence_and_holds_no_markup() -> None:
    assert words.told("no `<b>` here") == "No <code>&lt;b&gt;</code> here."
    assert words.told("Done!") == "Done!"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        ("curl/8.5.0", "curl"),
        ("<script>", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_session_is_known_by_its_browser(agent: str, name: str) -> None:
    assert browser_of(agent) == name
