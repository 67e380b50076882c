"""Destinations of a C-MOVE: Storage SCPs that keep what they get, are slow, refuse, or die.

`python -m tests.support.storage_scp PORT TITLE COUNT` is one in a process of its own, which kills
itself when object COUNT + 1 arrives.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)
from pynetdicom import AE, evt
from pynetdicom.presentation import AllStoragePresentationContexts

from tests.support.ports import free_port

ALL_SYNTAXES = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)


@dataclass
class Received:
    """What has arrived: SOP Instance UID, the bytes of the data set, and who asked for the move."""

    port: int
    objects: list[tuple[str, bytes]] = field(default_factory=list)
    originators: set[tuple[str, int]] = field(default_factory=set)
    callers: set[str] = field(default_factory=set)

    @property
    def uids(self) -> set[str]:
        return {uid for uid, _ in self.objects}

    @property
    def size(self) -> int:
        return sum(len(data) for _, data in self.objects)


@contextmanager
def storage_scp(
    title: str,
    *,
    syntaxes: Sequence[str] = ALL_SYNTAXES,
    classes: Sequence[str] | None = None,
    answer: Callable[[int], int] = lambda _number: 0x0000,
    seconds: float = 0,
) -> Iterator[Received]:
    """A destination; `answer` says the status for each object by its number, `seconds` how long that takes."""
    received = Received(free_port())

    def store(event: Any) -> int:
        time.sleep(seconds)
        request = event.request
        received.callers.add(event.assoc.requestor.ae_title)
        if request.MoveOriginatorApplicationEntityTitle:
            received.originators.add(
                (request.MoveOriginatorApplicationEntityTitle, request.MoveOriginatorMessageID)
            )
        status = answer(len(received.objects))
        received.objects.append((str(request.AffectedSOPInstanceUID), request.DataSet.getvalue()))
        return status

    server = _entity(title, syntaxes, classes).start_server(
        ("127.0.0.1", received.port), block=False, evt_handlers=[(evt.EVT_C_STORE, store)]
    )
    try:
        yield received
    finally:
        server.shutdown()


def _entity(title: str, syntaxes: Sequence[str], classes: Sequence[str] | None = None) -> AE:
    entity = AE(title)
    for uid in classes or [context.abstract_syntax for context in AllStoragePresentationContexts]:
        entity.add_supported_context(uid, list(syntaxes))
    return entity


def _die_after(port: int, title: str, count: int) -> None:
    seen: list[None] = []

    def store(_event: Any) -> int:
        if len(seen) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        seen.append(None)
        return 0x0000

    _entity(title, ALL_SYNTAXES).start_server(
        ("127.0.0.1", port), block=True, evt_handlers=[(evt.EVT_C_STORE, store)]
    )


if __name__ == "__main__":
    _die_after(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
