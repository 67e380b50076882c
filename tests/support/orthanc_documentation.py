"""What the real Orthanc documents of its own REST API, without a network."""

import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.servers import find_program


@dataclass(frozen=True)
class Documentation:
    """`paths` as in OpenAPI; `unsaid` are operations that exist and are named in the log alone."""

    paths: dict[str, dict[str, Any]]
    unsaid: frozenset[tuple[str, str]]

    @property
    def operations(self) -> frozenset[tuple[str, str]]:
        """Method and path of every operation that OpenAPI tells of."""
        return frozenset((method.upper(), path) for path, methods in self.paths.items() for method in methods)


@cache
def orthanc_documentation() -> Documentation:
    """Ask the installed Orthanc.  Raises `RuntimeError` if there is none."""
    executable = find_program("Orthanc")
    if executable is None:
        raise RuntimeError("Orthanc is not installed: apt-get install orthanc")
    # It would ask its makers' server for samples; an operation that has one is then named in the log instead.
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:1")
    with tempfile.TemporaryDirectory() as directory:
        listing = Path(directory) / "openapi.json"
        told = subprocess.run(
            [str(executable), f"--openapi={listing}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={**os.environ, **nowhere},
        )
        paths = json.loads(listing.read_text("utf-8"))["paths"]
    unsaid = re.findall(r"without API documentation: ([A-Z]+) (\S+)", told.stderr)
    return Documentation(paths, frozenset(unsaid))
