"""The way from plain HTTP to HTTPS, and the word to come by nothing else."""

import asyncio
import ipaddress
from dataclasses import dataclass, field

import pytest
from starlette.types import Message, Scope

from pacsgate.gateway.http.mounts import mount_table
from pacsgate.gateway.http.transport_security import came_securely, elsewhere, strictly
from pacsgate.model.resource import ArchiveName

PROXIES = (ipaddress.ip_network("10.0.0.0/24"),)
MAIN = ArchiveName("main")


def scope(path: bytes = b"/", query: bytes = b"", **more: object) -> Scope:
    return {"type": "http", "raw_path": path, "query_string": query, "headers": [], "scheme": "http", **more}


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        (b"/", b"", "/"),
        (b"/dicom-web/studies", b"PatientName=A%5EB&limit=1", "/dicom-web/studies?PatientName=A%5EB&limit=1"),
        (b"//evil.example/", b"", "//evil.example/"),
        (b"/a%2fb", b"", "/a%2fb"),
        (b"/\xff\r\nSet-Cookie: a", b"b=\n", "/%FF%0D%0ASet-Cookie:%20a?b=%0A"),
    ],
)
def test_e11_the_same_path_is_shown_below_the_secure_url_and_nowhere_else(
    path: bytes, query: bytes, expected: str
) -> None:
    answer = elsewhere(scope(path, query), "https://gate.example:8443")
    assert answer.status_code == 308
    assert answer.headers["location"] == "https://gate.example:8443" + expected
    assert answer.body == b""


@pytest.mark.parametrize(
    ("scheme", "peer", "expected"),
    [("https", "203.0.113.9", True), ("http", "203.0.113.9", False), ("http", "10.0.0.7", True)],
)
def test_only_what_came_securely_is_told_to_stay_so(scheme: str, peer: str, *, expected: bool) -> None:
    """RFC 6797 7.2: never over an insecure transport."""
    assert came_securely(scope(scheme=scheme, client=(peer, 4711)), PROXIES) is expected


@pytest.mark.parametrize(
    ("url", "expected"), [("https://g.example", True), ("http://g.example", False), (None, False)]
)
def test_a_listener_is_strict_where_its_url_is_an_https_one(url: str | None, *, expected: bool) -> None:
    table = mount_table([], archives=[MAIN], orthancs=[], main=MAIN, public_url=url)
    assert table.is_strict is expected
    assert not table.only_redirects


@dataclass
class Sent:
    messages: list[Message] = field(default_factory=list)

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)


def test_the_word_stands_beside_the_headers_of_the_answer() -> None:
    sent = Sent()

    async def answer() -> None:
        send = strictly(sent)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"etag", b"x")]})
        await send({"type": "http.response.body", "body": b"y"})

    asyncio.run(answer())
    start, body = sent.messages
    assert start["headers"] == [(b"etag", b"x"), (b"strict-transport-security", b"max-age=31536000")]
    assert body == {"type": "http.response.body", "body": b"y"}
