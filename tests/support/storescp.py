"""A real storescp (dcmtk): a destination that takes objects and writes them down, for the length of a `with` block."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pacsgate.model.application_entity import RemoteAe
from tests.support.dcmtk import OBJECTS, STORAGE_CLASSES, presentation_contexts, serving
from tests.support.ports import free_port


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
    files = directory / "files"
    files.mkdir(parents=True)
    port = free_port()
    profiles = directory / "associations.cfg"
    profiles.write_text(_profiles())
    log = directory / "storescp.log"
    arguments = ["-d", "-xf", str(profiles), "Any", "+B", "-aet", ae_title, "-od", str(files), *options]
    with serving("storescp", arguments, port, log):
        yield Storescp(port, ae_title, files, log)


def _profiles() -> str:
    """dcmtk's own words for: every transfer syntax of every storage class."""
    contexts = presentation_contexts(STORAGE_CLASSES, "Objects")
    return (
        f"[[TransferSyntaxes]]\n{OBJECTS}\n"
        f"[[PresentationContexts]]\n[Everything]\n{contexts}\n"
        "[[Profiles]]\n[Any]\nPresentationContexts = Everything\n"
    )
