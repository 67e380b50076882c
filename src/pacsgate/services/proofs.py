"""What somebody must have proven before they use a permission, or change how they sign in.

Called by whoever hands out mandates, by the doors and by the pages; the policy says what is demanded
(`authentication`), and here is what is demanded of everybody: a fresh proof before one's own factors,
tokens and password are touched, so that an unlocked screen is not an account.

Invariants:
- a refusal is on record before it is answered.

Standard: OWASP ASVS 5.0 7.5.1, 7.5.3; RFC 9470.
"""

from dataclasses import dataclass
from datetime import timedelta

from pacsgate.model.context import Context
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import StepUpError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import TenantScope
from pacsgate.model.strength import Strength
from pacsgate.model.subject import Subject
from pacsgate.policy.strength import Demands
from pacsgate.ports import Trail
from pacsgate.services.live_policy import LivePolicy, NoPolicyError
from pacsgate.services.record import Circumstances, actor_of

FRESH = timedelta(minutes=15)
"""How long ago somebody may have proven who they are before they touch their own credentials."""


@dataclass(frozen=True, slots=True)
class Proofs:
    """Demands proofs."""

    policies: LivePolicy
    trail: Trail

    def owed(self, subject: Subject, context: Context) -> Strength | None:
        """What the subject must prove before it may do anything at all."""
        return self._demands(subject, context).for_anything()

    def need(self, subject: Subject, context: Context, permission: Permission) -> None:
        """Raise `StepUpError` for a permission before whose use more must be proven; held or not."""
        self._demand(self._demands(subject, context).for_permission(permission), subject, context)

    def need_fresh(self, subject: Subject, context: Context, *, has_factor: bool) -> None:
        """Raise `StepUpError` unless the subject has just proven who it is, by two factors if it has two."""
        wanted = Strength(2 if has_factor else 1, FRESH)
        self._demand(None if wanted.is_shown_by(subject, context.asked_at) else wanted, subject, context)

    def _demands(self, subject: Subject, context: Context) -> Demands:
        try:
            return self.policies.demands(TenantScope(subject.tenant), subject, context)
        except NoPolicyError:
            return Demands((), subject, context.asked_at)

    def _demand(self, wanted: Strength | None, subject: Subject, context: Context) -> None:
        if wanted is None:
            return
        circumstances = Circumstances(context, actor_of(subject, context), subject.tenant)
        reason = Reason(ReasonCode.STEP_UP_REQUIRED, strength=wanted)
        self.trail.record(circumstances.denial((reason,)))
        raise StepUpError(wanted)
