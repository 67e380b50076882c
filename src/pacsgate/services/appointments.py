"""Roles that come with something else: an administrator with a new tenant, an agent with a new PACS.

What is written here is part of a larger transaction, whose owner brings it into the trail afterwards.

Called by `administer_tenants` and `administer_pacses`.

Invariants:
- who is an agent no more has no client secret any more: whoever was told it is no agent of the next PACS
  that the account may serve.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from pacsgate.audit.events import EventKind
from pacsgate.model.built_in_roles import AGENT_INSTANCE
from pacsgate.model.errors import ConflictError
from pacsgate.model.role import Assignment
from pacsgate.model.subject import SubjectKind
from pacsgate.ports import Directory, UserRecord
from pacsgate.ports.directory import TokenPurpose
from pacsgate.services.administration import Change, assignments_text


@dataclass(frozen=True, slots=True)
class Appointments:
    """Gives and takes them."""

    directory: Directory

    def appoint(self, change: Change, name: str, kind: SubjectKind, assignment: Assignment) -> None:
        """Give a role to an account, which is made, without a credential, if there is none of this name.

        Raises `ConflictError` if there is one of another kind.
        """
        user = self.directory.user(change.scope, name)
        if user is None:
            user = UserRecord(name=name, kind=kind.value, created_at=change.at)
            after = f"kind={kind.value}; no password"
            event = change.event(EventKind.USER_CHANGED, "added", name, after=after)
            self.directory.add_user(change.scope, user, event)
        if user.kind != kind:
            raise ConflictError(f"`{name}` is a {user.kind} account: this takes a {kind.value} account")
        if assignment not in user.assignments:
            self._write(change, user, "assigned", (*user.assignments, assignment))

    def dismiss(self, change: Change, takes: Callable[[Assignment], bool]) -> int:
        """Take every assignment that `takes` picks from whoever has it; returns how many."""
        taken = 0
        for user in self.directory.users(change.scope):
            kept = tuple(given for given in user.assignments if not takes(given))
            if kept != user.assignments:
                taken += len(user.assignments) - len(kept)
                self._write(change, user, "unassigned", kept)
                if any(given.role == AGENT_INSTANCE for given in set(user.assignments).difference(kept)):
                    self._revoke_secrets(change, user.name)
        return taken

    def _revoke_secrets(self, change: Change, name: str) -> None:
        for token in self.directory.tokens(change.scope, name):
            if token.purpose is TokenPurpose.CLIENT_SECRET and token.revoked_at is None:
                event = change.event(EventKind.USER_CHANGED, "token revoked", name, token=token.token_id)
                self.directory.revoke_token(change.scope, token.token_id, change.at, event)

    def _write(self, change: Change, user: UserRecord, word: str, now: tuple[Assignment, ...]) -> None:
        event = change.event(
            EventKind.ROLE_CHANGED,
            word,
            user.name,
            before=assignments_text(user.assignments),
            after=assignments_text(now),
            given=assignments_text(set(now).difference(user.assignments)),
            taken=assignments_text(set(user.assignments).difference(now)),
        )
        self.directory.change_user(change.scope, replace(user, assignments=now), event, before=user)
