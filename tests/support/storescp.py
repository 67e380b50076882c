"""A real storescp (dcmtk): a destination that takes objects and writes them down, for the length of a `with` block."""

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydicom.uid import AllTransferSyntaxes
from pynetdicom.presentation import StoragePresentationContexts

from pacsgate.model.application_entity import RemoteAe
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.servers import find_program

READY_SECONDS = 20.0


@dataclass(frozen=True)
class Storescp:
    """A running storescp, where it listens and where its files are."""

    port: int
    ae_title: str
    files: Path
    log: Path

    def remote(self, **changes: object) -> RemoteAe:
        """What is kept of it."""
        return RemoteAe(self.ae_title, host="127.0.0.1", port=self.port, **changes)  # type: ignore[arg-type]

    def received(self) -> list[bytes]:
        """The files that it has written."""
        return [path.read_bytes() for path in sorted(self.files.iterdir())]


@contextmanager
def running_storescp(
    directory: Path, *, ae_title: str = "DEST", options: Sequence[str] = ()
) -> Iterator[Storescp]:
    """Start storescp, which takes every transfer syntax and writes every object as it came."""
    program = find_program("storescp")
    if program is None:
        raise RuntimeError("storescp is not installed: apt-get install dcmtk")
    files = directory / "files"
    files.mkdir(parents=True)
    port = free_port()
    profiles = directory / "associations.cfg"
    profiles.write_text(_profiles())
    log = directory / "storescp.log"
    # Nagle's algorithm costs dcmtk 40 ms for each message otherwise.
    command = ["env", "TCP_NODELAY=1", str(program), "-d", "-xf", str(profiles), "Any", "+B"]
    with running([*command, "-aet", ae_title, "-od", str(files), *options, str(port)], log):
        _wait_until_ready(port, log)
        yield Storescp(port, ae_title, files, log)


def _profiles() -> str:
    """dcmtk's own words for: every transfer syntax of every storage class."""
    syntaxes = "\n".join(f"TransferSyntax{n} = {uid}" for n, uid in enumerate(AllTransferSyntaxes, 1))
    contexts = "\n".join(
        f"PresentationContext{n} = {context.abstract_syntax}\\Objects"
        for n, context in enumerate(StoragePresentationContexts, 1)
    )
    return (
        f"[[TransferSyntaxes]]\n[Objects]\n{syntaxes}\n"
        f"[[PresentationContexts]]\n[Everything]\n{contexts}\n"
        "[[Profiles]]\n[Any]\nPresentationContexts = Everything\n"
    )


def _wait_until_ready(port: int, log: Path) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"storescp did not become ready:\n{log.read_text(errors='replace')[-4000:]}")
