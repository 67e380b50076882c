"""The plan of a site: its zones, the doors between them, which of them make an access unit, and when.

Called by `physics` and `adapter`.

Invariants:
- whatever a plan names it has: a door's zones, a unit's doors and schedule;
- a door leads from one zone to another; `""` is outside.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from pacsgate.model.errors import SettingsError

OUTSIDE = ""
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?$")]
_Time = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class AntiPassback(StrEnum):
    """What happens when somebody enters who is not where they would have to come from."""

    NONE = "none"
    SOFT = "soft"
    """They are let in, and the event says so."""
    HARD = "hard"
    """They are not."""


class Zone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An area behind doors."""

    anti_passback: AntiPassback = AntiPassback.NONE


class Door(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """A door with two readers: `{door}-in` leads to its zone, `{door}-out` back."""

    to: _Name
    source: str = OUTSIDE


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begins": "from", "ends": "to"}):
    """A part of some days, by the clock on the wall; ends exclusively."""

    days: tuple[str, ...] = _DAYS
    begins: _Time = "00:00"
    ends: _Time = "23:59"

    def holds(self, local: datetime) -> bool:
        """Whether it is then."""
        return _DAYS[local.weekday()] in self.days and self.begins <= local.strftime("%H:%M") < self.ends


class Unit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An access unit: doors that open together, and when."""

    name: str
    doors: tuple[str, ...]
    schedule: str | None = None
    """`None` is always."""


class Reader(msgspec.Struct, frozen=True):
    """One side of a door."""

    door: str
    source: str
    to: str
    is_exit: bool


class SitePlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that is built."""

    zones: dict[_Name, Zone]
    doors: dict[_Name, Door]
    units: dict[_Name, Unit]
    schedules: dict[_Name, tuple[Hours, ...]] = {}
    timezone: str = "UTC"

    def reader(self, name: str) -> Reader | None:
        """The reader of this name."""
        door_name, _, side = name.rpartition("-")
        door = self.doors.get(door_name)
        if door is None or side not in ("in", "out"):
            return None
        if side == "in":
            return Reader(door_name, door.source, door.to, is_exit=False)
        return Reader(door_name, door.to, door.source, is_exit=True)

    def is_open(self, unit: Unit, at: datetime) -> bool:
        """Whether the schedule of a unit is open."""
        if unit.schedule is None:
            return True
        local = at.astimezone(ZoneInfo(self.timezone))
        return any(hours.holds(local) for hours in self.schedules[unit.schedule])


USUAL_PLAN: Mapping[str, Any] = {
    "zones": {
        "lobby": {},
        "reading-room": {"anti_passback": "hard"},
        "server-room": {"anti_passback": "soft"},
    },
    "doors": {
        "main": {"to": "lobby"},
        "reading-room": {"from": "lobby", "to": "reading-room"},
        "server-room": {"from": "lobby", "to": "server-room"},
    },
    "schedules": {
        "weekdays": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "06:00", "to": "20:00"}]
    },
    "units": {
        "lobby": {"name": "Main entrance", "doors": ["main"]},
        "reading-room": {"name": "Reading room", "doors": ["main", "reading-room"]},
        "server-room": {"name": "Server room", "doors": ["main", "server-room"], "schedule": "weekdays"},
    },
}
"""What a simulator has that nobody gave a plan."""


def read_plan(given: Mapping[str, Any]) -> SitePlan:
    """Read a plan.  Raises `SettingsError` with everything that it names and has not."""
    try:
        plan = msgspec.convert(given, SitePlan, strict=True)
    except msgspec.ValidationError as problem:
        raise SettingsError(f"cannot read the site plan: {problem}") from None
    zones = {OUTSIDE, *plan.zones}
    wrong = [
        *(
            f"door `{name}` leads from or to a zone that the plan does not have, or nowhere"
            for name, door in plan.doors.items()
            if not {door.source, door.to} <= zones or door.source == door.to
        ),
        *(
            f"unit `{name}` has a door that the plan does not have"
            for name, unit in plan.units.items()
            if not plan.doors.keys() >= set(unit.doors)
        ),
        *(
            f"unit `{name}` has a schedule that the plan does not have"
            for name, unit in plan.units.items()
            if unit.schedule is not None and unit.schedule not in plan.schedules
        ),
        *(
            f"schedule `{name}` has a day that is none of {', '.join(_DAYS)}"
            for name, every in plan.schedules.items()
            if any(not set(hours.days) <= set(_DAYS) for hours in every)
        ),
    ]
    try:
        ZoneInfo(plan.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        wrong.append(f"`{plan.timezone}` is not an IANA time zone")
    if wrong:
        raise SettingsError(f"the site plan does not hold together: {'; '.join(wrong)}")
    return plan
