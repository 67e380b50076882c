"""The policy that is in force now, and what it makes of one subject.

Each process keeps the compiled policy, the stored roles and the grants of a
tenant together with the epochs at which it read them.  Before every decision
the epochs are read again (microseconds); if one has moved, what depends on it
is read anew.  So a decision never rests on something older than the last
committed change.  The epochs are those of all tenants: where another tenant's change has moved them, rows are
read again, and what turns out to be the same is kept, compiled and bound.

What a policy leaves of itself for one subject is remembered too, since viewers
ask many times a second: as long as policy, grants and the verified subject are
the very same, and no longer than until the next moment that could change it.

Called by every use case that decides; calls the policy engine.

Invariants:
- without a policy that was once activated nobody is bound: `NoPolicyError`;
- a stored revision that no longer compiles is never half used;
- what is remembered for a subject is what `bind` would return now;
- a clock set back revives no assignment and no grant.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple, TypeVar

from pacsgate.model.context import Context
from pacsgate.model.errors import PacsgateError
from pacsgate.model.grant import Grant
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.role import Role
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.policy.policy import Policy
from pacsgate.policy.rule_index import circumstances
from pacsgate.policy.strength import Demands, demands_on
from pacsgate.ports import Directory, Epochs, EpochStore, RevisionStore

REMEMBERED = 500
"""Subjects of a tenant for whom a process keeps a bound policy; when there are more, all are bound anew."""
REMEMBERED_IN_ALL = 5_000
"""The same of all tenants together: about 40 MB."""
TENANTS = 2_000
"""Whose policies a process keeps compiled, of 10 to 100 KB each; when there are more, who came first goes."""

T = TypeVar("T")


class NoPolicyError(PacsgateError):
    """No policy has ever been activated in this tenant, so nothing is allowed."""


class _Asker(NamedTuple):
    """Who asks, where and under which circumstances: everything that rules can see, apart from the time."""

    subject: int
    """Identity of the subject, whom the `_Kept` holds on to."""
    archive: ArchiveName
    circumstances: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    bound: Bound
    until: datetime

    def holds_for(self, subject: Subject, now: datetime) -> bool:
        return self.bound.subject is subject and self.bound.context.now <= now < self.until


@dataclass(frozen=True, slots=True)
class _Snapshot:
    epochs: Epochs
    policy: Policy
    roles: tuple[Role, ...]
    grants: tuple[Grant, ...]
    kept: dict[_Asker, _Kept] = field(default_factory=dict)
    """Of this policy and these grants."""


class LivePolicy:
    """Answers which policy is live, and binds it to a subject."""

    def __init__(
        self,
        epochs: EpochStore,
        revisions: RevisionStore,
        directory: Directory,
        latest: Callable[[datetime], datetime],
    ) -> None:
        """`latest` is the time given to it, or the latest ever seen if the clock has been set back since."""
        self._latest = latest
        self._epochs = epochs
        self._revisions = revisions
        self._directory = directory
        self._snapshots: dict[TenantScope, _Snapshot] = {}
        self._remembered = 0
        self._refresh = threading.Lock()

    def epochs(self) -> Epochs:
        """The epochs as committed now."""
        return self._epochs.current()

    def current(self, scope: TenantScope) -> Policy:
        """The live policy.  Raises `NoPolicyError`."""
        return self._snapshot(scope).policy

    def demands(self, scope: TenantScope, subject: Subject, context: Context) -> Demands:
        """How strongly the live policy wants this subject to have proven itself; takes microseconds."""
        return demands_on(self.current(scope), subject, self._up_to_date(context))

    def recall_demands(self, scope: TenantScope, subject: Subject, context: Context) -> Demands | None:
        """What `demands` would return, if nothing has to be read for it; may be called on an event loop."""
        snapshot = self._snapshots.get(scope)
        if snapshot is None or snapshot.epochs != self._epochs.current():
            return None
        return demands_on(snapshot.policy, subject, self._up_to_date(context))

    def bind(self, scope: TenantScope, subject: Subject, context: Context, archive: ArchiveName) -> Bound:
        """What the live policy and the live grants say about this subject, here and now.

        The `context` of what is returned may be an earlier one of the same subject.
        """
        snapshot = self._snapshot(scope)
        context = self._up_to_date(context)
        asker = _Asker(id(subject), archive, circumstances(snapshot.policy, context))
        kept = snapshot.kept.get(asker)
        if kept is not None and kept.holds_for(subject, context.now):
            return kept.bound
        bound = bind(snapshot.policy, subject, context, archive, snapshot.grants)
        if len(snapshot.kept) >= REMEMBERED:
            snapshot.kept.clear()
        self._make_room()
        snapshot.kept[asker] = _Kept(bound, bound.valid_until)
        return bound

    def _make_room(self) -> None:
        """Forget everybody's bound policies once so many were remembered since, here and in other tenants."""
        self._remembered += 1
        if self._remembered > REMEMBERED_IN_ALL:
            self._remembered = 0
            for snapshot in tuple(self._snapshots.values()):
                snapshot.kept.clear()

    def recall(
        self, scope: TenantScope, subject: Subject, context: Context, archive: ArchiveName
    ) -> Bound | None:
        """What `bind` would return, if nothing has to be read or worked out for it.

        Takes microseconds; may be called on an event loop.
        """
        snapshot = self._snapshots.get(scope)
        if snapshot is None or snapshot.epochs != self._epochs.current():
            return None
        context = self._up_to_date(context)
        kept = snapshot.kept.get(_Asker(id(subject), archive, circumstances(snapshot.policy, context)))
        return kept.bound if kept is not None and kept.holds_for(subject, context.now) else None

    def _up_to_date(self, context: Context) -> Context:
        latest = self._latest(context.now)
        return context if latest == context.now else replace(context, now=latest)

    def bind_once(
        self, scope: TenantScope, subject: Subject, context: Context, archive: ArchiveName
    ) -> Bound:
        """What `bind` would return, without remembering: for who is asked about and may never ask."""
        snapshot = self._snapshot(scope)
        return bind(snapshot.policy, subject, self._up_to_date(context), archive, snapshot.grants)

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
        if known is None:
            roles, grants = self._directory.roles(scope), self._directory.granted(scope)
            snapshot = _Snapshot(epochs, self._policy(scope, roles, None), roles, grants)
            if len(self._snapshots) >= TENANTS:
                del self._snapshots[next(iter(self._snapshots))]
        else:
            snapshot = self._read_again(scope, epochs, known)
        self._snapshots[scope] = snapshot
        return snapshot

    def _read_again(self, scope: TenantScope, epochs: Epochs, known: _Snapshot) -> _Snapshot:
        """Read what may have changed; what has not is the very same as before."""
        before, roles, grants, policy = known.epochs, known.roles, known.grants, known.policy
        if before.users != epochs.users:
            roles = _kept_if_same(roles, self._directory.roles(scope))
        if before.grants != epochs.grants:
            grants = _kept_if_same(grants, self._directory.granted(scope))
        if before.policy != epochs.policy or roles is not known.roles:
            policy = self._policy(scope, roles, known)
        same = policy is known.policy and grants is known.grants
        return _Snapshot(epochs, policy, roles, grants, known.kept if same else {})

    def _policy(self, scope: TenantScope, roles: tuple[Role, ...], known: _Snapshot | None) -> Policy:
        """The live policy; the one that is known, unless its sources or the stored roles are others now."""
        stored = self._revisions.live(scope)
        if stored is None:
            raise NoPolicyError("no policy has been activated yet")
        if known is not None and known.roles is roles and known.policy.revision == stored.revision:
            return known.policy
        return load_policy(stored.sources, roles)


def _kept_if_same(known: tuple[T, ...], read: tuple[T, ...]) -> tuple[T, ...]:
    return known if read == known else read
