"""The proxies of `deploy/`, started with exactly those files: only ports, secrets and places are filled in.

A `Front` stands between clients and two servers: the gate, which it asks, and Orthanc.
"""

import base64
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.nginx import running_nginx
from tests.support.orthanc import Orthanc
from tests.support.ports import free_ports
from tests.support.processes import running

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
READY_SECONDS = 20.0

_Filled = Callable[[str], str]


@contextmanager
def running_front(
    kind: str, directory: Path, gate_url: str, orthanc: Orthanc, token: str, *, gate_is_there: bool = True
) -> Iterator[str]:
    """Start `nginx`, `traefik` or `envoy`; the URL of the front."""
    port, inner = free_ports(2)
    user, password = orthanc.credentials or ("", "")
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    name = kind.upper()
    values = {
        "127.0.0.1:8042": urlsplit(gate_url).netloc,
        "127.0.0.1:8043": f"127.0.0.1:{orthanc.http_port}",
        "127.0.0.1:8080": f"127.0.0.1:{port}",
        "127.0.0.1:8081": f"127.0.0.1:{inner}",
        "port_value: 8042": f"port_value: {urlsplit(gate_url).port}",
        "port_value: 8043": f"port_value: {orthanc.http_port}",
        "port_value: 8080": f"port_value: {port}",
        "port_value: 8081": f"port_value: {inner}",
        f"TOKEN-OF-{name}-AT-THE-GATE": token,
        f"ACCOUNT-OF-{name}-AT-ORTHANC": basic,
        "/etc/nginx/": f"{directory}/",
        "/etc/traefik/": f"{directory}/",
    }
    directory.mkdir(parents=True, exist_ok=True)
    with _STARTS[kind](directory, lambda text: _fill(text, values), port):
        _wait(port, b" 200 " if gate_is_there else b" 50", directory)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running_accel(directory: Path, gate_url: str, orthanc: Orthanc) -> Iterator[str]:
    """Start nginx in front of the gate, which tells it what to fetch from Orthanc; the URL of the front."""
    (port,) = free_ports(1)
    user, password = orthanc.credentials or ("", "")
    values = {
        "127.0.0.1:8042": urlsplit(gate_url).netloc,
        "127.0.0.1:8043": f"127.0.0.1:{orthanc.http_port}",
        "127.0.0.1:8080": f"127.0.0.1:{port}",
        "ACCOUNT-OF-NGINX-AT-ORTHANC": base64.b64encode(f"{user}:{password}".encode()).decode(),
        "/etc/nginx/": f"{directory}/",
    }
    directory.mkdir(parents=True, exist_ok=True)
    secrets = (DEPLOY / "nginx/pacsgate-secrets.conf").read_text("utf-8")
    (directory / "pacsgate-secrets.conf").write_text(_fill(secrets, values), "utf-8")
    servers = _fill((DEPLOY / "nginx/accel.conf").read_text("utf-8"), values)
    with running_nginx(directory, servers, port=port):
        yield f"http://127.0.0.1:{port}"


def _fill(text: str, values: Mapping[str, str]) -> str:
    for named, value in values.items():
        text = text.replace(named, value)
    return text


@contextmanager
def _nginx(directory: Path, fill: _Filled, port: int) -> Iterator[None]:
    secrets = (DEPLOY / "nginx/pacsgate-secrets.conf").read_text("utf-8")
    (directory / "pacsgate-secrets.conf").write_text(fill(secrets), "utf-8")
    servers = fill((DEPLOY / "nginx/auth_request.conf").read_text("utf-8"))
    with running_nginx(directory, servers, port=port):
        yield


@contextmanager
def _traefik(directory: Path, fill: _Filled, _port: int) -> Iterator[None]:
    for file in ("traefik.yaml", "pacsgate.yaml"):
        (directory / file).write_text(fill((DEPLOY / "traefik" / file).read_text("utf-8")), "utf-8")
    command = [_program("traefik"), f"--configFile={directory / 'traefik.yaml'}"]
    with running(command, directory / "front.log"):
        yield


@contextmanager
def _envoy(directory: Path, fill: _Filled, _port: int) -> Iterator[None]:
    file = directory / "envoy.yaml"
    file.write_text(fill((DEPLOY / "envoy/envoy.yaml").read_text("utf-8")), "utf-8")
    command = [_program("envoy"), "-c", str(file), "--concurrency", "1", "--disable-hot-restart"]
    with running(command, directory / "front.log"):
        yield


_STARTS = {"nginx": _nginx, "traefik": _traefik, "envoy": _envoy}


def _program(name: str) -> str:
    found = Path(sys.executable).parent / name
    if not found.exists():
        raise RuntimeError(f"{name} is not installed: it is among the development dependencies")
    return str(found)


def _wait(port: int, status: bytes, directory: Path) -> None:
    """Wait until a page of the gate is answered with this: Traefik listens before it has read its routes."""
    end = time.monotonic() + READY_SECONDS
    while status not in _answer(port):
        if time.monotonic() > end:
            log = next(directory.glob("*.log")).read_text(errors="replace")
            raise RuntimeError(f"the front did not become ready:\n{log[-4000:]}")
        time.sleep(0.05)


def _answer(port: int) -> bytes:
    with socket.socket() as probe:
        probe.settimeout(2)
        try:
            probe.connect(("127.0.0.1", port))
            probe.sendall(b"GET /healthz HTTP/1.1\r\nHost: front\r\nConnection: close\r\n\r\n")
            return probe.recv(64).partition(b"\r\n")[0]
        except OSError:
            return b""
