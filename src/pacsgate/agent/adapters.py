"""Adapters that other packages bring: each a name, and what makes one for a PACS.

A package names its adapter among its entry points, in the group `pacsgate.pacs_adapters`; an agent works
with the one that `Agent__Adapter` names and imports no other.  What makes it is called once with an
`AdapterSite`: most controllers know people and cards but no visits, so there is a desk to be had that does.

Called by `settings` and `bootstrap.agents`; described for authors in docs/agents.md.

Invariants:
- a name that two packages use is refused, for nobody could say which of them works.

Standard: PyPA, entry points specification.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from pacsgate.model.access import PacsPlace
from pacsgate.model.errors import SettingsError
from pacsgate.ports.access import Effects
from pacsgate.ports.pacs_adapters import PacsAdapter
from pacsgate.services.access.desk import AccessDesk
from pacsgate.services.access.rules import DeskRules

GROUP = "pacsgate.pacs_adapters"

DOOR_SIMULATOR = "door-simulator"
ARCHIVE = "archive"
BUILT_IN_ADAPTERS = (DOOR_SIMULATOR, ARCHIVE)


@dataclass(frozen=True, slots=True)
class AdapterSite:
    """What an adapter is made with."""

    place: PacsPlace
    """The PACS, and the tenant whose it is."""
    data: Path
    """A directory where it may keep files; `agent.db` in it is the agent's."""
    config: Path | None
    """What `Agent__Config` names: its own settings, in a form of its own."""
    desk: Callable[[Effects, DeskRules], AccessDesk]
    """Makes a desk that keeps identities, visits and cards in the agent's database by all the rules."""


AdapterFactory = Callable[[AdapterSite], PacsAdapter]


def adapter_names() -> tuple[str, ...]:
    """The adapters that there are: those that are built in, then those of other packages."""
    return (*BUILT_IN_ADAPTERS, *sorted({point.name for point in _points()}))


def load_adapter(name: str) -> AdapterFactory:
    """What makes the adapter of this name.  Raises `SettingsError`."""
    found = [point for point in _points() if point.name == name]
    if not found:
        raise SettingsError(f"there is no adapter `{name}`: {_listed(adapter_names())} are there")
    packages = Counter(point.dist.name for point in found if point.dist is not None)
    if len(packages) > 1:
        raise SettingsError(f"the adapter `{name}` is in several packages: {_listed(sorted(packages))}")
    try:
        loaded = found[0].load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"the adapter `{name}` cannot be imported", detail=str(error)) from error
    if not callable(loaded):
        raise SettingsError(f"the entry point `{name}` of `{GROUP}` is nothing that makes an adapter")
    made: AdapterFactory = loaded
    return made


def _points() -> tuple[EntryPoint, ...]:
    return tuple(point for point in entry_points(group=GROUP) if point.name not in BUILT_IN_ADAPTERS)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
