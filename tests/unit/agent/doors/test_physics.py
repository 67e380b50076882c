from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pacsgate.agent.doors.physics import Refusal
from pacsgate.model.access import HolderKey, HolderKind
from pacsgate.model.effective_access import Barrier
from pacsgate.model.errors import NotFoundError
from pacsgate.model.site_events import ACCESS_DENIED, ACCESS_GRANTED, ANTI_PASSBACK_RESET, HOLDER_ENDED
from tests.support.simulated_site import SimulatedSite, simulated_site

ANN = HolderKey(HolderKind.IDENTITY, "ann")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SimulatedSite]:
    with simulated_site(tmp_path) as opened:
        yield opened


def visit(site: SimulatedSite, **more: str) -> None:
    now = site.clock.now()
    body = {
        "visitId": "v1",
        "visitor": "zoe",
        "name": "Zoe",
        "validFrom": (now + timedelta(hours=1)).isoformat(),
        "validTo": (now + timedelta(hours=3)).isoformat(),
        **more,
    }
    site.done("VisitCreate", body)
    site.done("VisitCredentialCreate", {"format": "uid", "value": "04:a1:b2:c3"}, visit="v1")
    site.done("VisitAccessUnitAssign", visit="v1", unit="reading-room")


def test_a_card_opens_the_doors_of_its_units_and_no_others(site: SimulatedSite) -> None:
    site.identity("ann", "12-34567", "reading-room")
    assert site.swipe("main-in", "12-34567").zone == "lobby"
    assert site.swipe("reading-room-in", "12:34567").zone == "reading-room"
    assert site.swipe("server-room-in", "12-34567").reason is Barrier.NO_UNIT
    assert site.doors.state.people(site.doors.place) == [("identity/ann", "reading-room")]


def test_a_card_that_nobody_holds_opens_nothing_and_leaves_an_event(site: SimulatedSite) -> None:
    assert site.swipe("main-in", "12-1").reason is Refusal.UNKNOWN_CARD
    (event,) = site.events()
    assert (event.kind, event.holder, event.details["reason"]) == (ACCESS_DENIED, None, "unknown-card")


def test_no_event_tells_the_number_of_a_card(site: SimulatedSite) -> None:
    site.identity("ann", "12-34567", "lobby", account="ann")
    site.swipe("main-in", "12-34567")
    site.swipe("main-in", "99-9999")
    assert "34567" not in repr(site.events())
    assert "9999" not in repr(site.events())
    assert site.events()[0].account == "ann"


def test_a_card_that_is_deactivated_opens_nothing_until_it_is_active_again(site: SimulatedSite) -> None:
    site.identity("ann", "12-34567", "lobby")
    (card,) = site.done("IdentityCredentialList", identity="ann")["credentials"]
    ids = {"identity": "ann", "credential": card["credentialId"]}
    site.done("IdentityCredentialDeactivate", **ids)
    assert site.swipe("main-in", "12-34567").reason is Barrier.CREDENTIAL_INACTIVE
    site.done("IdentityCredentialActivate", **ids)
    assert site.swipe("main-in", "12-34567").is_granted


def test_a_visitor_gets_in_from_check_in_to_the_end_and_no_longer(site: SimulatedSite) -> None:
    visit(site)
    assert site.swipe("main-in", "04A1B2C3", "uid").reason is Barrier.NOT_CHECKED_IN
    site.done("VisitCheckIn", visit="v1")
    assert site.swipe("main-in", "04A1B2C3", "uid").is_granted
    site.clock.advance(hours=3)
    assert site.swipe("reading-room-in", "04A1B2C3", "uid").reason is Barrier.NO_LONGER_VALID


def test_whoever_is_checked_out_gets_nowhere_but_out(site: SimulatedSite) -> None:
    visit(site)
    site.done("VisitCheckIn", visit="v1")
    site.swipe("main-in", "04A1B2C3", "uid")
    site.done("VisitCheckOut", visit="v1")
    assert site.swipe("reading-room-in", "04A1B2C3", "uid").reason is Barrier.NOT_CHECKED_IN
    assert site.swipe("main-out", "04A1B2C3", "uid").zone == ""


@pytest.mark.parametrize("end", ["VisitCheckOut", "the clock"])
def test_a_visit_that_ends_inside_is_nowhere_from_then_on_and_the_gate_is_told(
    site: SimulatedSite, end: str
) -> None:
    visit(site, account="vera")
    site.done("VisitCheckIn", visit="v1")
    for reader in ("main-in", "reading-room-in"):
        assert site.swipe(reader, "04A1B2C3", "uid").is_granted
    assert [event.zone for event in site.events()] == ["lobby", "reading-room"]

    if end == "the clock":
        site.clock.advance(hours=3)
    else:
        site.done(end, visit="v1")

    told = site.events()[-1]
    assert (told.kind, told.account, told.zone) == (HOLDER_ENDED, "vera", "")
    assert site.doors.state.people(site.doors.place) == []


def test_an_identity_that_is_removed_is_nowhere(site: SimulatedSite) -> None:
    site.identity("ann", "12-34567", "reading-room", account="ann")
    site.swipe("main-in", "12-34567")
    site.done("IdentityRemove", identity="ann")
    told = site.events()[-1]
    assert (told.kind, told.account, told.zone) == (HOLDER_ENDED, "ann", "")


def test_whoever_leaves_after_their_visit_is_seen_in_no_zone_on_the_way(site: SimulatedSite) -> None:
    visit(site)
    site.done("VisitCheckIn", visit="v1")
    for reader in ("main-in", "reading-room-in"):
        site.swipe(reader, "04A1B2C3", "uid")
    site.done("VisitCheckOut", visit="v1")
    assert site.swipe("reading-room-out", "04A1B2C3", "uid").zone == ""
    assert site.swipe("main-out", "04A1B2C3", "uid").zone == ""
    assert [event.zone for event in site.events()[2:]] == ["", "", ""]


def test_a_unit_with_a_schedule_opens_by_the_clock_on_the_wall(site: SimulatedSite) -> None:
    site.identity("ann", "12-34567", "server-room")
    assert site.swipe("main-in", "12-34567").reason is Refusal.OUT_OF_SCHEDULE  # a Sunday
    site.clock.advance(days=1)
    assert site.swipe("main-in", "12-34567").is_granted
    site.clock.advance(hours=11)  # 20:00
    assert site.swipe("server-room-in", "12-34567").reason is Refusal.OUT_OF_SCHEDULE


def test_hard_anti_passback_keeps_a_card_out_that_has_not_left(site: SimulatedSite) -> None:
    site.identity("ann", "12-34567", "reading-room")
    for reader in ("main-in", "reading-room-in"):
        assert site.swipe(reader, "12-34567").is_granted
    assert site.swipe("reading-room-in", "12-34567").reason is Refusal.ANTI_PASSBACK
    assert site.swipe("reading-room-out", "12-34567").zone == "lobby"
    assert site.swipe("reading-room-in", "12-34567").is_granted


def test_soft_anti_passback_lets_in_and_says_so(site: SimulatedSite) -> None:
    site.clock.advance(days=1)
    site.identity("ann", "12-34567", "server-room")
    for reader in ("main-in", "server-room-in"):
        assert not site.swipe(reader, "12-34567").violates
    again = site.swipe("server-room-in", "12-34567")
    assert (again.is_granted, again.violates) == (True, True)
    assert site.events()[-1].details["anti_passback"] == "violated"


def test_a_reset_lets_in_who_got_out_unseen_and_tells_that_nobody_knows_where_they_are(
    site: SimulatedSite,
) -> None:
    site.identity("ann", "12-34567", "reading-room", account="ann")
    for reader in ("main-in", "reading-room-in"):
        site.swipe(reader, "12-34567")
    site.doors.reset(ANN, site.clock.now())
    last = site.events()[-1]
    assert (last.kind, last.account, last.zone) == (ANTI_PASSBACK_RESET, "ann", "")
    assert site.swipe("reading-room-in", "12-34567").is_granted
    with pytest.raises(NotFoundError):
        site.doors.reset(HolderKey(HolderKind.IDENTITY, "bob"), site.clock.now())


@pytest.mark.parametrize(
    ("reader", "card_format"), [("attic-in", "uid"), ("main", "uid"), ("main-in", "face")]
)
def test_what_the_site_has_not_is_no_swipe(site: SimulatedSite, reader: str, card_format: str) -> None:
    with pytest.raises(NotFoundError):
        site.swipe(reader, "04A1B2C3", card_format)
    assert site.events() == []


@pytest.mark.parametrize(
    ("card_format", "value"),
    [
        ("wiegand26", "256-1"),
        ("wiegand26", "1-65536"),
        ("uid", "04A1B2"),
        ("uid", "04A1B2C3D4"),
        ("pin", "123"),
    ],
)
def test_a_number_that_no_card_has_is_no_credential(
    site: SimulatedSite, card_format: str, value: str
) -> None:
    site.done("IdentityCreate", {"identityId": "ann", "name": "Ann"})
    body = {"format": card_format, "value": value}
    assert site.do("IdentityCredentialCreate", body, identity="ann").status == 400


def test_events_are_told_in_order_from_behind_the_last_one_told(site: SimulatedSite) -> None:
    site.identity("ann", "12-34567", "lobby")
    for reader in ("main-in", "main-out", "main-in"):
        site.swipe(reader, "12-34567")
    first, second, third = site.events()
    assert [each.kind for each in (first, second, third)] == [ACCESS_GRANTED] * 3
    assert list(site.simulator.events(first.event_id)) == [second, third]
    assert list(site.simulator.events(third.event_id)) == []
    assert list(site.simulator.events("of-another-database")) == [first, second, third]
