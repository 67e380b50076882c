"""A real dcmqrscp (dcmtk): an archive that speaks DIMSE and nothing else, for the length of a `with` block."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pacsgate.upstream.dimse.peer import Peer
from pacsgate.upstream.dimse.settings import DimseSettings
from tests.support.dcmtk import OBJECTS, STORAGE_CLASSES, presentation_contexts, serving
from tests.support.ports import free_port

QUERIES = (
    "1.2.840.10008.1.1",
    *(f"1.2.840.10008.5.1.4.1.2.{root}.{service}" for root in (1, 2) for service in (1, 2, 3)),
)


@dataclass(frozen=True)
class Dcmqrscp:
    """A running dcmqrscp, where it listens and where its files are."""

    port: int
    ae_title: str
    files: Path
    log: Path
    hosts: Mapping[str, int]
    """The move destinations that it knows."""

    def settings(self, **changes: Any) -> DimseSettings:
        """What an archive of the gate's needs to know of it."""
        peer = Peer("127.0.0.1", self.port, self.ae_title, "GATE", timeout_seconds=20)
        return DimseSettings(peer, **{"relational_queries": True, **changes})

    def lines(self, **further: object) -> str:
        """The lines of `pacsgate.yaml` that guard it, to stand below `archives:`."""
        keys = {
            "kind": "dimse",
            "host": "127.0.0.1",
            "port": self.port,
            "ae_title": self.ae_title,
            "calling_ae_title": "GATE",
            "relational_queries": "true",
            **further,
        }
        return "  main:\n" + "".join(f"    {key}: {value}\n" for key, value in keys.items())

    def upload(self, *objects: bytes) -> None:
        """Store Part 10 files past any gate, with dcmtk's own sender."""
        with tempfile.TemporaryDirectory() as directory:
            for number, part10 in enumerate(objects):
                (Path(directory) / f"{number}.dcm").write_bytes(part10)
            sent = subprocess.run(
                ["dcmsend", "-v", "+sd", "-aec", self.ae_title, "127.0.0.1", str(self.port), directory],
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
                env={**os.environ, "TCP_NODELAY": "1"},
            )
        if f"with status SUCCESS  : {len(objects)}" not in sent.stdout + sent.stderr:
            raise RuntimeError(f"dcmsend: {sent.stdout}{sent.stderr}")

    def instance_count(self) -> int:
        """How many objects it holds."""
        return len(list(self.files.glob("*.dcm")))

    def clear(self) -> None:
        """Remove every object, index and all."""
        for path in self.files.iterdir():
            path.unlink()


@contextmanager
def running_dcmqrscp(
    directory: Path,
    *,
    hosts: Mapping[str, int] | None = None,
    options: Sequence[str] = (),
    port: int | None = None,
) -> Iterator[Dcmqrscp]:
    """Start dcmqrscp, which takes and gives every transfer syntax as it is.

    `hosts` are the move destinations that it knows: AE titles, and their ports on this machine.  It listens
    on `port` where another did before.
    """
    files = directory / "files"
    files.mkdir(parents=True)
    port = port or free_port()
    configuration = directory / "dcmqrscp.cfg"
    configuration.write_text(_configuration(port, files, hosts or {}))
    profiles = directory / "associations.cfg"
    profiles.write_text(_profiles())
    log = directory / "dcmqrscp.log"
    arguments = ["-c", str(configuration), "-xf", str(profiles), "Any", "Any", "+B", *options]
    with serving("dcmqrscp", arguments, port, log):
        yield Dcmqrscp(port, "ARCHIVE", files, log, hosts or {})


def _configuration(port: int, files: Path, hosts: Mapping[str, int]) -> str:
    known = "\n".join(f"{title.lower()} = ({title}, localhost, {number})" for title, number in hosts.items())
    return (
        f"NetworkTCPPort = {port}\nMaxPDUSize = 131072\nMaxAssociations = 32\n"
        f"HostTable BEGIN\n{known}\nHostTable END\n"
        "VendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nARCHIVE {files} RW (2000, 1024mb) ANY\nAETable END\n"
    )


def _profiles() -> str:
    """dcmtk's own words for: every service, and every transfer syntax of every storage class."""
    queries = presentation_contexts(QUERIES, "Queries")
    objects = presentation_contexts(STORAGE_CLASSES, "Objects", len(QUERIES) + 1)
    roles = "\n".join(f"Role{n} = {uid}\\BOTH" for n, uid in enumerate(STORAGE_CLASSES, 1))
    return (
        "[[TransferSyntaxes]]\n"
        "[Queries]\nTransferSyntax1 = 1.2.840.10008.1.2.1\nTransferSyntax2 = 1.2.840.10008.1.2\n"
        f"{OBJECTS}\n"
        f"[[PresentationContexts]]\n[Everything]\n{queries}\n{objects}\n"
        f"[[SCPSCURoleSelection]]\n[Roles]\n{roles}\n"
        "[[Profiles]]\n[Any]\nPresentationContexts = Everything\nSCPSCURoleSelection = Roles\n"
    )
