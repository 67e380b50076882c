"""A SAML identity provider that shares no code with ours: npm's `samlify`, as `saml_provider.mjs` sets it up.

It is at `localhost` where the gate is at `127.0.0.1`, so that for a browser the two are different sites.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from tests.support.assertions import SamlProvider as Signer
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.saml_idp import metadata, now
from tests.support.servers import find_program

VERSION = "2.13.1"
START_SECONDS = 30
FETCH_SECONDS = 120
_SCRIPT = Path(__file__).with_suffix(".mjs")
_KEPT = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pacsgate-tests"


class PlannedSamlProvider:
    """A provider of which it is known where it will be, so that a gate can be told before it runs."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._port = free_port()
        self._signer = Signer(now())
        self.url = f"http://localhost:{self._port}"
        self.metadata_file = directory / "idp.xml"
        self.metadata_file.write_bytes(
            metadata(
                self._signer,
                f"{self.url}/metadata",
                sign_in=f"{self.url}/sign-in",
                sign_out=f"{self.url}/signed-out",
                wants_signed="true",
            )
        )

    @contextmanager
    def running(
        self, gate_metadata: str, people: Mapping[str, Any], *, encrypts: bool = False
    ) -> Iterator[str]:
        """The provider with these people (`attributes`, `context`); the value is its address."""
        key = self._directory / "idp.key"
        key.write_bytes(
            self._signer._key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        settings = self._directory / "provider.json"
        stated = {
            "port": self._port,
            "metadata": str(self.metadata_file),
            "key": str(key),
            "gate_metadata": gate_metadata,
            "people": people,
            "encrypts": encrypts,
        }
        settings.write_text(json.dumps(stated))
        # Node finds packages above the script, wherever the script is called from.
        script = _packages() / _SCRIPT.name
        shutil.copyfile(_SCRIPT, script)
        log = self._directory / "provider.log"
        with running([str(find_program("node")), str(script), str(settings)], log) as process:
            deadline = time.monotonic() + START_SECONDS
            while "ready" not in log.read_text("utf-8", "replace"):
                assert process.poll() is None, log.read_text("utf-8", "replace")
                assert time.monotonic() < deadline, log.read_text("utf-8", "replace")
                time.sleep(0.05)
            yield self.url


def _packages() -> Path:
    """The directory in which `samlify` is installed; two that install at once make the same."""
    kept = _KEPT / f"samlify-{VERSION}"
    if not (kept / "node_modules").is_dir():
        _KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_KEPT) as work:
            command = ["npm", "install", f"samlify@{VERSION}", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(
                [*command, "--prefix", work], check=True, timeout=FETCH_SECONDS, capture_output=True
            )
            try:
                Path(work).rename(kept)
            except OSError:
                assert (kept / "node_modules").is_dir()
            else:
                Path(work).mkdir()  # for the block to remove
    return kept
