"""Which resources a subject may reach, when the resources are not known yet.

A `Constraint` is what remains of a policy after who asks, what for and when
have been filled in: one formula over study and series attributes.  A series is
admitted when the formula is `TRUE` of its study's and its own facts together; a
study is admitted when it has at least one admitted series.

Called by `pacsgate.services`; answered by `pacsgate.stores.admission`.

Invariants:
- `constraint.admits(facts)` is true exactly when the engine's `decide` on the
  same facts is an `Allow`.
- Nothing is a constraint too: `FALSE`, never `None`;
- the engine's `decide`, mask and reasons included, says the same of two series that hold
  the same of what is in `reads`.
"""

from dataclasses import dataclass

from pacsgate.model.decision import Revision
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import FALSE, Formula, Scope, Truth
from pacsgate.policy.truth import evaluate


@dataclass(frozen=True, slots=True)
class Constraint:
    """The set of series for which one action would be allowed."""

    formula: Formula
    revision: Revision
    reads: frozenset[tuple[Scope, str]] | None = None
    """What of a study and series a decision about the action reads; `None`: perhaps everything."""

    def admits(self, facts: ResourceFacts) -> bool:
        """Whether a series with these facts (its study's and its own) is in the set."""
        return evaluate(self.formula, facts) is Truth.TRUE

    @property
    def is_empty(self) -> bool:
        """Whether it is settled, before any resource is looked at, that nothing is admitted."""
        return self.formula == FALSE
