"""Putting a candidate policy into the shadow of the live one, and taking it out.

Called by `pacsgate policy shadow`.

Invariants:
- what is put there has been validated like a policy that is published.
"""

from collections.abc import Mapping

from pacsgate.audit.events import EventKind
from pacsgate.policy.document import load_policy
from pacsgate.policy.policy import Policy
from pacsgate.ports.candidates import Candidate, CandidateStore
from pacsgate.services.administration import Change, Office


class ShadowAdministration:
    """Decides which revision runs in the shadow."""

    def __init__(self, office: Office, candidates: CandidateStore) -> None:
        self._office = office
        self._candidates = candidates

    def cast(self, change: Change, sources: Mapping[str, str]) -> Policy:
        """Run these sources in the shadow from now on.  Raises `PolicyError`."""
        policy = load_policy(sources, self._office.directory.roles(change.scope))
        event = change.event(EventKind.POLICY_CHANGED, "shadow", policy.revision)
        candidate = Candidate(policy.revision, dict(sources), change.at, change.actor.name)
        self._candidates.cast_shadow(change.scope, candidate, event)
        self._office.publish()
        return policy

    def end(self, change: Change) -> None:
        """Run nothing in the shadow any more."""
        event = change.event(EventKind.POLICY_CHANGED, "shadow", "off")
        self._candidates.cast_shadow(change.scope, None, event)
        self._office.publish()
