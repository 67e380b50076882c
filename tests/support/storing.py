"""Objects stored as by a door: spooled, summarised, and handed to the use case, with whoever listens."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.dataset import Dataset

from pacsgate.bootstrap.installation import Installation
from pacsgate.dicom.summarise import read_summary
from pacsgate.identity.lockout import Lockout, ProbeLockout
from pacsgate.model.context import Context
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import Bound
from pacsgate.ports.occurrences import Occurrence
from pacsgate.services.record import Circumstances, actor_of
from pacsgate.services.resolve import Resolver
from pacsgate.services.store_instances import Spooled, Stored, StoreInstances
from pacsgate.services.study_orders import StudyOrders
from tests.support.installed import installed, main_archive
from tests.support.objects import Part10
from tests.support.trails import ListTrail

SCANNERS = """\
version: 1
attributes:
  study.service: {type: string, from: RequestingService}
roles:
  scanner: {may: [search, store, append], owner: o}
  oncology: {may: [search], owner: o}
rules:
  - {id: scanners-store, effect: permit, roles: [scanner], actions: [store]}
  - {id: own, effect: permit, roles: [scanner], actions: [search, append], when: study.ingest_principal == user.name}
  - {id: oncology-sees-its-own, effect: permit, roles: [oncology], when: study.service == 'ONCOLOGY'}
assignments:
  - {users: [CT1, CT2], roles: [scanner]}
  - {users: [onc1], roles: [oncology]}
"""


@dataclass
class Heard:
    """`ports.Occurrences` that remembers, and looks at something whenever anything happens."""

    occurrences: list[Occurrence] = field(default_factory=list)
    seen: list[object] = field(default_factory=list)
    look: object = None

    def happened(self, occurrence: Occurrence) -> None:
        self.occurrences.append(occurrence)
        if callable(self.look):
            self.seen.append(self.look())


@dataclass
class Worklist:
    """`ports.Orders` of one order, which counts how often it is asked."""

    order: Dataset | None
    asked: list[Dataset] = field(default_factory=list)

    def order_of(self, header: Dataset) -> Dataset | None:
        self.asked.append(header)
        return self.order


@dataclass(frozen=True)
class Storing:
    """The use case over a small installation."""

    installation: Installation
    use_case: StoreInstances
    heard: Heard
    trail: ListTrail

    def context(self) -> Context:
        return Context(
            now=self.installation.clock.now(), request_id=secrets.token_hex(4), calling_ae_title="SCANNER"
        )

    def bound(self, name: str) -> tuple[Subject, Bound]:
        subject = Subject(tenant=DEFAULT_TENANT, name=name)
        scope, archive = self.installation.scope, main_archive(self.installation)
        return subject, self.installation.policies.bind(scope, subject, self.context(), archive)

    def circumstances(self, subject: Subject, bound: Bound) -> Circumstances:
        archive = main_archive(self.installation)
        return Circumstances(
            self.context(), actor_of(subject, self.context()), subject.tenant, archive, bound.revision
        )

    def store(self, name: str, *objects: Part10) -> tuple[Stored, ...]:
        """Store objects of one request."""
        subject, bound = self.bound(name)
        return self.use_case.store(
            self.installation.scope,
            main_archive(self.installation),
            [self.spooled(one) for one in objects],
            subject,
            bound,
            self.circumstances(subject, bound),
        )

    def end_series(self, name: str, *stored: Stored) -> None:
        subject, _ = self.bound(name)
        scope, archive = self.installation.scope, main_archive(self.installation)
        self.use_case.end_series(scope, archive, stored, subject, self.context())

    def spooled(self, one: Part10) -> Spooled:
        path: Path = self.installation.archives.spools[main_archive(self.installation)].new_path()
        path.write_bytes(one.data)
        return Spooled(read_summary(one.data), path, len(one.data), one.digest)


@contextmanager
def storing(directory: Path, *, order: Worklist | None = None, policy: str = SCANNERS) -> Iterator[Storing]:
    """A small installation into which scanners store."""
    with installed(directory, policy=policy) as installation:
        heard, trail = Heard(), ListTrail()
        freshness = installation.freshness
        use_case = StoreInstances(
            installation.archives.by_name,
            Resolver(freshness),
            freshness,
            installation.indexer,
            installation.policies,
            ProbeLockout(Lockout(installation.stores.directory)),
            trail,
            heard,
            StudyOrders({} if order is None else {installation.scope: order}),
        )
        yield Storing(installation, use_case, heard, trail)
