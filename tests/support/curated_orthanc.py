"""An Orthanc whose people may change it and send from it, as far as a policy of their own lets them.

`rad3` is its curator, `ext1` a courier from whom names and pixels are hidden, and `admin1` keeps Orthanc itself.
"""

import io
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pacsgate.cli.demo.hospital import policy_text
from tests.support.canaries import CanaryRecorder
from tests.support.guarded_orthanc import GuardedOrthanc, furnish_guarded, introduce, opened_guarded
from tests.support.hospital import RecordingSession, cli_here
from tests.support.orthanc import Orthanc

ATTRIBUTES = """\
  study.title: {type: string, from: StudyDescription}
  study.kind: {type: string, from: Modality}
"""
ROLES = """\
roles:
  curator:
    may: [search, view, retrieve, export, store, append, update, delete]
    permissions: [RemoteQuery]
    owner: chief1
  courier: {may: [search, view, retrieve, export], owner: chief1}
  archivist: {permissions: [ArchiveConfigure, ArchiveOperate, JobAdminister, RemoteQuery], owner: chief1}
"""
RULES = """\
rules:
  - {id: curators-work-on-their-department, effect: permit, roles: [curator], when: study.department in user.departments}
  - id: couriers-see-no-names
    effect: permit
    roles: [courier]
    obligations: {mask: [PatientName, PixelData]}
  - {id: no-curator-sees-an-ecg, effect: forbid, roles: [curator], when: series.modality == 'ECG'}
  - {id: retention-stays, effect: forbid, roles: [curator], actions: [delete], when: "'RETENTION-DUE' in study.labels"}
  - id: no-study-of-two-kinds
    effect: forbid
    roles: [curator]
    actions: [store]
    when: "study.title == 'TWO KINDS' && !(study.kind == 'NM') && !(study.kind == 'CR')"
  - {id: nothing-is-called-forbidden, effect: forbid, roles: [curator], actions: [store, append], when: study.title == 'FORBIDDEN'}
"""
ASSIGNMENTS = """\
assignments:
  - {users: [rad3], roles: [curator]}
  - {users: [admin1], roles: [archivist]}
  - {users: [ext1], roles: [courier]}
"""


def policy() -> str:
    text = policy_text()
    text = text.replace("attributes:\n", f"attributes:\n{ATTRIBUTES}", 1)
    for section in (ROLES, RULES, ASSIGNMENTS):
        head = section.partition("\n")[0] + "\n"
        assert text.count("\n" + head) == 1
        text = text.replace("\n" + head, "\n" + section, 1)
    return text


@contextmanager
def curated_orthanc(directory: Path, other: Orthanc) -> Iterator[GuardedOrthanc]:
    """Serve one; it and the other know each other as `other`."""
    with opened_guarded(furnish_guarded(directory, policy=policy())) as running:
        introduce(running.orthanc, other)
        introduce(other, running.orthanc)
        yield running


def names(response: Any) -> list[str]:
    assert response.status_code == 200, response.text
    return zipfile.ZipFile(io.BytesIO(response.content)).namelist()


def unrecorded(archive: GuardedOrthanc, persona: str) -> RecordingSession:
    """A client whose answers no recorder looks at."""
    everything = CanaryRecorder({}, lambda *_: True)
    return RecordingSession(archive.root, persona, archive.hospital.passwords[persona], everything)


def labels(archive: GuardedOrthanc, uid: str) -> str:
    """What the gate's own command says of a study."""
    shown = cli_here("study", "show", uid, "-c", str(archive.hospital.config))
    assert shown.returncode == 0, shown.stderr
    return str(shown.stdout)


def settled(client: RecordingSession, path: str) -> dict[str, Any]:
    """A job when it has ended."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        document = client.get(path).json()
        if document["State"] not in {"Pending", "Running"}:
            return dict(document)
        time.sleep(0.1)
    raise AssertionError("the job did not end")
