"""Requests exactly as they are written: most clients would tidy the path up first."""

import http.client
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes


def ask_raw(
    url: str,
    path: str,
    credentials: tuple[str, str],
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> RawAnswer:
    """Send a request line with `path` as it is to the host of `url`."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        basic = b64encode(":".join(credentials).encode()).decode("ascii")
        connection.putheader("Authorization", f"Basic {basic}")
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return RawAnswer(answer.status, tuple(answer.getheaders()), answer.read())
    finally:
        connection.close()
