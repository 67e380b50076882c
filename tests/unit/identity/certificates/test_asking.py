"""One question by HTTP to an authority: what comes back whole, and what is no answer."""

import pytest

from pacsgate.identity.certificates import asking
from pacsgate.identity.certificates.asking import ask
from tests.support.ports import free_port
from tests.support.scripted_http import answering


def said(status: str, body: bytes = b"", *headers: str) -> bytes:
    head = "".join(
        f"{header}\r\n" for header in (f"Content-Length: {len(body)}", "Connection: close", *headers)
    )
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("ascii") + body


def test_a_list_is_fetched_and_a_question_is_posted_as_what_it_is() -> None:
    heads: list[bytes] = []

    def answer(head: bytes) -> bytes:
        heads.append(head)
        return said("200 OK", b"\x30\x00")

    with answering(answer) as url:
        assert ask(f"{url}/cards.crl?a=b") == ask(url, b"\x30\x01\x02") == b"\x30\x00"
    assert heads[0].startswith(b"GET /cards.crl?a=b HTTP/1.1\r\n")
    assert heads[1].startswith(b"POST /")
    assert b"application/ocsp-request" in heads[1]


@pytest.mark.parametrize(
    "answer",
    [
        said("404 Not Found", b"nothing"),
        said("302 Found", b"", "Location: http://127.0.0.1:1/"),
        said("200 OK"),
        b"nonsense",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
    ],
)
def test_everything_else_is_no_answer(answer: bytes) -> None:
    with answering(lambda _head: answer) as url:
        assert ask(url) is None


def test_an_answer_without_end_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LARGEST_ANSWER", 100)
    with answering(lambda _head: said("200 OK", b"x" * 101)) as url:
        assert ask(url) is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/", "https://127.0.0.1:{port}/", "http://[::", "http://h:99999/"]
)
def test_nobody_there_is_no_answer(url: str) -> None:
    assert ask(url.format(port=free_port())) is None
