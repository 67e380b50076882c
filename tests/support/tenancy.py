"""The use cases about tenants and PACSes over bare stores: no files, no doors, a clock moved by hand."""

from dataclasses import dataclass, field

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.identity.accounts import LocalAccounts
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.model.pacs_operation import PacsKind
from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.policy.base import base_sources
from pacsgate.policy.document import revision_of
from pacsgate.policy.policy import Policy
from pacsgate.ports import StoredRevision
from pacsgate.ports.tenants import PacsRecord
from pacsgate.services.administer_pacses import PacsAdministration
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.administer_tenants import NewTenant, TenantAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change, Office
from pacsgate.services.known_pacses import KnownPacses
from pacsgate.services.live_policy import LivePolicy, NoPolicyError
from pacsgate.services.proofs import Proofs
from pacsgate.services.warrants import Warrants
from pacsgate.stores.stores import Stores
from tests.support.clocks import HandClock
from tests.support.trails import ListTrail

OPERATOR = Actor("local:op", verified=True)
FILED = ArchiveName("filed")
"""The one PACS of the configuration file."""


@dataclass
class Tenancy:
    """One tenant."""

    stores: Stores
    tenant: TenantName
    clock: HandClock = field(default_factory=HandClock)
    trail: ListTrail = field(default_factory=ListTrail)
    given_up: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        stores = self.stores
        self.live = LivePolicy(stores.epochs, stores.revisions, stores.directory, lambda now: now)
        self.office = Office(stores.directory, stores.outbox, self.trail, self._policy, stores.permissions)
        of_file = {FILED: PacsRecord(FILED, "Filed", PacsKind.ARCHIVE)}
        self.known = KnownPacses(stores.tenants, {self.tenant: of_file})
        self.users = UserAdministration(self.office, Argon2Passwords())
        self.roles = RoleAdministration(self.office)
        self.tenants = TenantAdministration(self.office, stores.tenants, self.users, self._begin)
        self.pacses = PacsAdministration(
            self.office,
            stores.tenants,
            self.known,
            self.users,
            lambda _scope, pacs, _why: self._give_up(pacs),
        )
        self.warrants = Warrants(
            self.live,
            self.known,
            LocalAccounts(stores.directory),
            self.trail,
            Proofs(self.live, self.trail),
            lambda *_: None,
        )

    @property
    def scope(self) -> TenantScope:
        return TenantScope(self.tenant)

    def change(self) -> Change:
        return Change(self.scope, OPERATOR, self.clock.now())

    def register(self, administrator: str) -> None:
        self.tenants.register(self.change(), NewTenant("A tenant", administrator))

    def pacs(self, name: str, agent: str) -> None:
        self.pacses.register(self.change(), PacsRecord(ArchiveName(name), name, PacsKind.DOORS, agent))

    def _give_up(self, pacs: str) -> None:
        self.given_up.append(pacs)

    def _policy(self, scope: TenantScope) -> Policy | None:
        try:
            return self.live.current(scope)
        except NoPolicyError:
            return None

    def _begin(self, scope: TenantScope, actor: Actor) -> None:
        sources = base_sources()
        revision = StoredRevision(revision_of(sources), sources, self.clock.now(), actor.name)
        event = AuditEvent(EventKind.POLICY_CHANGED, self.clock.now(), actor, tenant=scope.tenant)
        self.stores.revisions.activate(scope, revision, event, live=None, pending=None)
