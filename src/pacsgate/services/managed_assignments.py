"""Assignments of roles, each as a thing of its own: seen, given once however often it is asked for, taken.

An assignment is called by what it says: to whom, which role, where, from when until when.

Called by the API and its pages; calls `managed_accounts` and `managed_roles`.

Invariants:
- nobody gives the roles of the platform and of agents: those come by the configuration file, and by the
  registration of a PACS;
- nobody gives a role that carries what they do not hold for good.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pacsgate.model.built_in_roles import AGENT_INSTANCE, NEVER_ASSIGNED, TENANT_REGISTRATOR
from pacsgate.model.errors import NotFoundError
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.ports import UserRecord
from pacsgate.services.administration import assignment_text
from pacsgate.services.known_pacses import KnownPacses
from pacsgate.services.managed_accounts import ManagedAccounts
from pacsgate.services.managed_roles import ManagedRoles
from pacsgate.services.mandates import Mandate
from pacsgate.services.warrants import NO_PACS


@dataclass(frozen=True, slots=True)
class Given:
    """A role that somebody has."""

    user: str
    assignment: Assignment
    place: str | None = None
    """Where a policy file makes the assignment; `None` for one that is kept here."""

    @property
    def assignment_id(self) -> str:
        """What it is called."""
        text = f"{self.user}\n{assignment_text(self.assignment)}\n{self.place or ''}"
        return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class ManagedAssignments:
    """The use case over one installation."""

    accounts: ManagedAccounts
    roles: ManagedRoles
    pacses: KnownPacses

    def of_user(self, mandate: Mandate, name: str) -> tuple[Given, ...]:
        """What somebody has, also by the policy; over or not.  Raises `NotFoundError`."""
        return tuple(_given_to(mandate, self.accounts.account(mandate, name)))

    def of_role(self, mandate: Mandate, role: str) -> tuple[Given, ...]:
        """Who has a role, by the assignments of each.  Raises `NotFoundError`."""
        known = self.roles.role(mandate, role).role.name
        everybody = self.accounts.administration().users(mandate.scope)
        every = (given for user in everybody for given in _given_to(mandate, user))
        return tuple(given for given in every if given.assignment.role == known)

    def at(self, mandate: Mandate, pacs: ArchiveName | None) -> tuple[Given, ...]:
        """Who has which role at one PACS, or, for `None`, at none in particular."""
        everybody = self.accounts.administration().users(mandate.scope)
        every = (given for user in everybody for given in _given_to(mandate, user))
        return tuple(given for given in every if given.assignment.scope.archive == pacs)

    def one(self, mandate: Mandate, role: str, assignment_id: str) -> Given:
        """One assignment of a role.  Raises `NotFoundError`."""
        for given in self.of_role(mandate, role):
            if given.assignment_id == assignment_id:
                return given
        raise NotFoundError("there is no such assignment")

    def assign(
        self,
        mandate: Mandate,
        role: str,
        user: str,
        pacs: ArchiveName | None,
        starts: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[Given, bool]:
        """Give a role, in the whole tenant or at one PACS; whether that is new."""
        self._refuse_kept_back(mandate, role)
        self.roles.role(mandate, role)
        if pacs is not None and self.pacses.pacs(mandate.scope, pacs) is None:
            raise NotFoundError(NO_PACS)
        given = Given(user, Assignment(role, AssignmentScope(archive=pacs), starts, until))
        if given.assignment in self.accounts.reached(mandate, user).assignments:
            return given, False
        self.accounts.assign(mandate, user, given.assignment)
        return given, True

    def take(self, mandate: Mandate, role: str, assignment_id: str) -> None:
        """Take one assignment away."""
        self._refuse_kept_back(mandate, role)
        given = self.one(mandate, role, assignment_id)
        self.accounts.reached(mandate, given.user)
        # One that a policy file makes is none of the account's own, and that is what is said.
        self.accounts.administration().unassign(mandate.change(), given.user, given.assignment.__eq__)

    def _refuse_kept_back(self, mandate: Mandate, role: str) -> None:
        if role in NEVER_ASSIGNED:
            raise mandate.refused(
                f"`{role}` is not assigned here: {TENANT_REGISTRATOR} is by the configuration file, "
                f"{AGENT_INSTANCE} by registering a PACS"
            )


def _given_to(mandate: Mandate, user: UserRecord) -> Iterator[Given]:
    for assignment in user.assignments:
        yield Given(user.name, assignment)
    for made in mandate.policy.assignments:
        if user.name in made.users or user.groups & made.groups:
            yield Given(user.name, made.assignment, str(made.place))
