"""Accounts as those who administer them see and change them: each within the reach of the mandate.

What an identity source says of its people is changed there: it would say it again at the next sign-in.

Called by the administration API and its pages; calls `administer_users` and `administer_locks`.

Invariants:
- nobody changes their own account, nor one that holds what they do not hold for good;
- nobody gives a group or role that carries permissions that they do not hold for good.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.model.subject import Attributes, SubjectKind
from pacsgate.policy.policy import Policy
from pacsgate.ports import UserRecord
from pacsgate.ports.groups import Groups
from pacsgate.ports.locks import LockRecord, LockTarget
from pacsgate.services.administer_locks import LockAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.declared_attributes import check_attributes
from pacsgate.services.mandates import Mandate, roles_of_groups, roles_within_reach


class AccountState(StrEnum):
    """Whether somebody may come in as an account, and why not; the first that holds."""

    DISABLED = "disabled"
    LOCKED = "locked"
    ENDED = "ended"
    NOT_YET = "not-yet"
    ACTIVE = "active"

    @classmethod
    def of(cls, user: UserRecord, now: datetime) -> "AccountState":
        """The state at `now`."""
        if user.disabled:
            return cls.DISABLED
        if user.is_locked and (user.locked_until is None or now < user.locked_until):
            return cls.LOCKED
        if user.until is not None and user.until <= now:
            return cls.ENDED
        return cls.NOT_YET if user.starts is not None and now < user.starts else cls.ACTIVE


@dataclass(frozen=True, slots=True)
class AccountsAsked:
    """Which accounts; what is `None` is any."""

    search: str | None = None
    """Part of the name or the name to show; case does not count."""
    kind: SubjectKind | None = None
    group: str | None = None
    role: str | None = None
    """One that it has, had or will have, by itself or by the policy."""
    state: AccountState | None = None
    source: str | None = None

    def takes(self, user: UserRecord, policy: Policy, now: datetime) -> bool:
        """Whether this is one of them."""
        wanted = (self.search or "").casefold()
        pairs = (
            (self.kind, user.kind),
            (self.state, AccountState.of(user, now)),
            (self.source, user.source),
        )
        return (
            any(wanted in text.casefold() for text in (user.name, user.display_name))
            and (self.group is None or self.group in user.groups)
            and (self.role is None or self.role in roles_within_reach(policy, user))
            and all(asked is None or asked == is_so for asked, is_so in pairs)
        )


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be made."""

    name: str
    kind: SubjectKind = SubjectKind.USER
    display_name: str = ""
    groups: frozenset[str] = frozenset()
    attributes: Attributes | None = None
    starts: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What is to be otherwise; what is `None` stays."""

    display_name: str | None = None
    groups: frozenset[str] | None = None
    attributes: Attributes | None = None
    window: tuple[datetime | None, datetime | None] | None = None
    disabled: bool | None = None


@dataclass(frozen=True, slots=True)
class ManagedAccounts:
    """The use case over one installation."""

    administration: Callable[[], UserAdministration]
    locking: Callable[[], LockAdministration]
    kept_groups: Groups

    def accounts(self, mandate: Mandate, asked: AccountsAsked) -> tuple[UserRecord, ...]:
        """The accounts that are asked for."""
        policy, now = mandate.policy, mandate.caller.context.now
        every = self.administration().users(mandate.scope)
        return tuple(user for user in every if asked.takes(user, policy, now))

    def account(self, mandate: Mandate, name: str) -> UserRecord:
        """The account of this name.  Raises `NotFoundError`."""
        return self.administration().user(mandate.scope, name)

    def reached(self, mandate: Mandate, name: str) -> UserRecord:
        """The account, if the mandate reaches it.  Raises `NotFoundError` or `RequestError` (403)."""
        return mandate.over(self.account(mandate, name))

    def add(self, mandate: Mandate, new: NewAccount) -> UserRecord:
        """Make an account that nobody can sign in to yet."""
        mandate.to_give(roles_of_groups(mandate.policy, new.groups))
        check_attributes(mandate.policy, new.attributes or {})
        return self.administration().add(
            mandate.change(),
            new.name,
            kind=new.kind,
            display_name=new.display_name,
            groups=new.groups,
            attributes=new.attributes,
            starts=new.starts,
            until=new.until,
        )

    def change(self, mandate: Mandate, name: str, asked: AccountChange) -> UserRecord:
        """Change what is asked for, from the next request on."""
        user = self.reached(mandate, name)
        office, change = self.administration(), mandate.change()
        if user.source and (asked.groups is not None or asked.attributes is not None):
            raise ConflictError(
                f"managed-by-source: `{user.source}` says what groups and attributes `{name}` has; "
                "change them there"
            )
        if asked.groups is not None:
            mandate.to_give(roles_of_groups(mandate.policy, asked.groups - user.groups))
            office.set_groups(change, name, asked.groups)
        if asked.display_name is not None:
            office.set_display_name(change, name, asked.display_name)
        if asked.attributes is not None:
            check_attributes(mandate.policy, asked.attributes)
            office.set_attributes(change, name, asked.attributes)
        if asked.window is not None:
            office.set_window(change, name, *asked.window)
        if asked.disabled is not None and asked.disabled != user.disabled:
            office.set_disabled(change, name, disabled=asked.disabled)
        return self.account(mandate, name)

    def remove(self, mandate: Mandate, name: str) -> None:
        """Remove an account with all that it has."""
        self.reached(mandate, name)
        self.administration().remove(mandate.change(), name)

    def assign(self, mandate: Mandate, name: str, assignment: Assignment) -> UserRecord:
        """Give a role in a scope, for a time."""
        self.reached(mandate, name)
        mandate.to_give([assignment.role])
        self.administration().assign(mandate.change(), name, assignment)
        return self.account(mandate, name)

    def unassign(self, mandate: Mandate, name: str, role: str, scope: AssignmentScope) -> None:
        """Take a role in a scope away, whatever its time."""
        self.reached(mandate, name)
        self.administration().unassign(
            mandate.change(), name, lambda given: given.role == role and given.scope == scope
        )

    def lock(self, mandate: Mandate, name: str, reason: str, until: datetime | None) -> LockRecord:
        """Keep somebody out at once, everywhere."""
        self.reached(mandate, name)
        return self.locking().lock(mandate.change(), LockTarget.USER, name, reason=reason, until=until)

    def unlock(self, mandate: Mandate, name: str) -> None:
        """Let somebody in again."""
        self.reached(mandate, name)
        self.locking().unlock(mandate.change(), LockTarget.USER, name)

    def locks(self, mandate: Mandate) -> tuple[LockRecord, ...]:
        """Every lock that holds now, of users and devices."""
        now = mandate.caller.context.now
        every = self.locking().locks(mandate.scope)
        return tuple(lock for lock in every if lock.until is None or now < lock.until)

    def groups(self, mandate: Mandate) -> dict[str, frozenset[str]]:
        """Every group that somebody is in, that a source keeps or that the policy names, with its members."""
        named = {group for given in mandate.policy.assignments for group in given.groups}
        named |= {group.name for group in self.kept_groups.groups(mandate.scope)}
        members: dict[str, set[str]] = {name: set() for name in named}
        for user in self.administration().users(mandate.scope):
            for group in user.groups:
                members.setdefault(group, set()).add(user.name)
        return {group: frozenset(names) for group, names in sorted(members.items())}

    def group(self, mandate: Mandate, name: str) -> frozenset[str]:
        """The names of the members of a group.  Raises `NotFoundError`."""
        found = self.groups(mandate).get(name)
        if found is None:
            raise NotFoundError(f"nobody is in a group `{name}`, no source keeps it and no policy names it")
        return found
