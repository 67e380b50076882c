"""What is measured, set up once: a filled Orthanc, nginx and the gate in front of it, ten readers.

The gate is an ordinary installation with default settings and two archives, the
Orthanc (`pacs`, which the gate is told others write to) and a folder with the
same objects.  Each reader sees three departments of ten.

Called by `__main__`.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path

from tests.support.hospital import serving
from tests.support.nginx import running_nginx
from tests.support.orthanc import Orthanc, running_orthanc
from tests.support.ports import free_port

from bench.images import DEPARTMENTS, BenchStudy, part10, studies
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.dicom.summarise import read_summary
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.model.role import Assignment
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change

READERS = 10
_SEES = 3
_MAX_OBJECT_BYTES = 1 << 24
_ROLE = "reader"
POLICY = f"""\
version: 1
attributes:
  study.department: {{type: string, from: InstitutionalDepartmentName}}
  user.departments: {{type: set}}
roles:
  {_ROLE}: {{may: [search, view, retrieve]}}
rules:
  - id: readers-read-their-departments
    effect: permit
    roles: [{_ROLE}]
    when: study.department in user.departments
  - id: very-important-people
    effect: forbid
    when: "'VIP' in study.labels"
"""
_ARCHIVES = """\
  pacs: {{kind: dicomweb, url: "{url}", writers: others}}
default_archive: pacs
"""
NGINX = """\
upstream orthanc {{ server 127.0.0.1:{origin}; keepalive 32; }}
server {{
  listen 127.0.0.1:8080;
  location / {{
    proxy_pass http://orthanc;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_buffers 16 256k;
    proxy_buffer_size 256k;
    proxy_busy_buffers_size 512k;
  }}
}}
"""
"""nginx that passes everything to Orthanc."""


@dataclass(frozen=True)
class Reader:
    """A subject with a token."""

    name: str
    departments: frozenset[str]
    token: str

    def sees(self, study: BenchStudy) -> bool:
        """Whether the policy lets this one search and retrieve the study."""
        return study.department in self.departments


@dataclass(frozen=True)
class Stage:
    """Everything that runs."""

    orthanc: Orthanc
    nginx_port: int
    nginx: int
    gate_port: int
    gate: int
    readers: tuple[Reader, ...]


@contextmanager
def set_up(directory: Path) -> Iterator[Stage]:
    """Start and fill everything, and stop it at the end."""
    with ExitStack() as stack:
        orthanc = stack.enter_context(
            running_orthanc(
                directory / "orthanc", settings={"SyncStorageArea": False, "RemoteAccessAllowed": True}
            )
        )
        objects = {study: list(part10(study)) for study in studies()}
        for files in objects.values():
            for file in files:
                orthanc.upload(file)
        port = free_port()
        server = NGINX.format(origin=orthanc.http_port).replace("127.0.0.1:8080", f"127.0.0.1:{port}")
        nginx = stack.enter_context(running_nginx(directory / "nginx", server, port=port, workers=2))
        config = make_installation(directory / "gate", policy=POLICY, port=0)
        text = config.read_text("utf-8")
        archives = "  main: {kind: folder, path: archive}\n"
        config.write_text(text.replace(archives, archives + _ARCHIVES.format(url=orthanc.dicomweb_url)))
        with open_installation(read_settings(config), "bench") as installation:
            PolicyWatch(installation).publish()
            readers = add_readers(installation)
            for files in objects.values():
                keep(installation, files)
            for name in installation.settings.archives:
                installation.sync.sync(installation.scope, ArchiveName(name))
        url, gate, _log = stack.enter_context(serving(config))
        yield Stage(orthanc, port, nginx, int(url.rpartition(":")[2]), gate.pid, readers)


def add_readers(installation: Installation) -> tuple[Reader, ...]:
    """Ten accounts with a token each."""
    office = installation.office
    users = UserAdministration(office, Argon2Passwords())
    tokens = TokenAdministration(office, RandomTokens())
    now = installation.clock.now()
    change = Change(installation.scope, installation.actor(), now)
    made = []
    for number in range(READERS):
        name = f"reader{number}"
        seen = frozenset(DEPARTMENTS[(number + step) % len(DEPARTMENTS)] for step in range(_SEES))
        users.add(change, name, attributes={"departments": seen})
        users.assign(change, name, Assignment(_ROLE))
        issued = tokens.issue(change, name, label="bench", expires_at=now + timedelta(days=1))
        made.append(Reader(name, seen, issued.text))
    return tuple(made)


def keep(installation: Installation, files: list[bytes]) -> None:
    """Put objects into the folder archive, as if they had been there before the gate."""
    archive = installation.archives.by_name[ArchiveName("main")]
    for data in files:
        summary = read_summary(BytesIO(data))
        with archive.spool.begin(_MAX_OBJECT_BYTES) as incoming:
            incoming.write(data)
            spooled = incoming.finish()
            key = ResourceKey(
                summary.study_instance_uid, summary.series_instance_uid, summary.sop_instance_uid
            )
            archive.store(key, spooled.path, spooled.digest)
