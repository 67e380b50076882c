"""Simulated doors against an independent model of the same site, through random walks of swipes and orders.

The model knows nothing of stores, units and credentials: it is a set of who may, and a place for each person.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from pacsgate.model.access import HolderKey, HolderKind
from pacsgate.model.site_events import ACCESS_DENIED, ACCESS_GRANTED, ANTI_PASSBACK_RESET
from pacsgate.ports.pacs_adapters import PacsEvent
from tests.support.simulated_site import CARD, SimulatedSite, simulated_site

PEOPLE = {"ann": "1-1", "bob": "1-2"}
DOORS = {
    "main": ("", "lobby"),
    "reading-room": ("lobby", "reading-room"),
    "server-room": ("lobby", "server-room"),
}
UNITS = {
    "lobby": {"main"},
    "reading-room": {"main", "reading-room"},
    "server-room": {"main", "server-room"},
}
HARD = "reading-room"
STEPS = ("go_in",) * 10 + ("go_out",) * 4 + ("assign", "assign", "take", "switch", "wait", "reset")


@dataclass
class Walk:
    """`zones` is where the model has each person; `None` is that no door has seen them."""

    site: SimulatedSite
    random: Random
    zones: dict[str, str | None] = field(default_factory=lambda: dict.fromkeys(PEOPLE))
    units: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in PEOPLE})
    active: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(PEOPLE, True))
    told: list[tuple[str, str, str | None]] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        self.site.clock.advance(days=1)  # a Monday
        for name, card in PEOPLE.items():
            self.site.done("IdentityCreate", {"identityId": name, "name": name})
            body = {"format": CARD, "value": card, "credentialId": "card"}
            self.site.done("IdentityCredentialCreate", body, identity=name)
            for unit in UNITS:
                self.assign(name, unit)

    def step(self) -> None:
        what, name = self.random.choice(STEPS), self.random.choice(sorted(PEOPLE))
        match what:
            case "assign" | "take":
                getattr(self, what)(name, self.random.choice(sorted(UNITS)))
            case "go_in" | "go_out":
                getattr(self, what)(name, self.random.choice(sorted(DOORS)))
            case _:
                getattr(self, what)(name)
        self.agree()

    def assign(self, name: str, unit: str) -> None:
        self.site.done("IdentityAccessUnitAssign", identity=name, unit=unit)
        self.units[name].add(unit)

    def take(self, name: str, unit: str) -> None:
        self.site.done("IdentityAccessUnitRemove", identity=name, unit=unit)
        self.units[name].discard(unit)

    def switch(self, name: str) -> None:
        active = self.random.random() < 0.8
        operation = "IdentityCredentialActivate" if active else "IdentityCredentialDeactivate"
        self.site.done(operation, identity=name, credential="card")
        self.active[name] = active

    def wait(self, _name: str) -> None:
        self.site.clock.advance(hours=self.random.randint(1, 9))

    def go_in(self, name: str, door: str) -> None:
        source, to = DOORS[door]
        has_unit = any(door in UNITS[unit] for unit in self.units[name])
        is_open = any(door in UNITS[unit] and self._is_open(unit) for unit in self.units[name])
        is_elsewhere = self.zones[name] not in (None, source)
        granted = self.active[name] and is_open and not (to == HARD and is_elsewhere)
        swipe = self.site.swipe(f"{door}-in", PEOPLE[name])
        assert swipe.is_granted is granted, (name, door, swipe)
        if granted:
            assert swipe.violates is (is_elsewhere and to == "server-room")
            self.zones[name] = to
        self.seen[swipe.reason.value if swipe.reason else "violated" if swipe.violates else "granted"] += 1
        assert has_unit or not granted
        self.told.append((ACCESS_GRANTED if granted else ACCESS_DENIED, name, to if granted else None))

    def go_out(self, name: str, door: str) -> None:
        assert self.site.swipe(f"{door}-out", PEOPLE[name]).is_granted, "nobody is locked in"
        self.zones[name] = DOORS[door][0]
        self.told.append((ACCESS_GRANTED, name, DOORS[door][0]))

    def reset(self, name: str) -> None:
        if self.zones[name] is not None:
            self.site.doors.reset(HolderKey(HolderKind.IDENTITY, name), self.site.clock.now())
            self.told.append((ANTI_PASSBACK_RESET, name, ""))
            self.zones[name] = None

    def agree(self) -> None:
        kept = {f"identity/{name}": zone for name, zone in self.zones.items() if zone is not None}
        assert dict(self.site.doors.state.people(self.site.doors.place)) == kept

    def end(self) -> None:
        events = [(event.kind, event.holder, event.zone) for event in self._events()]
        assert events == [(kind, f"identity/{name}", zone) for kind, name, zone in self.told]

    def _events(self) -> list[PacsEvent]:
        found: list[PacsEvent] = []
        last: str | None = None
        while more := list(self.site.simulator.events(last)):
            found += more
            last = more[-1].event_id
        return found

    def _is_open(self, unit: str) -> bool:
        now = self.site.clock.now()
        return unit != "server-room" or (now.weekday() < 5 and _is_day(now))


def _is_day(now: datetime) -> bool:
    since_midnight = timedelta(hours=now.hour, minutes=now.minute)
    return timedelta(hours=6) <= since_midnight < timedelta(hours=20)


def _walked(directory: Path, seeds: range, steps: int) -> Counter[str]:
    seen: Counter[str] = Counter()
    for seed in seeds:
        with simulated_site(directory) as site:
            walk = Walk(site, Random(seed))  # noqa: S311 - a walk to be repeated
            walk.begin()
            for _ in range(steps):
                walk.step()
            walk.end()
            seen += walk.seen
    return seen


def test_simulated_doors_do_what_the_model_says(tmp_path: Path) -> None:
    seen = _walked(tmp_path, range(1), 60)
    assert min(seen[each] for each in ("granted", "anti-passback", "violated")) >= 1, seen


@pytest.mark.long
def test_simulated_doors_do_what_the_model_says_at_length(tmp_path: Path) -> None:
    seen = _walked(tmp_path, range(10, 14), 120)
    reasons = (
        "granted",
        "anti-passback",
        "violated",
        "out-of-schedule",
        "credential-inactive",
        "no-access-unit",
    )
    assert min(seen[each] for each in reasons) >= 5, seen
