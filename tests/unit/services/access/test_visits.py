from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pacsgate.model.access import VisitState
from pacsgate.services.access.rules import STEPS, DeskRules, Step
from tests.support.doors import PLACE, Site, open_site

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CARD = {"format": "uid-hex", "value": "04a1b2c3"}


def plan(
    site: Site, starts: timedelta = -HOUR, ends: timedelta = HOUR, visit_id: str = "v-1", **more: Any
) -> Any:
    now = site.clock.now()
    body = {
        "visitId": visit_id,
        "visitor": "p-9",
        "name": "Ada Reis",
        "validFrom": (now + starts).isoformat(),
        "validTo": (now + ends).isoformat(),
    }
    return site.ask("VisitCreate", body | more)


def a_card_to_the_reading_room(site: Site, visit: str = "v-1") -> None:
    assert site.ask("VisitCredentialCreate", CARD, visit=visit).status == 201
    assert site.ask("VisitAccessUnitAssign", visit=visit, unit="reading-room").status == 200


def door(site: Site) -> str:
    return site.lets_in("uid-hex", "04A1B2C3", "reading-room")


def state(site: Site, visit: str = "v-1") -> str:
    return str(site.ask("VisitGet", visit=visit).body["state"])


def test_a_visit_opens_doors_from_check_in_to_check_out(site: Site) -> None:
    plan(site)
    a_card_to_the_reading_room(site)
    assert door(site) == "not-checked-in"

    assert site.ask("VisitCheckIn", visit="v-1").status == 200
    assert door(site) == "open"

    assert site.ask("VisitCheckOut", visit="v-1").status == 200
    assert door(site) == "not-checked-in"


def test_check_out_makes_cards_inactive_closes_units_and_keeps_both(site: Site) -> None:
    plan(site)
    a_card_to_the_reading_room(site)
    site.ask("VisitCheckIn", visit="v-1")
    site.ask("VisitCheckOut", visit="v-1")

    assert [each["active"] for each in site.ask("VisitCredentialList", visit="v-1").body["credentials"]] == [
        False
    ]
    assert site.ask("VisitAccessUnitList", visit="v-1").body["accessUnits"] == []
    assert site.ask("AccessUnitVisitList", unit="reading-room").body["visits"] == []
    visit = site.store.visit(PLACE, "v-1")
    assert visit is not None
    assert [each.removed_at for each in site.store.assignments(PLACE, visit.key)] == [site.clock.now()]


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("stood", VisitState)
def test_every_step_that_is_not_of_the_table_is_a_conflict_and_changes_nothing(
    site: Site, stood: VisitState, step: Step
) -> None:
    plan(site)
    ways = {
        VisitState.PLANNED: [],
        VisitState.CHECKED_IN: ["VisitCheckIn"],
        VisitState.CHECKED_OUT: ["VisitCheckIn", "VisitCheckOut"],
        VisitState.CANCELLED: ["VisitRemove"],
        VisitState.EXPIRED: [],
    }
    for each in ways[stood]:
        site.ask(each, visit="v-1")
    if stood is VisitState.EXPIRED:
        site.wait(2 * HOUR)
        site.desk.tick(PLACE)
    assert state(site) == stood
    asked = {Step.CHECK_IN: "VisitCheckIn", Step.CHECK_OUT: "VisitCheckOut", Step.CANCEL: "VisitRemove"}
    if step not in asked:
        return

    outcome = site.ask(asked[step], visit="v-1")

    reached = STEPS.get((stood, step))
    assert outcome.status == (409 if reached is None else {Step.CANCEL: 204}.get(step, 200))
    assert state(site) == (reached or stood)


def test_check_in_is_allowed_all_of_the_scheduled_day_but_not_the_day_before(tmp_path) -> None:
    site = open_site(tmp_path, DeskRules(zone=ZoneInfo("Europe/Berlin")))
    site.wait_until("2027-03-01T22:59:59+00:00")
    # 00:00 in Berlin is 23:00 UTC of the day before.
    plan(site, starts=10 * HOUR, ends=12 * HOUR)

    early = site.ask("VisitCheckIn", visit="v-1")
    site.wait(timedelta(seconds=1))

    assert early.status == 409
    assert "2027-03-01T23:00:00+00:00" in early.body["message"]
    assert site.ask("VisitCheckIn", visit="v-1").status == 200


def test_the_grace_before_the_start_reaches_into_the_day_before(tmp_path) -> None:
    site = open_site(tmp_path, DeskRules(grace=2 * HOUR))
    site.wait_until("2027-03-01T22:59:59+00:00")
    plan(site, starts=2 * HOUR + timedelta(seconds=1), ends=5 * HOUR)

    assert site.ask("VisitCheckIn", visit="v-1").status == 409
    site.wait(timedelta(seconds=1))
    assert site.ask("VisitCheckIn", visit="v-1").status == 200


def test_nobody_is_checked_in_at_or_after_the_end(site: Site) -> None:
    plan(site)
    site.wait(HOUR)

    assert site.ask("VisitCheckIn", visit="v-1").status == 409
    assert state(site) == "expired"


def test_a_visitor_who_is_in_is_not_checked_in_with_another_visit(site: Site) -> None:
    plan(site)
    plan(site, visit_id="v-2")
    plan(site, visit_id="v-3", visitor="p-10")
    site.ask("VisitCheckIn", visit="v-1")

    assert site.ask("VisitCheckIn", visit="v-2").status == 409
    assert site.ask("VisitCheckIn", visit="v-3").status == 200
    site.ask("VisitCheckOut", visit="v-1")
    assert site.ask("VisitCheckIn", visit="v-2").status == 200


def test_whoever_stays_to_the_end_is_checked_out_by_the_clock(site: Site) -> None:
    plan(site)
    a_card_to_the_reading_room(site)
    site.ask("VisitCheckIn", visit="v-1")
    site.wait(HOUR)

    assert door(site) == "no-longer-valid"
    assert site.desk.tick(PLACE) == 1
    assert state(site) == "checkedOut"
    assert site.desk.tick(PLACE) == 0


def test_ticks_that_were_missed_are_made_good_with_the_time_at_which_it_was_over(site: Site) -> None:
    ends = (site.clock.now() + HOUR).isoformat()
    plan(site)
    site.ask("VisitCheckIn", visit="v-1")
    site.wait(3 * DAY)

    site.new_process().tick(PLACE)

    told = site.ask("VisitGet", visit="v-1").body
    assert (told["state"], told["endedAt"]) == ("checkedOut", ends)


def test_a_visit_that_is_over_is_over_before_the_next_thing_happens(site: Site) -> None:
    plan(site)
    site.ask("VisitCheckIn", visit="v-1")
    plan(site, visit_id="v-2", ends=3 * HOUR)
    site.wait(2 * HOUR)

    assert site.ask("VisitCheckIn", visit="v-2").status == 200
    assert state(site) == "checkedOut"


@pytest.mark.parametrize(
    ("starts", "ends"), [(-2 * HOUR, -HOUR), (HOUR, HOUR), (2 * HOUR, HOUR), (-HOUR, timedelta(0))]
)
def test_a_visit_in_the_past_or_without_length_is_refused(
    site: Site, starts: timedelta, ends: timedelta
) -> None:
    assert plan(site, starts, ends).status == 400
    assert site.ask("VisitGet", visit="v-1").status == 404


def test_a_visit_that_has_begun_keeps_its_visitor_and_start_but_may_be_made_longer(site: Site) -> None:
    planned = plan(site).body
    site.ask("VisitCheckIn", visit="v-1")
    kept = {name: planned[name] for name in ("visitor", "name", "validFrom", "validTo")}

    def update(**changed: str) -> int:
        return site.ask("VisitUpdate", kept | changed, visit="v-1").status

    assert update(visitor="p-10") == 409
    assert update(validFrom=(site.clock.now() + HOUR / 2).isoformat()) == 409
    assert update(validTo=(site.clock.now() - HOUR / 2).isoformat()) == 400
    assert update(validTo=(site.clock.now() + 5 * HOUR).isoformat(), host="Bo Lund") == 200
    site.wait(2 * HOUR)
    assert state(site) == "checkedIn"


def test_nothing_of_a_visit_that_is_over_changes(site: Site) -> None:
    planned = plan(site).body
    site.ask("VisitRemove", visit="v-1")
    body = {name: planned[name] for name in ("visitor", "name", "validFrom", "validTo")}

    assert site.ask("VisitUpdate", body, visit="v-1").status == 409
    assert site.ask("VisitCredentialCreate", CARD, visit="v-1").status == 409
    assert site.ask("VisitAccessUnitAssign", visit="v-1", unit="lobby").status == 409


@pytest.mark.parametrize(
    "start", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "1899-12-31T00:00:00Z"]
)
def test_a_visit_at_the_end_of_the_calendar_is_refused_when_it_is_planned(site: Site, start: str) -> None:
    refused = plan(site, validFrom=start)
    assert (refused.status, "a year from 1900 to 2999" in refused.body["message"]) == (400, True)
