"""A directory and an index of a few studies, whose policy is published with its changes counted."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.identity.subjects import subject_of
from pacsgate.model.resource import TenantScope
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Credential, Subject
from pacsgate.model.tenant_archives import of_one_tenant
from pacsgate.ports import UserRecord
from pacsgate.services.compare_policies import ComparePolicies
from pacsgate.services.publish_policy import Published, PublishPolicy, Review
from pacsgate.stores.database import open_database
from pacsgate.stores.stores import stores_on
from tests.support.clocks import START, HandClock
from tests.support.databases import sqlite_url
from tests.support.indexing import MAIN, SCOPE, SEEN, instance
from tests.support.trails import ListTrail

OPERATOR = Actor("policy-files", verified=True)
EVENT = AuditEvent(EventKind.USER_CHANGED, START, OPERATOR)
POLICY = """version: 1
attributes:
  study.department: {type: string, from: InstitutionalDepartmentName}
  user.department: {type: string}
roles:
  radiologist: {may: [search, view]}
  publisher: {permissions: [PolicyPublish]}
rules:
  - id: own-department
    effect: permit
    roles: [radiologist]
    when: study.department == user.department
"""
WIDER = POLICY.replace("study.department == user.department", "has(study.department)")
DEPARTMENTS = ("A", "A", "A", "B", "B", "C")


class Counted:
    """Two radiologists of A and one of B; three studies of A, two of B and one of C."""

    def __init__(self, directory: Path, *, threshold: int | None = None) -> None:
        self.stores = stores_on(open_database(sqlite_url(directory)))
        self.trail = ListTrail()
        self.clock = HandClock()
        for name, department in (("ann", "A"), ("bob", "A"), ("cat", "B")):
            self.add_user(name, "radiologist", department=department)
        self.add_user("dan", "publisher")
        self.stores.index.ingest(SCOPE, MAIN, [_study(*each) for each in enumerate(DEPARTMENTS)], SEEN)
        self.comparison = ComparePolicies(
            self.stores.directory,
            self.stores.index,
            self.people,
            of_one_tenant(MAIN),
            ["internal", "external"],
        )
        self.publisher = self.publishing(threshold)

    def publishing(self, threshold: int | None) -> PublishPolicy:
        review = Review(self.comparison, self.stores.candidates, threshold)
        stores = self.stores
        return PublishPolicy(
            stores.directory, stores.revisions, stores.outbox, self.trail, self.clock, review
        )

    def publish(self, text: str) -> Published:
        return self.publisher.publish(SCOPE, {"policy.yaml": text}, OPERATOR)

    def live(self) -> str:
        stored = self.stores.revisions.live(SCOPE)
        return "" if stored is None else stored.revision

    def add_user(self, name: str, *roles: str, **attributes: str) -> None:
        user = UserRecord(
            name,
            "user",
            assignments=tuple(Assignment(role) for role in roles),
            attributes={key: frozenset({value}) for key, value in attributes.items()},
        )
        self.stores.directory.add_user(SCOPE, user, EVENT)

    def subject(self, name: str) -> Subject:
        return next(each for each in self.people(SCOPE, self.clock.now()) if each.name == name)

    def people(self, scope: TenantScope, at: datetime) -> Iterator[Subject]:
        for record in self.stores.directory.users(scope):
            yield subject_of(record, scope.tenant, Credential.PASSWORD, authenticated_at=at)


def _study(number: int, department: str):
    return instance(
        f"1.2.{number}",
        study_facts={"department": frozenset({department}), "modalities": frozenset({"CT"})},
        series_facts={"modality": frozenset({"CT"})},
    )
