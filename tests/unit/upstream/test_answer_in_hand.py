"""Answers in hand: however they arrive they are the same, and what is not one is refused."""

import socket
from http.client import HTTPResponse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.errors import ArchiveError
from pacsgate.upstream.http.answer_in_hand import AnswerInHand, read_answer
from pacsgate.upstream.http.wire import MAX_HEAD_BYTES, WireError

INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
WITH_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n[12]"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[12\r\n1\r\n]\r\n0\r\n\r\n"
TO_THE_END = b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\n[12]"
CLOSING = WITH_LENGTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
EMPTY = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
BODILESS = b"HTTP/1.1 204 No Content\r\n\r\n"
ANSWERS = (WITH_LENGTH, CHUNKED, TO_THE_END, CLOSING, EMPTY, BODILESS, INTERIM + WITH_LENGTH)


def answered(*pieces: bytes, at_most: int = 100) -> AnswerInHand:
    answer = AnswerInHand(at_most)
    for piece in (*pieces, b""):
        if answer.is_complete:
            break
        answer.take(piece)
    return answer


@given(st.sampled_from(ANSWERS), st.data())
def test_an_answer_in_pieces_is_what_pythons_own_client_reads(whole: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(1, len(whole) - 1), max_size=4, unique=True)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    answer = answered(*pieces)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(whole)
        theirs.shutdown(socket.SHUT_WR)
        response = HTTPResponse(ours)
        response.begin()
        assert answer.status == response.status
        assert answer.headers == {name.lower(): value for name, value in response.getheaders()}
        assert answer.body == response.read()
        assert answer.keeps is not response.will_close


def test_an_answer_is_read_to_its_end_and_no_further() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        theirs.sendall(WITH_LENGTH)
        assert read_answer(ours, 100).body == b"[12]"
        theirs.sendall(CHUNKED)
        assert read_answer(ours, 100).body == b"[12]"


def test_a_connection_on_which_more_follows_is_not_kept() -> None:
    assert answered(WITH_LENGTH).keeps
    assert not answered(WITH_LENGTH + EMPTY).keeps


@pytest.mark.parametrize(
    "broken",
    [
        WITH_LENGTH[:-1],
        CHUNKED[:-9],
        WITH_LENGTH[:30],
        b"SSH-2.0-OpenSSH\r\n",
        INTERIM,
        b"HTTP/1.1 200 OK\r\nX: ",
    ],
)
def test_what_is_no_whole_answer_is_refused(broken: bytes) -> None:
    with pytest.raises(WireError):
        answered(broken)


def test_nothing_at_all_is_another_matter() -> None:
    """Whoever asked over a kept connection may ask again."""
    with pytest.raises(ConnectionResetError):
        answered(b"")


def test_a_head_and_a_body_have_an_end() -> None:
    with pytest.raises(WireError, match="a head without an end"):
        answered(b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n" * 1000] * (MAX_HEAD_BYTES // 6000 + 2))
    with pytest.raises(ArchiveError, match="too large"):
        answered(WITH_LENGTH, at_most=3)
