"""Asks an issuer for its keys: one GET, which cannot lead anywhere else, nor last.

Made by `bootstrap` for `issuer_keys.PublishedKeys`.

Invariants:
- an answer is bounded in size and time, redirects are not followed, certificates are verified.
"""

import ssl
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO

from pacsgate.model.errors import SettingsError

SILENCE_SECONDS = 5.0
ANSWER_SECONDS = 10.0
LARGEST_ANSWER = 1 << 20
_PIECE = 1 << 16


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,  # noqa: ARG002 - likewise
        fp: IO[bytes],  # noqa: ARG002 - likewise
        code: int,  # noqa: ARG002 - likewise
        msg: str,  # noqa: ARG002 - likewise
        headers: HTTPMessage,  # noqa: ARG002 - likewise
        newurl: str,  # noqa: ARG002 - likewise
    ) -> None:
        return None


def fetcher(url: str, ca_file: Path | None) -> Callable[[], bytes | None]:
    """What asks a URL for keys, and answers `None` if it cannot.  Raises `SettingsError`."""
    try:
        trust = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise SettingsError(f"cannot read the authorities `{ca_file}`: {error.strerror}") from error
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust), _NoRedirect()
    )

    def fetch() -> bytes | None:
        try:
            with opener.open(url, timeout=SILENCE_SECONDS) as answer:
                return _read_whole(answer)
        except (OSError, HTTPException, ValueError):
            return None

    return fetch


def _read_whole(answer: HTTPResponse) -> bytes | None:
    """The body, unless it is too long or takes too long."""
    deadline = time.monotonic() + ANSWER_SECONDS
    found = bytearray()
    while piece := answer.read1(_PIECE):
        found += piece
        if len(found) > LARGEST_ANSWER or time.monotonic() > deadline:
            return None
    return bytes(found)
