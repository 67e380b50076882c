"""POSTs of threads that wait, against a server that answers exactly what a test says."""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pacsgate.model.errors import ArchiveError
from pacsgate.upstream.http.posting import Poster
from pacsgate.upstream.http.settings import OriginSettings

OBJECT = bytes(range(256)) * 2048
DONE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
LEAVES = b""
"""Instead of an answer: the connection is closed."""

Answer = Callable[[int, bytes], bytes]


class Origin:
    """Answers each request with what `answer` makes of its number and its head."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.connections = 0
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.poster: Poster

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        held = b""
        with connection, suppress(OSError):
            while True:
                while b"\r\n\r\n" not in held:
                    if not (received := connection.recv(65536)):
                        return
                    held += received
                head, _, held = held.partition(b"\r\n\r\n")
                length = int((re.search(rb"(?i)\r\ncontent-length: *(\d+)", head) or [b"", b"0"])[1])
                while len(held) < length:
                    held += connection.recv(1 << 20)
                self.heads.append(head)
                self.bodies.append(held[:length])
                held = held[length:]
                answer = self.answer(len(self.heads), head)
                if not answer:
                    return
                connection.sendall(answer)


@contextmanager
def origin(answer: bytes | Answer, **asking: Callable[[], object]) -> Iterator[Origin]:
    serving = Origin(answer if callable(answer) else lambda _number, _head: answer)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serving.serve, args=(listener,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/pacs"
        authorize, renew = asking.get("authorize", dict), asking.get("renew", bool)
        settings = OriginSettings(url, timeout_seconds=0.5)
        serving.poster = Poster(settings, ssl.create_default_context(), authorize, renew)  # type: ignore[arg-type]
        try:
            yield serving
        finally:
            serving.poster.close()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=5)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "object"
    path.write_bytes(OBJECT)
    return path


def test_a_file_and_bytes_in_hand_arrive_as_they_are_over_one_connection(file: Path) -> None:
    with origin(DONE) as at:
        assert [at.poster.post("/one", body, 100).body for body in (file, b"1.2.3", file)] == [b"{}"] * 3
        assert at.bodies == [OBJECT, b"1.2.3", OBJECT]
        assert at.connections == 1
        assert at.heads[0].startswith(b"POST /pacs/one HTTP/1.1\r\n")


def test_threads_that_post_at_once_have_a_connection_each(file: Path) -> None:
    together = threading.Barrier(4)

    def answer(_number: int, _head: bytes) -> bytes:
        together.wait(timeout=5)
        return DONE

    with origin(answer) as at:
        threads = [threading.Thread(target=at.poster.post, args=("/one", file, 100)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=5)
        assert at.bodies == [OBJECT] * 4
        assert at.connections == 4


def test_a_kept_connection_that_the_origin_has_left_is_given_up_for_a_new_one(file: Path) -> None:
    with origin(lambda number, _head: LEAVES if number == 2 else DONE) as at:
        assert [at.poster.post("/one", file, 100).status for _ in range(2)] == [200, 200]
        assert at.connections == 2
        assert at.bodies == [OBJECT] * 3


def test_an_origin_that_leaves_a_new_connection_is_not_asked_again(file: Path) -> None:
    with origin(LEAVES) as at:
        with pytest.raises(ConnectionResetError):
            at.poster.post("/one", file, 100)
        assert at.connections == 1


def test_new_credentials_are_tried_once(file: Path) -> None:
    tokens = iter(["old", "new"])
    with origin(
        lambda _number, head: DONE if b"Authorization: new" in head else UNAUTHORIZED,
        authorize=lambda: {"Authorization": next(tokens)},
        renew=lambda: True,
    ) as at:
        assert at.poster.post("/one", file, 100).status == 200
        assert len(at.heads) == 2


def test_credentials_that_do_not_change_are_not_tried_again(file: Path) -> None:
    with origin(UNAUTHORIZED) as at:
        assert at.poster.post("/one", file, 100).status == 401
        assert len(at.heads) == 1


def test_an_answer_that_is_too_large_is_refused_and_its_connection_given_up(file: Path) -> None:
    with origin(
        lambda number, _head: DONE if number > 1 else DONE.replace(b": 2", b": 101") + b"x" * 99
    ) as at:
        with pytest.raises(ArchiveError, match="too large"):
            at.poster.post("/one", file, 100)
        assert at.poster.post("/one", file, 100).body == b"{}"
        assert at.connections == 2


def test_who_does_not_answer_is_not_waited_for_longer_than_configured(file: Path) -> None:
    silence = threading.Event()
    with origin(lambda _number, _head: DONE if silence.wait(2) else LEAVES) as at:
        with pytest.raises(TimeoutError):
            at.poster.post("/one", file, 100)
        silence.set()
