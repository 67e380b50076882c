"""Time zones by their IANA names, read once while a policy is loaded.

The data come from the `tzdata` package and never from the machine, so that a
policy says the same everywhere; they are as constant as a module's own tables.
Nothing is read when a decision is made.

Called by `pacsgate.policy.document`.

Standard: IANA Time Zone Database.
"""

from collections.abc import Collection
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

_DATA = files("tzdata")


@cache
def zone_names() -> Collection[str]:
    """Every name that there is."""
    return frozenset(_DATA.joinpath("zones").read_text(encoding="ascii").split())


@cache
def zone(name: str) -> ZoneInfo | None:
    """The zone of this name; `None` when there is none."""
    if name not in zone_names():
        return None
    with _DATA.joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)
