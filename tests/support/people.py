"""A small installation to try credentials on: a directory, a trail in memory, a clock moved by hand.

Passwords are hashed with the cheapest argon2id there is, so that a test may
check hundreds.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from argon2 import Parameters, Type

from pacsgate.audit.events import Actor
from pacsgate.identity.authenticate import Authenticator
from pacsgate.identity.credentials import SessionCredential
from pacsgate.identity.lockout import Attempts
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.sessions import ServerSessions
from pacsgate.identity.subjects import RoleCeilings, subject_of
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.context import Context
from pacsgate.model.resource import DEFAULT_TENANT, TenantScope
from pacsgate.model.session_limits import SessionRules
from pacsgate.model.subject import Credential, Subject
from pacsgate.policy.policy import Policy
from pacsgate.ports import Directory, EpochStore, OutboxStore, StartedSession, StudyIndex
from pacsgate.ports.application_entities import ApplicationEntities
from pacsgate.ports.factors import Challenges
from pacsgate.ports.groups import Groups
from pacsgate.ports.identity import SessionOrigin
from pacsgate.ports.identity_sources import IdentityLinks
from pacsgate.ports.locks import Locks
from pacsgate.ports.sightings import Sightings
from pacsgate.ports.study_permissions import StudyPermissions
from pacsgate.services.administer_grants import GrantAdministration
from pacsgate.services.administer_locks import LockAdministration
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.administer_sessions import SessionAdministration
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change, Office
from pacsgate.services.callers import Caller
from pacsgate.services.emergency import EmergencyAccess
from pacsgate.services.provision_accounts import Provisioning
from pacsgate.services.reconcile_accounts import SourceReconciliation
from pacsgate.services.reset_password import PasswordReset
from pacsgate.services.setup import Setup
from pacsgate.services.sign_in import SignIn
from pacsgate.services.study_permissions import StudyPermissionAdministration
from pacsgate.stores.database import open_database
from pacsgate.stores.stores import Stores, stores_on
from tests.support.clocks import HandClock
from tests.support.databases import migrated_sqlite
from tests.support.trails import ListTrail

SCOPE = TenantScope(DEFAULT_TENANT)
OPERATOR = Actor("local:op", verified=True)
PASSWORD = "correct horse battery"
CHEAP = Parameters(
    type=Type.ID, version=19, salt_len=16, hash_len=32, time_cost=1, memory_cost=8, parallelism=1
)


@dataclass
class People:
    """Everything that deals with who asks, over one directory."""

    directory: Directory
    outbox: OutboxStore
    epochs: EpochStore
    permissions: StudyPermissions
    index: StudyIndex
    remote_aes: ApplicationEntities
    locks: Locks
    groups: Groups
    identity_links: IdentityLinks
    sightings: Sightings
    challenges: Challenges
    policy: Policy | None = None
    session_rules: SessionRules = field(default_factory=SessionRules)
    ceilings: RoleCeilings = field(default_factory=dict)
    trail: ListTrail = field(default_factory=ListTrail)
    clock: HandClock = field(default_factory=HandClock)
    passwords: Argon2Passwords = field(default_factory=lambda: Argon2Passwords(CHEAP))

    def __post_init__(self) -> None:
        self.office = Office(self.directory, self.outbox, self.trail, lambda _: self.policy, self.permissions)
        self.users = UserAdministration(self.office, self.passwords)
        self.tokens = TokenAdministration(self.office, RandomTokens())
        self.roles = RoleAdministration(self.office)
        self.grants = GrantAdministration(self.office)
        self.lock_desk = LockAdministration(self.office, self.locks, self.remote_aes)
        self.provisioning = Provisioning(self.office, self.users, self.identity_links)
        self.reconciliation = SourceReconciliation(self.office, self.provisioning)
        self.study_permissions = StudyPermissionAdministration(self.office)
        self.setup = Setup(self.office, self.users, self.roles)
        self.attempts = Attempts(self.directory)
        self.resets = PasswordReset(self.office, self.users, self.passwords, self.challenges, self.attempts)
        self.emergency = EmergencyAccess(self.office, self.users, self.passwords)
        self.sessions = ServerSessions(self.directory)
        self.session_desk = SessionAdministration(self.office)
        self.authenticator = self.new_process()
        self.pages = SignIn(
            self.authenticator.password_door,
            self.sessions,
            self.trail,
            self.session_rules,
            lambda subject, _context: frozenset(given.role for given in subject.assignments),
        )

    def new_process(self) -> Authenticator:
        """Another process of the same gate: the same directory, nothing remembered."""
        return Authenticator(
            directory=self.directory,
            epochs=self.epochs,
            trail=self.trail,
            clock=self.clock,
            passwords=self.passwords,
            last_recorded=self.clock.now(),
            ceilings=self.ceilings,
            sightings=self.sightings,
        )

    def change(self) -> Change:
        return Change(SCOPE, OPERATOR, self.clock.now())

    def caller(self, session: StartedSession, address: str = "192.0.2.7") -> Caller:
        """Whoever holds a session, as a door would hand them on."""
        context = self.context(address)
        found = self.authenticator.authenticate(SessionCredential(session.cookie), context)
        assert isinstance(found, Subject)
        return Caller(found, context)

    def context(self, address: str = "192.0.2.7") -> Context:
        return Context(self.clock.now(), "r-1", client_address=address)


def open_people(directory: Path, **parts: Any) -> People:
    """An installation in an empty directory; `parts` replace what `People` would choose."""
    file = directory / "pacsgate.sqlite"
    if not file.exists():
        file.write_bytes(migrated_sqlite())
    return people_on(stores_on(open_database(f"sqlite:///{file}")), **parts)


def people_on(stores: Stores, **parts: Any) -> People:
    """The same over stores that somebody else also wants."""
    return People(
        stores.directory,
        stores.outbox,
        stores.epochs,
        stores.permissions,
        stores.index,
        stores.remote_aes,
        stores.locks,
        stores.groups,
        stores.identity_links,
        stores.sightings,
        stores.challenges,
        **parts,
    )


def begin_session(people: People, name: str) -> str:
    """The cookie of a new session of an account."""
    record = people.directory.user(SCOPE, name)
    assert record is not None
    now = people.clock.now()
    subject = subject_of(record, SCOPE.tenant, Credential.PASSWORD, authenticated_at=now)
    limits = SessionRules().limits_of(frozenset())
    return people.sessions.begin(subject, now, origin=SessionOrigin("127.0.0.1"), limits=limits).cookie
