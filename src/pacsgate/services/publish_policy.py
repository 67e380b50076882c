"""A policy becomes the live one, or waits for a second approver, or is refused with every reason.

Before a valid policy is activated, what it gives and takes is counted.  Where it gives more accesses than one
person may let through, it waits: until somebody else approves it, the last good policy stays live.

Called by the background process at every change of the policy files, and by
the command line; calls the policy loader, the revision store and `compare_policies`.

Invariants:
- what is activated has been validated whole, together with the stored roles;
- the revision, the new epoch and the event are one transaction, and the event has the counted difference;
- a policy becomes live only in place of the one that it was counted against;
- what waits is live only after an account other than its submitter's, which may publish under the *live*
  policy, has approved it; what could not be counted counts as given;
- a refused candidate changes nothing but the trail.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome
from pacsgate.model.context import Context
from pacsgate.model.decision import Revision
from pacsgate.model.errors import ConflictError, NotFoundError, PolicyError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Subject
from pacsgate.policy.difference_summary import Difference
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import bind
from pacsgate.policy.policy import Policy
from pacsgate.ports import Clock, Directory, OutboxStore, RevisionStore, StoredRevision, Trail
from pacsgate.ports.candidates import CandidateStore, PendingRevision
from pacsgate.services.compare_policies import ComparePolicies
from pacsgate.services.deliver_outbox import deliver_outbox
from pacsgate.services.guard_kinds import GuardKinds

_MAX_PROBLEMS_RECORDED = 5
_NOBODY = Policy(Revision("none"))
"""What a live revision that no longer compiles gives to anybody."""


@dataclass(frozen=True, slots=True)
class Published:
    """The validated policy: it has just become live (`changed`), or waits (`pending`), or was live before."""

    policy: Policy
    changed: bool
    pending: PendingRevision | None = None
    difference: Difference | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """What a change is asked before it becomes live."""

    comparison: ComparePolicies
    candidates: CandidateStore
    threshold: int | None
    """Accesses that a change may give without a second approver; `None` is any number."""
    guard: GuardKinds | None = None
    """Refuses what would make every study a kind of its own."""


class PublishPolicy:
    """Activates policy sources in one tenant."""

    def __init__(
        self,
        directory: Directory,
        revisions: RevisionStore,
        outbox: OutboxStore,
        trail: Trail,
        clock: Clock,
        review: Review | None = None,
    ) -> None:
        self._directory = directory
        self._revisions = revisions
        self._outbox = outbox
        self._trail = trail
        self._clock = clock
        self._review = review

    def publish(self, scope: TenantScope, sources: Mapping[str, str], actor: Actor) -> Published:
        """Validate, count, and activate or hold.

        Raises `PolicyError` with every problem, after recording the refusal, and `ConflictError` if
        somebody else has published meanwhile.
        """
        live = self._revisions.live(scope)
        try:
            policy = load_policy(sources, self._directory.roles(scope))
            self._guard(scope, live, policy)
        except PolicyError as refused:
            self._trail.record(self._refusal(scope, refused, live, actor))
            raise
        if live is not None and live.revision == policy.revision:
            self._release(scope, actor)
            return Published(policy, changed=False)
        held = self.pending(scope)
        if held is not None and held.revision == policy.revision:
            return Published(policy, changed=False, pending=held)
        difference = self._difference(scope, live, policy)
        if difference is not None and self._needs_approval(difference):
            return self._hold(scope, policy, actor, difference)
        self._activate(scope, live, held, policy, actor, difference)
        return Published(policy, changed=True, difference=difference)

    def pending(self, scope: TenantScope) -> PendingRevision | None:
        """The revision that waits for approval."""
        return None if self._review is None else self._review.candidates.pending(scope)

    def approve(self, scope: TenantScope, revision: str, approver: Subject, actor: Actor) -> Published:
        """Activate the revision that waits, whose name begins so.

        Raises `NotFoundError`, `ConflictError` when this is not the approver's to do, and `PolicyError`
        if stored roles have changed so that the policy is no longer valid.
        """
        held = self.pending(scope)
        if held is None or not held.revision.startswith(revision):
            waiting = "nothing waits" if held is None else f"`{held.revision}` waits"
            raise NotFoundError(f"no revision `{revision}` waits for approval: {waiting}")
        if approver.tenant != scope.tenant:
            raise ConflictError(f"`{approver.name}` may not approve: this is another tenant's policy")
        if approver.name == held.submitted_by:
            raise ConflictError("whoever submits a change cannot be the second to agree to it")
        live = self._revisions.live(scope)
        roles = self._directory.roles(scope)
        current = _NOBODY if live is None else load_policy(live.sources, roles)
        asked = Context(now=self._clock.now(), request_id="approve")
        if Permission.POLICY_PUBLISH not in bind(current, approver, asked, None, ()).permissions:
            raise ConflictError(
                f"`{approver.name}` may not approve: no role gives {Permission.POLICY_PUBLISH}"
            )
        policy = load_policy(held.sources, roles)
        difference = self._difference(scope, live, policy)
        self._activate(scope, live, held, policy, actor, difference, submitted_by=held.submitted_by)
        return Published(policy, changed=True, difference=difference)

    def _difference(
        self, scope: TenantScope, live: StoredRevision | None, policy: Policy
    ) -> Difference | None:
        """What the policy changes; of the first policy there is, nothing is asked."""
        if self._review is None or live is None:
            return None
        current = self._current(scope, live)
        asked = Context(now=self._clock.now(), request_id="publish", reason="asked for the count")
        return self._review.comparison.compare(scope, current, policy, asked)

    def _current(self, scope: TenantScope, live: StoredRevision) -> Policy:
        try:
            return load_policy(live.sources, self._directory.roles(scope))
        except PolicyError:
            return _NOBODY

    def _guard(self, scope: TenantScope, live: StoredRevision | None, policy: Policy) -> None:
        if self._review is None or self._review.guard is None:
            return
        if live is None or live.revision != policy.revision:
            self._review.guard.check(scope, policy, None if live is None else self._current(scope, live))

    def _needs_approval(self, difference: Difference) -> bool:
        threshold = None if self._review is None else self._review.threshold
        if threshold is None:
            return False
        return difference.gained.most > threshold or not difference.is_complete

    def _hold(self, scope: TenantScope, policy: Policy, actor: Actor, difference: Difference) -> Published:
        now = self._clock.now()
        gained, lost = difference.gained.most, difference.lost.most
        waiting = PendingRevision(policy.revision, dict(policy.sources), now, actor.name, gained, lost)
        details = {"result": "held", **_before_and_after(difference), **_numbers(difference)}
        if self._review is not None:
            self._review.candidates.hold(
                scope, waiting, self._event(scope, now, actor, difference.before, details)
            )
            deliver_outbox(self._outbox, self._trail)
        return Published(policy, changed=False, pending=waiting, difference=difference)

    def _release(self, scope: TenantScope, actor: Actor) -> None:
        """The files say again what is live: what waited waits no more."""
        held = self.pending(scope)
        if held is not None and self._review is not None:
            details = {"result": "withdrawn", "after": held.revision}
            event = self._event(scope, self._clock.now(), actor, None, details)
            self._review.candidates.release(scope, event)
            deliver_outbox(self._outbox, self._trail)

    def _activate(
        self,
        scope: TenantScope,
        live: StoredRevision | None,
        held: PendingRevision | None,
        policy: Policy,
        actor: Actor,
        difference: Difference | None,
        **details: str,
    ) -> None:
        now = self._clock.now()
        found = {
            "before": live.revision if live is not None else "none",
            "after": policy.revision,
            "files": " ".join(sorted(policy.sources)),
            **({} if difference is None else _numbers(difference)),
            **details,
        }
        self._revisions.activate(
            scope,
            StoredRevision(policy.revision, dict(policy.sources), now, actor.name),
            self._event(scope, now, actor, policy.revision, found),
            live=None if live is None else live.revision,
            pending=None if held is None else held.revision,
        )
        deliver_outbox(self._outbox, self._trail)

    def _refusal(
        self, scope: TenantScope, refused: PolicyError, live: StoredRevision | None, actor: Actor
    ) -> AuditEvent:
        shown = refused.diagnostics[:_MAX_PROBLEMS_RECORDED]
        details = {
            "result": "refused",
            "problems": str(len(refused.diagnostics)),
            "first": "; ".join(str(diagnostic) for diagnostic in shown),
        }
        revision = live.revision if live is not None else None
        return self._event(scope, self._clock.now(), actor, revision, details, Outcome.SERIOUS)

    def _event(
        self,
        scope: TenantScope,
        at: datetime,
        actor: Actor,
        revision: str | None,
        details: Mapping[str, str],
        outcome: Outcome = Outcome.SUCCESS,
    ) -> AuditEvent:
        return AuditEvent(
            EventKind.POLICY_CHANGED,
            at,
            actor,
            outcome,
            tenant=scope.tenant,
            revision=revision,
            details=details,
        )


def _before_and_after(difference: Difference) -> dict[str, str]:
    return {"before": difference.before, "after": difference.after}


def _numbers(difference: Difference) -> dict[str, str]:
    """What the record keeps of a counted difference."""
    return {
        "gained": str(difference.gained),
        "lost": str(difference.lost),
        "users": str(difference.users),
        "studies": str(difference.studies),
        "circumstances": str(difference.circumstances),
        **({"unread": " ".join(difference.unread)} if difference.unread else {}),
    }
