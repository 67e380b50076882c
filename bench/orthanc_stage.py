"""An Orthanc of 240 studies, and four ways to it: straight, through nginx, through the gate, through both.

The gate is an ordinary installation whose archive is of kind `orthanc`.  The two nginx that know the
gate run with exactly the files of `deploy/nginx`; only ports, secrets and places are filled in.

Called by `__main__`.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import requests
from tests.support.fronts import DEPLOY
from tests.support.hospital import serving
from tests.support.nginx import running_nginx
from tests.support.orthanc import Orthanc, running_orthanc
from tests.support.ports import free_port

from bench.images import part10, studies
from bench.stage import NGINX, POLICY, Reader, add_readers
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment
from pacsgate.model.subject import SubjectKind
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change

_POINT = "nginx"
_POINT_ROLE = "  enforcement-point: {permissions: [EvaluateForOthers]}\n"
_FOLDER = "  main: {kind: folder, path: archive}\n"
_ORTHANC = """\
  main: {{kind: orthanc, url: "{url}", offload: {{kind: nginx, location: /_orthanc/}}}}
trusted_proxies: [127.0.0.1/32]
"""
_ANYBODY = "bmdpbng6"
"""An account in base64; this Orthanc asks for none."""
_READY_SECONDS = 60.0
_WORKERS = 2


@dataclass(frozen=True)
class Server:
    """Where something listens, and its process."""

    port: int
    pid: int


@dataclass(frozen=True)
class OrthancStage:
    """Everything that runs."""

    orthanc: Orthanc
    nginx: Server
    """Passes everything to Orthanc and decides nothing."""
    gate: Server
    accelerated: Server
    """nginx before the gate, sending what the gate tells it to (`accel.conf`)."""
    asking: Server
    """nginx before Orthanc, asking the gate (`auth_request.conf`)."""
    readers: tuple[Reader, ...]


@contextmanager
def set_up(directory: Path) -> Iterator[OrthancStage]:
    """Start and fill everything, and stop it at the end."""
    with ExitStack() as stack:
        orthanc = stack.enter_context(
            running_orthanc(
                directory / "orthanc", settings={"SyncStorageArea": False, "RemoteAccessAllowed": True}
            )
        )
        for study in studies():
            for file in part10(study):
                orthanc.upload(file)
        policy = POLICY.replace("rules:\n", f"{_POINT_ROLE}rules:\n")
        config = make_installation(directory / "gate", policy=policy, port=0)
        text = config.read_text("utf-8")
        config.write_text(text.replace(_FOLDER, _ORTHANC.format(url=orthanc.url)), "utf-8")
        with open_installation(read_settings(config), "bench") as installation:
            PolicyWatch(installation).publish()
            readers = add_readers(installation)
            token = _add_enforcement_point(installation)
            installation.sync.sync(installation.scope, ArchiveName("main"))
        url, gate, _log = stack.enter_context(serving(config))
        _wait_until_ready(url)
        gate_port = int(url.rpartition(":")[2])
        filling = {
            "127.0.0.1:8042": f"127.0.0.1:{gate_port}",
            "127.0.0.1:8043": f"127.0.0.1:{orthanc.http_port}",
            "TOKEN-OF-NGINX-AT-THE-GATE": token,
            "ACCOUNT-OF-NGINX-AT-ORTHANC": _ANYBODY,
        }
        fronts = [
            stack.enter_context(_front(directory / name, text, filling))
            for name, text in (
                ("straight", NGINX.format(origin=orthanc.http_port)),
                ("accelerated", (DEPLOY / "nginx/accel.conf").read_text("utf-8")),
                ("asking", (DEPLOY / "nginx/auth_request.conf").read_text("utf-8")),
            )
        ]
        straight, accelerated, asking = fronts
        yield OrthancStage(orthanc, straight, Server(gate_port, gate.pid), accelerated, asking, readers)


@contextmanager
def _front(directory: Path, servers: str, filling: dict[str, str]) -> Iterator[Server]:
    directory.mkdir()
    port = free_port()
    secrets = (DEPLOY / "nginx/pacsgate-secrets.conf").read_text("utf-8")
    for named, value in {
        **filling,
        "127.0.0.1:8080": f"127.0.0.1:{port}",
        "/etc/nginx/": f"{directory}/",
    }.items():
        servers, secrets = servers.replace(named, value), secrets.replace(named, value)
    (directory / "pacsgate-secrets.conf").write_text(secrets, "utf-8")
    with running_nginx(directory, servers, port=port, workers=_WORKERS) as pid:
        yield Server(port, pid)


def _add_enforcement_point(installation: Installation) -> str:
    office = installation.office
    now = installation.clock.now()
    change = Change(installation.scope, installation.actor(), now)
    users = UserAdministration(office, Argon2Passwords())
    users.add(change, _POINT, kind=SubjectKind.SERVICE)
    users.assign(change, _POINT, Assignment("enforcement-point"))
    tokens = TokenAdministration(office, RandomTokens())
    return tokens.issue(change, _POINT, label="bench", expires_at=now + timedelta(days=1)).text


def _wait_until_ready(url: str) -> None:
    end = time.monotonic() + _READY_SECONDS
    while requests.get(f"{url}/readyz", timeout=10).status_code != 200:
        if time.monotonic() > end:
            raise RuntimeError("the gate did not become ready")
        time.sleep(0.2)
