"""What the gate must know of an archive that speaks DIMSE only.

Made by `bootstrap` from the configuration file.
"""

from dataclasses import dataclass
from enum import StrEnum

from pacsgate.upstream.dimse.peer import Peer


class RetrieveBy(StrEnum):
    """How objects are fetched."""

    GET = "get"
    MOVE = "move"
    """The archive sends them to an AE of the gate's, which it must know."""


@dataclass(frozen=True, slots=True)
class ReceiveSettings:
    """Where the archive's associations are awaited, with `RetrieveBy.MOVE`."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class DimseSettings:
    """One archive."""

    peer: Peer
    receive: ReceiveSettings | None = None
    """Objects are fetched by C-MOVE, and come here; without it they are fetched by C-GET."""
    relational_queries: bool = False
    """Whether an instance may be asked for without its study and series (PS3.4 C.4.1.2.2.2)."""
    takes_objects: bool = True
    """Whether the archive is a Storage SCP for the gate."""
