"""Which of the servers in `tests/servers.toml` this machine has, and where their programs are.

Run as a program (by `tools/servers`, before anything but Python may be there) it prints the Debian packages that
are missing, one a line.  So it imports only the standard library.
"""

import os
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).resolve().parent.parent / "servers.toml"
SYSTEM_PLACES = ("usr/sbin", "sbin", "usr/local/sbin", "usr/lib/postgresql/*/bin")
"""Where Debian puts servers; ordinary users have none of these on their PATH."""


def _newest_first(pattern: str) -> list[str]:
    return sorted(map(str, Path("/").glob(pattern)), reverse=True)


def find_program(name: str) -> Path | None:
    """Returns the program of this name, the newest where several versions are installed."""
    places = [place for pattern in SYSTEM_PLACES for place in _newest_first(pattern)]
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *places]))
    return Path(found) if found else None


@dataclass(frozen=True, slots=True)
class Server:
    """One table of the file."""

    name: str
    packages: tuple[str, ...]
    programs: tuple[str, ...]
    files: tuple[str, ...]

    def lacks(self) -> tuple[str, ...]:
        """Returns the programs and files that are not there."""
        return (
            *(program for program in self.programs if find_program(program) is None),
            *(pattern for pattern in self.files if not _newest_first(pattern)),
        )


def known_servers() -> dict[str, Server]:
    """Reads the file."""
    tables = tomllib.loads(TABLE.read_text("utf-8"))
    return {
        name: Server(name, tuple(table["packages"]), tuple(table["programs"]), tuple(table.get("files", ())))
        for name, table in tables.items()
    }


def main() -> None:
    """Prints the packages that would bring what is missing."""
    for server in known_servers().values():
        if server.lacks():
            print(*server.packages, sep="\n")


if __name__ == "__main__":
    main()
