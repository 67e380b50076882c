"""A real OpenID provider over TLS: npm's `oidc-provider`, with PKCE required, as `oidc_provider.mjs` sets it up.

The packages are fetched once into a directory that later runs find again.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from ssl import SSLContext, create_default_context
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.servers import find_program
from tests.support.tls import CertificateAuthority

VERSION = "9.13.3"
START_SECONDS = 30
FETCH_SECONDS = 120
_SCRIPT = Path(__file__).with_suffix(".mjs")
_KEPT = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pacsgate-tests"
_CLIENT = {
    "grant_types": ["authorization_code"],
    "response_types": ["code"],
    "post_logout_redirect_uris": [],
    "backchannel_logout_session_required": True,
}


@dataclass(frozen=True)
class RealProvider:
    """A provider that runs."""

    issuer: str
    ca_file: Path
    trust: SSLContext

    def ask(
        self,
        method: str,
        url: str,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> "Reply":
        """One request, without following anything."""
        parts = urlsplit(url if url.startswith("https://") else self.issuer + url)
        connection = HTTPSConnection(parts.netloc, timeout=20, context=self.trust)
        body = None if fields is None else urlencode(fields)
        sent = dict(headers or {})
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(
                method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, sent
            )
            answer = connection.getresponse()
            cookies = [
                value.split(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"
            ]
            return Reply(answer.status, answer.getheader("Location"), cookies, answer.read())
        finally:
            connection.close()

    def client_token(
        self, client: str, secret: str, resource: str, scope: str = "user/ImagingStudy.rs"
    ) -> str:
        """A token of a program that acts for itself."""
        fields = {"grant_type": "client_credentials", "resource": resource, "scope": scope}
        found = self.ask("POST", "/token", {**fields, "client_id": client, "client_secret": secret})
        assert found.status == 200, found.body
        return str(json.loads(found.body)["access_token"])


@dataclass(frozen=True)
class Reply:
    status: int
    location: str | None
    cookies: Sequence[str]
    body: bytes


class Person:
    """Somebody's browser at the provider: its cookies there, and who it says it is."""

    def __init__(self, provider: RealProvider, name: str) -> None:
        self._provider = provider
        self._cookies = {"person": name}

    def go(self, url: str) -> str:
        """Follow the provider's redirects to the first address elsewhere."""
        for _ in range(12):
            if not url.startswith((self._provider.issuer, "/")):
                return url
            found = self.ask("GET", url)
            assert found.location is not None, (found.status, found.body[:2000])
            url = found.location
        raise AssertionError(f"no end of redirects: {url}")

    def ask(self, method: str, url: str, fields: Mapping[str, str] | None = None) -> Reply:
        """One request of this browser."""
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        found = self._provider.ask(method, url, fields, {"Cookie": cookie})
        for each in found.cookies:
            name, _, value = each.partition("=")
            self._cookies[name] = value
        return found


class PlannedProvider:
    """A provider of which it is known where it will be, so that a gate can be told before it runs.

    It listens at `port`, and is known by another one where something stands before it.
    """

    def __init__(self, directory: Path, *, known_by: int | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._authority = CertificateAuthority(directory / "ca")
        self.port = free_port()
        self.ca_file = self._authority.ca_file
        self.issuer = f"https://127.0.0.1:{known_by or self.port}"

    @contextmanager
    def running(
        self, *, clients: Sequence[Mapping[str, Any]], people: Mapping[str, Any]
    ) -> Iterator[RealProvider]:
        """The provider with these clients and people (`claims`, `amr`, `acr`), until the block ends."""
        certificate, key = self._authority.issue("127.0.0.1")
        settings = self._directory / "provider.json"
        stated = {
            "issuer": self.issuer,
            "port": self.port,
            "certificate": str(certificate),
            "key": str(key),
            "clients": [{**_CLIENT, **client} for client in clients],
            "people": people,
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
            yield RealProvider(self.issuer, self.ca_file, create_default_context(cafile=self.ca_file))


def _packages() -> Path:
    """The directory in which `oidc-provider` is installed; two that install at once make the same."""
    kept = _KEPT / f"oidc-provider-{VERSION}"
    if not (kept / "node_modules").is_dir():
        _KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_KEPT) as work:
            command = [
                "npm",
                "install",
                f"oidc-provider@{VERSION}",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
            ]
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
