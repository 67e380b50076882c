"""What the author of a policy expects of it, and whether it is so.

Expectations live beside a policy and are what `pacsgate policy test` runs.  A run also
tells which rules no expectation ever brought to bear.

Called by the command line.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow, Decision
from pacsgate.model.resource import ArchiveName
from pacsgate.model.subject import Subject
from pacsgate.policy.explain import Explanation, explain
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.policy import Place, Policy


@dataclass(frozen=True, slots=True)
class Expectation:
    """One question and the answer it should get; `rule` is one that must be among the reasons."""

    name: str
    place: Place
    subject: Subject
    context: Context
    archive: ArchiveName
    action: Action
    facts: ResourceFacts
    allowed: bool
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one expectation."""

    expectation: Expectation
    explanation: Explanation

    @property
    def decision(self) -> Decision:
        """The engine's answer."""
        return self.explanation.decision

    @property
    def is_met(self) -> bool:
        """Whether the answer is the expected one, for the expected reason."""
        expected = self.expectation
        as_expected = isinstance(self.decision, Allow) is expected.allowed
        return as_expected and (expected.rule is None or expected.rule in self.rules)

    @property
    def rules(self) -> frozenset[str]:
        """The rules that the decision rests on."""
        return frozenset(reason.rule_id for reason in self.decision.reasons if reason.rule_id is not None)


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run."""

    outcomes: tuple[Outcome, ...]
    rules: int
    """How many the policy has."""
    unproven: tuple[str, ...]
    """Rules that no expectation brought to bear."""

    @property
    def coverage_percent(self) -> int:
        """How many in a hundred rules some expectation brought to bear; of no rules, all."""
        return 100 * (self.rules - len(self.unproven)) // self.rules if self.rules else 100

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """Expectations that were not met."""
        return tuple(outcome for outcome in self.outcomes if not outcome.is_met)


def run_expectations(policy: Policy, expectations: Sequence[Expectation]) -> Report:
    """Ask every question of the policy."""
    outcomes = tuple(
        Outcome(each, explain(policy, each.subject, each.context, each.archive, (), each.action, each.facts))
        for each in expectations
    )
    proven = frozenset().union(*(outcome.rules for outcome in outcomes))
    unproven = tuple(rule.rule_id for rule in policy.rules if rule.rule_id not in proven)
    return Report(outcomes, len(policy.rules), unproven)
