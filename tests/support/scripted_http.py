"""An HTTP server that answers exactly the bytes a test wants, for what no real server can be made to do."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def answering(answer: bytes | Callable[[bytes], bytes], *, then_wait: bool = False) -> Iterator[str]:
    """Listen on loopback; the value is the URL.

    Each connection gets its request read, then `answer` (made from the request's
    head), then is closed, or with `then_wait` kept silent.
    """
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, answer, stop, then_wait), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        stop.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=5)


def _serve(
    listener: socket.socket, answer: bytes | Callable[[bytes], bytes], stop: threading.Event, then_wait: bool
) -> None:
    while not stop.is_set():
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head and (received := connection.recv(65536)):
                head += received
            head, _, body = head.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            while length and len(body) < int(length[1]) and (received := connection.recv(65536)):
                body += received
            connection.sendall(answer if isinstance(answer, bytes) else answer(head))
            if then_wait:
                stop.wait(10)
