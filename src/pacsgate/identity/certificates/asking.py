"""Asks an authority by HTTP: one request, bounded in size and time, which cannot lead anywhere else.

Lists and answers are signed, and often published without TLS: whoever changes them on the way is noticed.

Called by `revocation_lists` and `status_answers`, in threads that may wait.
"""

from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from pacsgate.identity.bounded_answers import SILENCE_SECONDS, read_whole

LARGEST_ANSWER = 16 << 20
"""Revocation lists of large authorities have some megabytes."""

Ask = Callable[[str, bytes | None], bytes | None]
"""URL and, for a question, its body; `None` when there is no answer."""


def ask(url: str, question: bytes | None = None) -> bytes | None:
    """What is at a URL, or the answer to an OCSP request that is sent there."""
    try:
        parts = urlsplit(url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=SILENCE_SECONDS)
    except (HTTPException, ValueError):
        return None
    headers = {} if question is None else {"Content-Type": "application/ocsp-request"}
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET" if question is None else "POST", path, question, headers)
        answer = connection.getresponse()
        if answer.status != HTTPStatus.OK:
            return None
        return read_whole(answer, largest=LARGEST_ANSWER) or None
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
