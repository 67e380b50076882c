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
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.sessions import ServerSessions
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.context import Context
from pacsgate.model.resource import DEFAULT_TENANT, TenantScope
from pacsgate.policy.policy import Policy
from pacsgate.ports import Directory, EpochStore, OutboxStore, StudyIndex
from pacsgate.ports.application_entities import ApplicationEntities
from pacsgate.ports.study_permissions import StudyPermissions
from pacsgate.services.administer_grants import GrantAdministration
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change, Office
from pacsgate.services.setup import Setup
from pacsgate.services.sign_in import SignIn
from pacsgate.services.study_permissions import StudyPermissionAdministration
from pacsgate.stores.database import open_database
from pacsgate.stores.stores import Stores, stores_on
from tests.support.clocks import HandClock
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
    policy: Policy | None = None
    trail: ListTrail = field(default_factory=ListTrail)
    clock: HandClock = field(default_factory=HandClock)
    passwords: Argon2Passwords = field(default_factory=lambda: Argon2Passwords(CHEAP))

    def __post_init__(self) -> None:
        self.office = Office(self.directory, self.outbox, self.trail, self.policy, self.permissions)
        self.users = UserAdministration(self.office, self.passwords)
        self.tokens = TokenAdministration(self.office, RandomTokens())
        self.roles = RoleAdministration(self.office)
        self.grants = GrantAdministration(self.office)
        self.study_permissions = StudyPermissionAdministration(self.office)
        self.setup = Setup(self.office, self.users, self.roles)
        self.sessions = ServerSessions(self.directory)
        self.authenticator = self.new_process()
        self.pages = SignIn(self.authenticator.password_door, self.sessions, self.trail)

    def new_process(self) -> Authenticator:
        """Another process of the same gate: the same directory, nothing remembered."""
        return Authenticator(
            directory=self.directory,
            epochs=self.epochs,
            trail=self.trail,
            clock=self.clock,
            passwords=self.passwords,
            last_recorded=self.clock.now(),
        )

    def change(self) -> Change:
        return Change(SCOPE, OPERATOR, self.clock.now())

    def context(self, address: str = "192.0.2.7") -> Context:
        return Context(self.clock.now(), "r-1", client_address=address)


def open_people(directory: Path, **parts: Any) -> People:
    """An installation in an empty directory; `parts` replace what `People` would choose."""
    return people_on(stores_on(open_database(f"sqlite:///{directory / 'pacsgate.sqlite'}")), **parts)


def people_on(stores: Stores, **parts: Any) -> People:
    """The same over stores that somebody else also wants."""
    return People(
        stores.directory,
        stores.outbox,
        stores.epochs,
        stores.permissions,
        stores.index,
        stores.remote_aes,
        **parts,
    )
