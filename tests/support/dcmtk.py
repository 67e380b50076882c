"""Servers of dcmtk: started alike, awaited alike, and told alike which objects they may take."""

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydicom.uid import AllTransferSyntaxes
from pynetdicom.presentation import StoragePresentationContexts

from tests.support.processes import running
from tests.support.servers import find_program

READY_SECONDS = 20.0
STORAGE_CLASSES = tuple(str(context.abstract_syntax) for context in StoragePresentationContexts)
OBJECTS = "[Objects]\n" + "\n".join(
    f"TransferSyntax{n} = {uid}" for n, uid in enumerate(AllTransferSyntaxes, 1)
)
"""dcmtk's own words for: every transfer syntax."""


@contextmanager
def serving(program: str, arguments: Sequence[str], port: int, log: Path) -> Iterator[None]:
    """Start a server that listens on `port`, which is its last argument; stop it when the block ends."""
    found = find_program(program)
    if found is None:
        raise RuntimeError(f"{program} is not installed: apt-get install dcmtk")
    # Nagle's algorithm costs dcmtk 40 ms for each message otherwise.
    with running(["env", "TCP_NODELAY=1", str(found), *arguments, str(port)], log):
        _wait_until_ready(program, port, log)
        yield


def presentation_contexts(sop_classes: Sequence[str], syntaxes: str, first: int = 1) -> str:
    """Lines that accept these classes in a list of transfer syntaxes."""
    return "\n".join(
        f"PresentationContext{n} = {uid}\\{syntaxes}" for n, uid in enumerate(sop_classes, first)
    )


def _wait_until_ready(program: str, port: int, log: Path) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{program} did not become ready:\n{log.read_text(errors='replace')[-4000:]}")
