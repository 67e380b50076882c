"""A real gate in this process with two archives as PACSes: departments, a collection, somebody who governs."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from starlette.types import ASGIApp

from pacsgate.bootstrap.executors import ArchiveDesk
from pacsgate.bootstrap.gate import build_app, build_gate
from pacsgate.bootstrap.installation import Installation, open_installation, trail_directory
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.access import PacsPlace
from pacsgate.model.built_in_roles import PACS_ADMINISTRATOR
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.ports.pacs_adapters import Command, Outcome
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.classify_study import ClassifyStudy
from pacsgate.sinks.trail_reader import read_trail
from tests.support.administered_gate import Told
from tests.support.objects import Part10, variant
from tests.support.open_gate import ask, desk

POLICY = """\
version: 1
attributes:
  study.department: {type: string, from: InstitutionalDepartmentName}
roles:
  reader: {may: [search, view, retrieve]}
rules:
  - {id: sealed, effect: forbid, when: "'SEALED' in study.labels"}
"""
MAIN, ANNEX = ArchiveName("main"), ArchiveName("annex")
DEPARTMENTS = {
    "1.2.3.1": "Radiology",
    "1.2.3.2": "Radiology",
    "1.2.3.3": "Cardiology",
    "1.2.3.4": "Nose/Throat",
}
STROKE = "1.2.3.3"
"""The study in the collection `stroke`."""


LARGE, SIDE = "1.2.3.1", 1280
"""The study of many chunks, and how many pixels its sides have."""


def an_object(study: str, department: str) -> Part10:
    pixels = {"Rows": SIDE, "Columns": SIDE, "PixelData": bytes(SIDE * SIDE * 2)} if study == LARGE else {}
    return variant(
        **pixels,
        StudyInstanceUID=study,
        SeriesInstanceUID=f"{study}.1",
        SOPInstanceUID=f"{study}.1.1",
        PatientID=f"p{study}",
        InstitutionalDepartmentName=department,
    )


@dataclass
class AccessGate:
    """Asked as clients ask it, and as the queue asks an archive's desk."""

    installation: Installation
    app: ASGIApp
    config: Path
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.installation.clock.now()

    def place(self, archive: ArchiveName = MAIN) -> PacsPlace:
        return PacsPlace(DEFAULT_TENANT, archive)

    def tick(self, archive: ArchiveName = MAIN) -> int:
        return ArchiveDesk(self.installation, self.place(archive)).tick()

    def do(
        self, operation: str, body: Any = None, archive: ArchiveName = MAIN, message_id: str = "", **ids: str
    ) -> Outcome:
        """One operation, as the queue hands it over."""
        place = self.place(archive)
        command = Command(
            message_id=message_id or uuid4().hex,
            operation=operation,
            tenant=place.tenant,
            pacs=place.pacs,
            ids=ids,
            body=body,
            requested_by="warden",
            requested_at=self.now,
            expires_at=self.now + timedelta(hours=1),
        )
        return ArchiveDesk(self.installation, place).execute(command)

    def add_user(self, name: str, *assignments: Assignment) -> None:
        office, change = desk(self.installation)
        users = UserAdministration(office, Argon2Passwords())
        users.add(change, name)
        for given in assignments:
            users.assign(change, name, given)
        issued = TokenAdministration(office, RandomTokens()).issue(
            change, name, label="t", expires_at=change.at + timedelta(days=1)
        )
        self.tokens[name] = issued.text

    def ask(
        self,
        who: str | None,
        method: str,
        path: str,
        body: object = None,
        *,
        query: str = "",
        token: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Told:
        given = {"content-type": "application/json", **(headers or {})}
        if who is not None or token:
            given["authorization"] = f"Bearer {token or self.tokens[who or '']}"
        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        sent = b"" if body is None else json.dumps(body).encode()
        answer = asyncio.run(ask(self.app, path, raw, method, query.encode(), body=sent))
        is_json = bool(answer.body) and "json" in answer.headers.get("content-type", "")
        return Told(answer.status, answer.headers, json.loads(answer.body) if is_json else None, answer.body)

    def sees(self, token: str, archive: ArchiveName = MAIN) -> list[str] | int:
        """The studies that somebody with this token finds, each of which they then get; or the refusal."""
        listed = self.ask(None, "GET", f"/archives/{archive}/dicom-web/studies", token=token)
        if listed.status == 204:
            return []
        if listed.status != 200:
            return listed.status
        found = sorted(row["0020000D"]["Value"][0] for row in listed.body)
        for study in DEPARTMENTS:
            got = self.ask(
                None, "GET", f"/archives/{archive}/dicom-web/studies/{study}/metadata", token=token
            )
            assert (got.status == 200) is (study in found), (study, got.status, found)
        return found

    def label(self, study: str, *, labels: frozenset[str] = frozenset()) -> None:
        office, change = desk(self.installation)
        classify = ClassifyStudy(office, self.installation.stores.index)
        classify.change(change, MAIN, study, labels=labels)

    def events(self) -> list[dict[str, str]]:
        """The details of every administrative event."""
        entries = read_trail(trail_directory(self.installation.settings))
        return [dict(entry.event.details) for entry in entries if "change" in entry.event.details]


@contextmanager
def access_gate(directory: Path) -> Iterator[AccessGate]:
    config = make_installation(directory / "gate", policy=POLICY, port=0)
    text = config.read_text("utf-8")
    main = "  main: {kind: folder, path: archive}\n"
    annex = "  annex: {kind: folder, path: annex}\ndefault_archive: main\n"
    config.write_text(text.replace(main, main + annex), "utf-8")
    with open_installation(read_settings(config), "test") as installation:
        PolicyWatch(installation).publish()
        for name in (MAIN, ANNEX):
            archive = installation.archives.by_name[name]
            for study, department in DEPARTMENTS.items():
                item = an_object(study, department)
                with archive.spool.begin(1 << 24) as incoming:
                    incoming.write(item.data)
                    spooled = incoming.finish()
                    archive.store(item.key, spooled.path, spooled.digest)
            installation.sync.sync(installation.scope, name)
            office, change = desk(installation)
            ClassifyStudy(office, installation.stores.index).change(
                change, name, STROKE, collections=frozenset({"stroke"})
            )
        opened = AccessGate(
            installation, build_app(installation, build_gate(installation), [("127.0.0.1", 0)]), config
        )
        opened.add_user("warden", Assignment(PACS_ADMINISTRATOR, AssignmentScope(MAIN)))
        yield opened
