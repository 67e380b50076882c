"""The policy that is in force now, and what it makes of one subject.

Each process keeps the compiled policy, the stored roles and the grants of a
tenant together with the epochs at which it read them.  Before every decision
the epochs are read again (microseconds); if one has moved, what depends on it
is read anew.  So a decision never rests on something older than the last
committed change.

Called by every use case that decides; calls the policy engine.

Invariants:
- without a policy that was once activated nobody is bound: `NoPolicyError`;
- a stored revision that no longer compiles is never half used.
"""

import threading
from dataclasses import dataclass

from pacsgate.model.context import Context
from pacsgate.model.errors import PacsgateError
from pacsgate.model.grant import Grant
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.role import Role
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.policy.policy import Policy
from pacsgate.ports import Directory, Epochs, EpochStore, RevisionStore


class NoPolicyError(PacsgateError):
    """No policy has ever been activated in this tenant, so nothing is allowed."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    epochs: Epochs
    policy: Policy
    roles: tuple[Role, ...]
    grants: tuple[Grant, ...]


class LivePolicy:
    """Answers which policy is live, and binds it to a subject."""

    def __init__(self, epochs: EpochStore, revisions: RevisionStore, directory: Directory) -> None:
        self._epochs = epochs
        self._revisions = revisions
        self._directory = directory
        self._snapshots: dict[TenantScope, _Snapshot] = {}
        self._refresh = threading.Lock()

    def epochs(self) -> Epochs:
        """The epochs as committed now."""
        return self._epochs.current()

    def current(self, scope: TenantScope) -> Policy:
        """The live policy.  Raises `NoPolicyError`."""
        return self._snapshot(scope).policy

    def bind(self, scope: TenantScope, subject: Subject, context: Context, archive: ArchiveName) -> Bound:
        """What the live policy and the live grants say about this subject, here and now."""
        snapshot = self._snapshot(scope)
        return bind(snapshot.policy, subject, context, archive, snapshot.grants)

    def _snapshot(self, scope: TenantScope) -> _Snapshot:
        epochs = self._epochs.current()
        known = self._snapshots.get(scope)
        if known is not None and known.epochs == epochs:
            return known
        with self._refresh:
            return self._read(scope, epochs, self._snapshots.get(scope))

    def _read(self, scope: TenantScope, epochs: Epochs, known: _Snapshot | None) -> _Snapshot:
        # The epochs were read before the rows, so a change committed in between
        # moves them again and the next decision reads once more.
        if known is not None and known.epochs == epochs:
            return known
        roles = known.roles if known and known.epochs.users == epochs.users else self._directory.roles(scope)
        grants = (
            known.grants if known and known.epochs.grants == epochs.grants else self._directory.grants(scope)
        )
        # The users' epoch moves at every sign-out; compiling waits for a role that really changed.
        unchanged = known is not None and known.epochs.policy == epochs.policy and known.roles == roles
        policy = known.policy if known and unchanged else self._compile(scope, roles)
        snapshot = _Snapshot(epochs, policy, roles, grants)
        self._snapshots[scope] = snapshot
        return snapshot

    def _compile(self, scope: TenantScope, roles: tuple[Role, ...]) -> Policy:
        stored = self._revisions.live(scope)
        if stored is None:
            raise NoPolicyError("no policy has been activated yet")
        return load_policy(stored.sources, roles)
