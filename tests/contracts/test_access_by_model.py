"""The desk against a model that knows nothing of it: who may come in, in every state, on every database."""

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from pacsgate.model.access import PacsPlace
from pacsgate.model.resource import ArchiveName, TenantName
from pacsgate.services.access.rules import DeskRules
from pacsgate.stores.stores import Stores
from tests.support.doors import Site

HOUR = timedelta(hours=1)
GRACE = timedelta(minutes=30)
MOST_CARDS = 2
VALUES = tuple(f"0000000{number}" for number in range(6))
UNITS = ("lobby", "reading-room")
VISITORS = ("p-1", "p-2")
STARTS = (-1, -1, 0, 0, 1, 14, 30)
"""Hours from now: going on, about to begin, later on the day, another day."""
_numbers = itertools.count(1)


@dataclass
class Card:
    value: str
    active: bool
    until: datetime | None


@dataclass
class Somebody:
    """A holder as the model has it."""

    kind: str
    starts: datetime | None
    ends: datetime | None
    visitor: str = ""
    state: str = "planned"
    cards: dict[str, Card] = field(default_factory=dict)
    units: set[str] = field(default_factory=set)

    @property
    def is_over(self) -> bool:
        return self.state in {"checkedOut", "cancelled", "expired"}

    def is_in(self, now: datetime) -> bool:
        if self.ends is not None and now >= self.ends:
            return False
        if self.kind == "visit":
            return self.state == "checkedIn"
        return self.starts is None or self.starts <= now


class AccessMachine(RuleBasedStateMachine):
    """Whatever anybody may do at a desk, in any order."""

    stores: Stores

    @initialize()
    def open(self) -> None:
        place = PacsPlace(TenantName(f"t{next(_numbers)}"), ArchiveName("doors"))
        rules = DeskRules(grace=GRACE, most_credentials=MOST_CARDS)
        self.site = Site(self.stores.access, rules, place=place)
        self.people: dict[str, Somebody] = {}

    @property
    def now(self) -> datetime:
        return self.site.clock.now()

    def ask(self, operation: str, expected: int, body: Any = None, **ids: str) -> Any:
        self._pass_time()
        outcome = self.site.ask(operation, body, **ids)
        assert outcome.status == expected, (operation, ids, outcome)
        return outcome.body

    def _pass_time(self) -> None:
        """What the clock ends before anything else is done."""
        for each in self.people.values():
            if each.kind == "visit" and not each.is_over and each.ends is not None and self.now >= each.ends:
                self._end(each, "checkedOut" if each.state == "checkedIn" else "expired")

    def _end(self, each: Somebody, state: str) -> None:
        each.state = state
        each.units = set()
        for card in each.cards.values():
            card.active = False

    def _holders(self, kind: str) -> list[str]:
        return [name for name, each in self.people.items() if each.kind == kind]

    def _one(self, data: st.DataObject, *kinds: str) -> str:
        known = [name for kind in kinds for name in self._holders(kind)]
        return data.draw(st.sampled_from([*known, "nobody"]), label="who")

    @rule(minutes=st.sampled_from((10, 30, 60, 120, 12 * 60)))
    def wait(self, minutes: int) -> None:
        self.site.wait(timedelta(minutes=minutes))

    @rule()
    def tick_after_a_restart(self) -> None:
        self._pass_time()
        self.site.desk = self.site.new_process()
        self.site.desk.tick(self.site.place)

    @rule(
        visitor=st.sampled_from(VISITORS),
        starts=st.sampled_from(STARTS),
        hours=st.sampled_from((3, 3, 2, 0, -1)),
    )
    def plan(self, visitor: str, starts: int, hours: int) -> None:
        first = self.now + starts * HOUR
        last = first + hours * HOUR
        name = f"v-{next(_numbers)}"
        body = {
            "visitId": name,
            "visitor": visitor,
            "name": "Ada Reis",
            "validFrom": first.isoformat(),
            "validTo": last.isoformat(),
        }
        is_good = last > first and last > self.now
        self.ask("VisitCreate", 201 if is_good else 400, body)
        if is_good:
            self.people[name] = Somebody("visit", first, last, visitor)

    @rule(visitor=st.sampled_from(VISITORS), value=st.sampled_from(VALUES))
    def plan_with_a_card_to_the_lobby(self, visitor: str, value: str) -> None:
        self.plan(visitor, 0, 3)
        name = self._holders("visit")[-1]
        self._give(name, value, active=True, until=None)
        self.ask("VisitAccessUnitAssign", 200, unit="lobby", visit=name)
        self.people[name].units.add("lobby")

    @rule(hours=st.sampled_from((None, -1, 1, 3)))
    def admit(self, hours: int | None) -> None:
        name = f"e-{next(_numbers)}"
        last = None if hours is None else self.now + hours * HOUR
        body = {"identityId": name, "name": "Bo Lund"}
        is_good = last is None or last > self.now
        self.ask(
            "IdentityCreate",
            201 if is_good else 400,
            body | ({} if last is None else {"validTo": last.isoformat()}),
        )
        if is_good:
            self.people[name] = Somebody("identity", None, last)

    @rule(value=st.sampled_from(VALUES))
    def admit_with_a_card_to_the_lobby(self, value: str) -> None:
        self.admit(None)
        name = self._holders("identity")[-1]
        self._give(name, value, active=True, until=None)
        self.ask("IdentityAccessUnitAssign", 200, unit="lobby", identity=name)
        self.people[name].units.add("lobby")

    @rule(data=st.data())
    def check_in(self, data: st.DataObject) -> None:
        name = self._one(data, "visit")
        self._pass_time()
        each = self.people.get(name)
        if each is None:
            self.ask("VisitCheckIn", 404, visit=name)
            return
        assert each.starts is not None
        is_early = self.now < each.starts - GRACE and self.now.date() < each.starts.date()
        is_elsewhere = any(
            other.visitor == each.visitor and other.state == "checkedIn" for other in self.people.values()
        )
        is_good = each.state == "planned" and not is_early and not is_elsewhere
        self.ask("VisitCheckIn", 200 if is_good else 409, visit=name)
        if is_good:
            each.state = "checkedIn"

    @rule(data=st.data(), operation=st.sampled_from(("VisitCheckOut", "VisitRemove")))
    def end(self, data: st.DataObject, operation: str) -> None:
        name = self._one(data, "visit")
        self._pass_time()
        each = self.people.get(name)
        needed, reached, status = {
            "VisitCheckOut": ("checkedIn", "checkedOut", 200),
            "VisitRemove": ("planned", "cancelled", 204),
        }[operation]
        if each is None or each.state != needed:
            self.ask(operation, 404 if each is None else 409, visit=name)
            return
        self.ask(operation, status, visit=name)
        self._end(each, reached)

    @rule(data=st.data())
    def dismiss(self, data: st.DataObject) -> None:
        name = self._one(data, "identity")
        self.ask("IdentityRemove", 204 if name in self.people else 404, identity=name)
        self.people.pop(name, None)

    @rule(
        data=st.data(),
        value=st.sampled_from((*VALUES, "no card")),
        active=st.booleans(),
        hours=st.sampled_from((None, 1)),
    )
    def give_card(self, data: st.DataObject, value: str, active: bool, hours: int | None) -> None:
        name = self._one(data, "visit", "identity")
        self._pass_time()
        self._give(name, value, active=active, until=None if hours is None else self.now + hours * HOUR)

    def _give(self, name: str, value: str, *, active: bool, until: datetime | None) -> None:
        each = self.people.get(name)
        kind = "identity" if each is None else each.kind
        card = f"c-{next(_numbers)}"
        body = {"credentialId": card, "format": "uid-hex", "value": value, "active": active}
        body |= {} if until is None else {"validTo": until.isoformat()}
        is_taken = any(held.value == value for one in self.people.values() for held in one.cards.values())
        expected = 201
        if each is None:
            expected = 404
        elif each.is_over or (value in VALUES and (len(each.cards) >= MOST_CARDS or is_taken)):
            expected = 409
        elif value not in VALUES:
            expected = 400
        self.ask(f"{kind.title()}CredentialCreate", expected, body, **{kind: name})
        if expected == 201 and each is not None:
            each.cards[card] = Card(value, active, until)

    @rule(data=st.data(), what=st.sampled_from(("Activate", "Deactivate", "Remove")))
    def change_card(self, data: st.DataObject, what: str) -> None:
        held = [(name, card) for name, each in self.people.items() for card in each.cards]
        if not held:
            return
        name, card = data.draw(st.sampled_from(held), label="card")
        self._pass_time()
        each = self.people[name]
        expected = 204 if what == "Remove" else 200
        if what == "Activate" and each.is_over:
            expected = 409
        self.ask(f"{each.kind.title()}Credential{what}", expected, credential=card, **{each.kind: name})
        if what == "Remove":
            del each.cards[card]
        elif expected == 200:
            each.cards[card].active = what == "Activate"

    @rule(data=st.data(), unit=st.sampled_from((*UNITS, "moon")), what=st.sampled_from(("Assign", "Remove")))
    def change_unit(self, data: st.DataObject, unit: str, what: str) -> None:
        name = self._one(data, "visit", "identity")
        self._pass_time()
        each = self.people.get(name)
        kind = "identity" if each is None else each.kind
        expected = {"Assign": 200, "Remove": 204}[what]
        if each is None or (unit not in UNITS and not (what == "Assign" and each.is_over)):
            expected = 404
        elif what == "Assign" and each.is_over:
            expected = 409
        self.ask(f"{kind.title()}AccessUnit{what}", expected, unit=unit, **{kind: name})
        if each is not None and expected < 300:
            (each.units.add if what == "Assign" else each.units.discard)(unit)

    @invariant()
    def doors_open_to_whom_the_model_lets_in(self) -> None:
        for each in self.people.values():
            for card in each.cards.values():
                for unit in UNITS:
                    is_open = self.site.lets_in("uid-hex", card.value, unit) == "open"
                    is_usable = card.active and (card.until is None or self.now < card.until)
                    assert is_open is (each.is_in(self.now) and is_usable and unit in each.units)

    @invariant()
    def cards_are_as_active_as_the_model_has_them(self) -> None:
        for name, each in self.people.items():
            told = self.ask(f"{each.kind.title()}CredentialList", 200, **{each.kind: name})["credentials"]
            assert {one["credentialId"]: one["active"] for one in told} == {
                card: held.active for card, held in each.cards.items()
            }

    @invariant()
    def units_know_their_holders(self) -> None:
        for kind in ("identity", "visit"):
            for unit in UNITS:
                told = self.ask(f"AccessUnit{kind.title()}List", 200, unit=unit)
                found = {one[f"{kind}Id"] for rows in list(told.values())[:1] for one in rows}
                assert found == {name for name in self._holders(kind) if unit in self.people[name].units}

    @invariant()
    def visits_are_as_far_as_the_model_has_them(self) -> None:
        told = self.ask("VisitList", 200)["visits"]
        assert {one["visitId"]: one["state"] for one in told} == {
            name: self.people[name].state for name in self._holders("visit")
        }


def _run(stores: Stores, examples: int, steps: int) -> None:
    class Machine(AccessMachine):
        pass

    Machine.stores = stores
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    )


def test_the_desk_does_what_the_model_does(stores: Stores) -> None:
    _run(stores, 3, 12)


@pytest.mark.long
def test_the_desk_does_what_the_model_does_for_a_long_time(stores: Stores) -> None:
    _run(stores, 15, 30)
