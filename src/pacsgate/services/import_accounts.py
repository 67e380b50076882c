"""Accounts of another system become accounts here, with their passwords where those are any good.

A password that everybody knows, or that is easy to guess, is not taken over: the
account is made without one, and nobody can sign in to it until it is given one.

Called by `pacsgate import`.

Invariants:
- an account that exists is left as it is, so that importing twice changes nothing;
- a password in the clear is only ever handed to the hash.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pacsgate.model.errors import RequestError
from pacsgate.model.resource import TenantScope
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change


@dataclass(frozen=True, slots=True)
class PlannedAccount:
    """What is to become of one account; `why` says what cannot."""

    name: str
    is_made: bool
    has_password: bool = False
    why: str | None = None


class ImportAccounts:
    """Makes accounts from names and passwords in the clear."""

    def __init__(self, users: UserAdministration, known_passwords: Collection[str]) -> None:
        """`known_passwords` are those that the other system's documentation prints."""
        self._users = users
        self._known = known_passwords

    def plan(self, scope: TenantScope, passwords: Mapping[str, str]) -> tuple[PlannedAccount, ...]:
        """What is to become of each name."""
        existing = {user.name for user in self._users.users(scope)}
        return tuple(self._planned(name, passwords[name], existing) for name in sorted(passwords))

    def make(self, change: Change, plan: Iterable[PlannedAccount], passwords: Mapping[str, str]) -> None:
        """Make the accounts of a plan."""
        for account in plan:
            if account.is_made:
                password = passwords[account.name] if account.has_password else None
                self._users.add(change, account.name, password=password)

    def _planned(self, name: str, password: str, existing: Collection[str]) -> PlannedAccount:
        if name in existing:
            return PlannedAccount(name, is_made=False, why="it exists already, and stays as it is")
        try:
            self._users.check_new(name, None)
        except RequestError as refused:
            return PlannedAccount(name, is_made=False, why=refused.public)
        if password in self._known:
            return PlannedAccount(
                name, is_made=True, why="its password is printed in the guide, where everybody can read it"
            )
        try:
            self._users.check_new(name, password)
        except RequestError as refused:
            return PlannedAccount(name, is_made=True, why=refused.public)
        return PlannedAccount(name, is_made=True, has_password=True)
