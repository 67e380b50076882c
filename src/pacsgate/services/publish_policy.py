"""A policy becomes the live one, or is refused with every reason, and the last good one stays.

Called by the background process at every change of the policy files, and by
the command line; calls the policy loader and the revision store.

Invariants:
- what is activated has been validated whole, together with the stored roles;
- the revision, the new epoch and the event are one transaction;
- a refused candidate changes nothing but the trail.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome
from pacsgate.model.errors import PolicyError
from pacsgate.model.resource import TenantScope
from pacsgate.policy.document import load_policy
from pacsgate.policy.policy import Policy
from pacsgate.ports import Clock, Directory, OutboxStore, RevisionStore, StoredRevision, Trail
from pacsgate.services.deliver_outbox import deliver_outbox

_MAX_PROBLEMS_RECORDED = 5


@dataclass(frozen=True, slots=True)
class Published:
    """The policy now live; `changed` is false when it already was."""

    policy: Policy
    changed: bool


class PublishPolicy:
    """Activates policy sources in one tenant."""

    def __init__(
        self, directory: Directory, revisions: RevisionStore, outbox: OutboxStore, trail: Trail, clock: Clock
    ) -> None:
        self._directory = directory
        self._revisions = revisions
        self._outbox = outbox
        self._trail = trail
        self._clock = clock

    def publish(self, scope: TenantScope, sources: Mapping[str, str], actor: Actor) -> Published:
        """Validate and activate; raises `PolicyError` with every problem, after recording the refusal."""
        live = self._revisions.live(scope)
        try:
            policy = load_policy(sources, self._directory.roles(scope))
        except PolicyError as refused:
            self._trail.record(self._refusal(scope, refused, live, actor))
            raise
        if live is not None and live.revision == policy.revision:
            return Published(policy, changed=False)
        now = self._clock.now()
        event = AuditEvent(
            EventKind.POLICY_CHANGED,
            now,
            actor,
            tenant=scope.tenant,
            revision=policy.revision,
            details={
                "before": live.revision if live is not None else "none",
                "after": policy.revision,
                "files": " ".join(sorted(sources)),
            },
        )
        self._revisions.activate(
            scope, StoredRevision(policy.revision, dict(sources), now, actor.name), event
        )
        deliver_outbox(self._outbox, self._trail)
        return Published(policy, changed=True)

    def _refusal(
        self, scope: TenantScope, refused: PolicyError, live: StoredRevision | None, actor: Actor
    ) -> AuditEvent:
        shown = refused.diagnostics[:_MAX_PROBLEMS_RECORDED]
        return AuditEvent(
            EventKind.POLICY_CHANGED,
            self._clock.now(),
            actor,
            Outcome.SERIOUS,
            tenant=scope.tenant,
            revision=live.revision if live is not None else None,
            details={
                "result": "refused",
                "problems": str(len(refused.diagnostics)),
                "first": "; ".join(str(diagnostic) for diagnostic in shown),
            },
        )
