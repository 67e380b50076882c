"""The two trees under which the same handlers stand: `/api/v1`, and `/ais/v1` in the words of HID's service.

A router is made once for each tree by a factory that takes it; the trees differ in their words only:
`tenants/{tenant}/roles` of the one is `tenant/{tenant}/role` of the other.  Bodies are the same.

Called by the routers of tenants and of what is in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from pacsgate.admin.api.locations import PREFIX

AIS_PREFIX = "/ais/v1"
_SINGULAR = {
    "tenants": "tenant",
    "roles": "role",
    "users": "user",
    "assignments": "assignment",
    "messages": "message",
    "results": "result",
    "secrets": "secret",
    "dead-letters": "deadLetter",
    "queue-again": "queueAgain",
    "features": "features",
    "extension-fields": "extensionFields",
    "identities": "identity",
    "visits": "visit",
    "credentials": "credential",
    "access-units": "accessUnit",
    "credential-formats": "credentialFormats",
    "check-in": "checkIn",
    "check-out": "checkOut",
}


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """One of them."""

    prefix: str
    words: Mapping[str, str]
    """The tree's own words for those of `/api/v1`."""

    def path(self, path: str) -> str:
        """A route's path, below the prefix, from that of `/api/v1`."""
        return "/".join(self.words.get(part, part) for part in path.split("/"))

    def location(self, *parts: str) -> str:
        """The whole path of a thing: words of `/api/v1` and, percent-encoded, names; for `Location`.

        Words stand at even places: `location("tenants", "north", "pacs", "doors")`.
        """
        placed = (
            quote(part, safe="") if place % 2 else self.words.get(part, part)
            for place, part in enumerate(parts)
        )
        return "/".join((self.prefix, *placed))


API = Tree(PREFIX, {})
AIS = Tree(AIS_PREFIX, _SINGULAR)
