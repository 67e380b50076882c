"""What other administrators changed, as the first page shows it.

Called by `home_page`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from pacsgate.admin.console.nav import ADMINISTRATION
from pacsgate.audit.events import EventKind
from pacsgate.audit.notices import Notice
from pacsgate.model.permission import Permission
from pacsgate.ports.notices import Unseen

SHOWN = 5
"""Changes that are shown at once; the rest is behind a fold."""

_ACCOUNT, _ROLE, _DEVICE, _GRANTS = "/admin/users/", "/admin/roles/", "/admin/devices/", "/admin/grants"
_WORDS: Mapping[EventKind, tuple[str, str]] = {
    EventKind.USER_CHANGED: ("account", _ACCOUNT),
    EventKind.EMERGENCY_ACCESS: ("emergency account", ""),
    EventKind.ROLE_CHANGED: ("role", _ACCOUNT),
    EventKind.DEVICE_CHANGED: ("device", _DEVICE),
    EventKind.OBJECT_ACCESS_CHANGED: ("grant", _GRANTS),
    EventKind.POLICY_CHANGED: ("policy", ""),
    EventKind.TENANT_CHANGED: ("tenant", ""),
    EventKind.PACS_CHANGED: ("PACS", ""),
}
"""What was changed, and the page that shows how it is now."""


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One change in words."""

    by: str
    at: datetime
    what: str
    done: str
    target: str
    about: str
    path: str
    """Where to look; `""` where there is nothing, or nothing that the visitor may open."""


@dataclass(frozen=True, slots=True)
class ChangesByOthers:
    """What the visitor has not seen yet."""

    first: tuple[ShownChange, ...]
    further: tuple[ShownChange, ...]
    later: int
    """Those that are shown when these have been seen."""
    up_to: int
    """The number of the newest that is shown."""


def changes_by_others(unseen: Unseen, held: Collection[Permission]) -> ChangesByOthers | None:
    """What the page shows to who holds these permissions; `None` for nothing."""
    if not unseen.notices:
        return None
    shown = tuple(_shown(notice, held) for notice in unseen.notices)
    later = unseen.total - len(shown)
    return ChangesByOthers(shown[:SHOWN], shown[SHOWN:], later, unseen.notices[0].number)


def _shown(notice: Notice, held: Collection[Permission]) -> ShownChange:
    what, page = _WORDS[notice.kind]
    done = notice.change.removeprefix(f"{what} ")
    if notice.kind is EventKind.ROLE_CHANGED and notice.change != done:
        page = _ROLE
    is_open = any(
        page.startswith(place.path) and not place.needs.isdisjoint(held) for place in ADMINISTRATION
    )
    path = page + quote(notice.target, safe="") if page.endswith("/") else page
    is_there = is_open and done != "removed"
    return ShownChange(
        notice.by, notice.at, what, done, notice.target, notice.about, path if is_there else ""
    )
