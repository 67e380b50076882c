"""Writes `requirements/*.txt`: every package that an environment needs, with its hashes.

Reads what `pyproject.toml` asks for and lets pip-compile resolve it, three times over growing lists:
what a hospital installs, that and the demo, that and the developers' tools.  Each file also holds what builds
the project itself, so that an installation reaches out for nothing that is not locked.

Called by `make lock`, in an environment that has pip-tools.

Invariants:
- a package has the same version in every file: the smaller files are constrained by the largest;
- no file names a host or a path: it installs from whatever index pip is configured for.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
EDITABLE_INSTALL = "editables"
"""What hatchling asks for, beyond `build-system.requires`, when it builds an editable install."""


def wanted() -> dict[str, list[str]]:
    """Returns the requirements of each lock file, largest file first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    runtime = [*project["project"]["dependencies"], *project["build-system"]["requires"], EDITABLE_INSTALL]
    demo = [*runtime, *project["project"]["optional-dependencies"]["demo"]]
    dev = [*demo, *project["dependency-groups"]["dev"]]
    return {"dev": dev, "demo": demo, "runtime": runtime}


def lock(name: str, requirements: list[str]) -> None:
    """Resolves one list into `requirements/NAME.txt`."""
    target = REQUIREMENTS / f"{name}.txt"
    constraint = [] if name == "dev" else ["--constraint", "requirements/dev.txt"]
    command = [
        sys.executable, "-m", "piptools", "compile", "--quiet", "--generate-hashes", "--strip-extras",
        "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links",
        "--no-emit-trusted-host", *constraint, "--output-file", str(target), "-",
    ]  # fmt: skip
    subprocess.run(command, cwd=ROOT, input="\n".join(requirements), text=True, check=True)  # noqa: S603 - our own list


def main() -> None:
    """Writes all three files."""
    REQUIREMENTS.mkdir(exist_ok=True)
    for name, requirements in wanted().items():
        lock(name, requirements)


if __name__ == "__main__":
    main()
