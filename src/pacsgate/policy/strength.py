"""How strongly a subject must have proven itself for what it asks: the `authentication` section, decided.

Every door asks the same: the engine before any rule is weighed, so that lists and checks agree;
the doors themselves for what is demanded of a subject whatever it asks for.  A subject whose
account has a second factor owes it at every interactive sign-in, whether or not a rule says so.

Called by `engine`, `explain` and, through `Bound`, by the doors.

Invariants:
- a role, wherever and for whichever studies it is held, makes its demands everywhere;
- what is demanded of two rules is what satisfies both.

Standard: OWASP ASVS 5.0 6.3.3, 6.3.4, 7.5.3; RFC 9470.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.permission import Permission
from pacsgate.model.strength import Strength
from pacsgate.model.subject import Subject
from pacsgate.policy.policy import Policy, StrengthRule
from pacsgate.policy.standing import roles_anywhere

_BOTH_FACTORS = Strength(2)


@dataclass(frozen=True, slots=True)
class Demands:
    """The rules about strength that concern one subject, here and now."""

    rules: tuple[StrengthRule, ...]
    subject: Subject
    asked_at: datetime

    def for_anything(self) -> Strength | None:
        """What is lacking for whatever the subject may ask."""
        return self._lacking(rule for rule in self.rules if rule.is_for_anything)

    def for_action(self, action: Action) -> Strength | None:
        """What is lacking for an image action."""
        return self._lacking(rule for rule in self.rules if rule.is_for_anything or action in rule.actions)

    def for_permission(self, permission: Permission) -> Strength | None:
        """What is lacking for the use of a system permission."""
        return self._lacking(
            rule for rule in self.rules if rule.is_for_anything or permission in rule.permissions
        )

    def edges(self) -> Iterator[datetime]:
        """When what was proven will be too old for some rule."""
        for rule in self.rules:
            lapses = rule.strength.lapses(self.subject)
            if lapses is not None:
                yield lapses

    def _lacking(self, rules: Iterator[StrengthRule]) -> Strength | None:
        wanted = [rule.strength for rule in rules]
        if self.subject.owes_factor:
            wanted.append(_BOTH_FACTORS)
        if all(strength.is_shown_by(self.subject, self.asked_at) for strength in wanted):
            return None
        return reduce(or_, wanted)


def demands_on(policy: Policy, subject: Subject, context: Context) -> Demands:
    """What the policy demands of a subject in these circumstances."""
    if not policy.authentication:
        return Demands((), subject, context.asked_at)
    roles = roles_anywhere(policy, subject, context.now)
    rules = tuple(
        rule
        for rule in policy.authentication
        if (not rule.roles or rule.roles & roles)
        and (not rule.groups or rule.groups & subject.groups)
        and (not rule.networks or context.network in rule.networks)
    )
    return Demands(rules, subject, context.asked_at)
