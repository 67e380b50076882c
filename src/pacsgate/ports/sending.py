"""Sending objects to another application entity, one association at a time.

Standard: PS3.4 annex B (Storage Service Class), the gate being the SCU.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from pacsgate.model.application_entity import RemoteAe
from pacsgate.ports.archives import ByteSource


@dataclass(frozen=True, slots=True, order=True)
class PresentationContext:
    """An abstract syntax with the one transfer syntax in which objects of it are stored."""

    sop_class_uid: str
    transfer_syntax_uid: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one object: the peer's status (PS3.4 B.2.3) and the bytes of its data set that left."""

    status: int
    bytes_sent: int


class Sending(Protocol):
    """One association with a destination.  A context manager: left, the association is released.

    Raises `ArchiveError` when the peer is gone or silent.
    """

    @property
    def is_over(self) -> bool:
        """Whether the association is of no more use, so that after an error nothing else can be sent."""
        ...

    def accepts(self, context: PresentationContext) -> bool:
        """Whether the destination takes objects of this class in this transfer syntax."""
        ...

    def send(
        self,
        source: ByteSource | Path,
        *,
        context: PresentationContext,
        sop_instance_uid: str,
        originator: tuple[str, int] | None = None,
    ) -> Sent:
        """Send one Part 10 object in its stored transfer syntax, its data set never decoded.

        `originator` is the AE title and message id of the C-MOVE that asked for it.
        """
        ...

    def abort(self) -> None:
        """End at once."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Destinations(Protocol):
    """Opens associations towards remote application entities."""

    def open(
        self, remote: RemoteAe, contexts: Collection[PresentationContext], *, calling_ae_title: str
    ) -> Sending:
        """Associate, proposing at most 128 contexts.  Raises `ArchiveError` if that fails.

        `calling_ae_title` is the title under which the gate was asked to send.
        """
        ...
