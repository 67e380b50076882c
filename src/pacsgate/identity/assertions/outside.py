"""Asks other servers over HTTPS: short questions that cannot lead anywhere else, nor last.

Made by `bootstrap` for issuers of tokens and OpenID providers.

Invariants:
- an answer is bounded in size and time, redirects are not followed, certificates are verified;
- only `https` is spoken.
"""

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Any

from pacsgate.identity.bounded_answers import SILENCE_SECONDS, read_whole
from pacsgate.model.errors import SettingsError

LARGEST_ANSWER = 1 << 20


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,  # noqa: ARG002 - urllib's own signature
        fp: IO[bytes],  # noqa: ARG002 - likewise
        code: int,  # noqa: ARG002 - likewise
        msg: str,  # noqa: ARG002 - likewise
        headers: HTTPMessage,  # noqa: ARG002 - likewise
        newurl: str,  # noqa: ARG002 - likewise
    ) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    body: bytes

    def object(self) -> Mapping[str, Any] | None:
        """The JSON object that it is, if it is one and the question was answered with success."""
        if self.status != 200:
            return None
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


class Outside:
    """Servers whose certificates some authorities vouch for."""

    def __init__(self, ca_file: Path | None) -> None:
        """The authorities; the system's if `None`.  Raises `SettingsError`."""
        try:
            trust = ssl.create_default_context(cafile=ca_file)
        except OSError as error:
            raise SettingsError(f"cannot read the authorities `{ca_file}`: {error.strerror}") from error
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust), _NoRedirect()
        )

    def get(self, url: str, **headers: str) -> Answer | None:
        """What is at a URL; `None` if that cannot be had."""
        return self._ask(url, None, headers)

    def post(self, url: str, fields: Mapping[str, str], **headers: str) -> Answer | None:
        """What a server says to a form; `None` if it says nothing."""
        return self._ask(url, urllib.parse.urlencode(fields).encode("ascii"), headers)

    def _ask(self, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer | None:
        if not url.startswith("https://"):
            return None
        try:
            request = urllib.request.Request(url, body, {"Accept": "application/json", **headers})  # noqa: S310 - https
            with self._opener.open(request, timeout=SILENCE_SECONDS) as answer:
                found = read_whole(answer, largest=LARGEST_ANSWER)
                return None if found is None else Answer(answer.status, found)
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(refused.code, b"")
        except (OSError, HTTPException, ValueError):
            return None
