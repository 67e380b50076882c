"""A real nginx for the length of a `with` block, with whatever `server` blocks a test needs."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import running
from tests.support.servers import find_program

READY_SECONDS = 10.0

_FRAME = """
daemon off;
worker_processes {workers};
pid {directory}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {servers}
}}
"""


@contextmanager
def running_nginx(directory: Path, servers: str, *, port: int, workers: int = 1) -> Iterator[int]:
    """Run nginx with these `server { … }` blocks until the block ends; wait until it listens on `port`.

    The value is the id of its process.
    """
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "nginx.conf"
    configuration.write_text(_FRAME.format(directory=directory, servers=servers, workers=workers))
    log = directory / "nginx.log"
    command = [str(find_program("nginx")), "-c", str(configuration), "-p", str(directory), "-e", "stderr"]
    with running(command, log) as process:
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        else:
            raise RuntimeError(f"nginx did not become ready:\n{log.read_text(errors='replace')}")
        yield process.pid
