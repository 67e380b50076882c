"""Where a person may go from any page: one row for each place, with the permissions that open it.

What the navigation leaves out is refused by the page itself; here it only spares people dead ends.

Called by `signed_in`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pacsgate.model.permission import Permission


@dataclass(frozen=True, slots=True)
class Place:
    """One line of the navigation."""

    path: str
    label: str
    needs: frozenset[Permission] = frozenset()
    """Whoever holds any of these finds something there; empty is everybody."""


YOU = (
    Place("/", "Home"),
    Place("/studies", "Studies"),
    Place("/access", "My access"),
    Place("/security", "My security"),
)
ADMINISTRATION = (
    Place("/admin/users", "Users", frozenset({Permission.USER_LIST})),
    Place("/admin/groups", "Groups", frozenset({Permission.USER_LIST})),
    Place("/admin/roles", "Roles", frozenset({Permission.ROLE_LIST})),
    Place("/admin/devices", "Devices", frozenset({Permission.DEVICE_ADMINISTER})),
    Place("/admin/grants", "Grants", frozenset({Permission.GRANT_ADMINISTER})),
    Place("/admin/locks", "Locks", frozenset({Permission.USER_LIST})),
    Place("/admin/tenancy", "Tenant", frozenset({Permission.TENANT_GET})),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A place as one visitor sees it."""

    path: str
    label: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Nav:
    """The places that one visitor may go to."""

    you: tuple[Entry, ...]
    administration: tuple[Entry, ...]


def nav(permissions: frozenset[Permission], here: str) -> Nav:
    """The navigation of somebody with these permissions who looks at the page at `here`."""
    return Nav(_open(YOU, permissions, here), _open(ADMINISTRATION, permissions, here))


def _open(places: Iterable[Place], permissions: frozenset[Permission], here: str) -> tuple[Entry, ...]:
    return tuple(
        Entry(place.path, place.label, _is_at(place.path, here))
        for place in places
        if not place.needs or place.needs & permissions
    )


def _is_at(path: str, here: str) -> bool:
    return here == path or (path != "/" and here.startswith(f"{path}/"))
