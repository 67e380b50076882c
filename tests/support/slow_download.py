"""A client that downloads slowly, and notices when it is cut off."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


class SlowDownload:
    """One running answer, of which no buffer on the way holds more than a small part."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.received = 0
        self.is_over = False

    def read_slowly(self, seconds: float) -> None:
        """Read for some seconds, some three million bytes a second."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.is_over:
            self._read()
            time.sleep(0.02)

    def read_the_rest(self) -> int:
        """Read as fast as it goes until nothing more comes; the bytes received in all."""
        while not self.is_over:
            self._read()
        return self.received

    def _read(self) -> None:
        try:
            data = self._connection.recv(64 * 1024)
        except ConnectionResetError:
            data = b""
        self.received += len(data)
        self.is_over = not data


@contextmanager
def slow_download(
    url: str, path: str, token: str, accept: str = 'multipart/related; type="application/dicom"'
) -> Iterator[SlowDownload]:
    """A download below `/dicom-web` that has begun."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        head = (
            f"GET /dicom-web{path} HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n"
            f"Accept: {accept}\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
        connection.sendall(head.encode("ascii"))
        begun = connection.recv(1024)
        assert begun.startswith(b"HTTP/1.1 200"), begun
        yield SlowDownload(connection)
