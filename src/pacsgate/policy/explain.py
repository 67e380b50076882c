"""Why a decision came out as it did, for two kinds of readers.

The administrator sees rules, places, conditions and the values that were seen: the
forbids that applied and the permits they overrode, or, where nothing permitted,
the permits and the grants that came nearest, with what each of them lacked.  Where no
role of the subject `may` do it at all, that is said first: no rule could help.  The user sees the
sentence that a forbid's author wrote for her and nothing else, because another
department's rule is none of her business.

Called by the command line and the console.

Invariants:
- the decision explained is the engine's own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow, Decision, Deny, Effect
from pacsgate.model.grant import Grant
from pacsgate.model.resource import ArchiveName
from pacsgate.model.subject import Subject
from pacsgate.policy.branches import REASON_REQUIRED, STEP_UP
from pacsgate.policy.engine import Bound, bind
from pacsgate.policy.environment import environment_attributes, user_attributes
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.findings import Finding, Witness
from pacsgate.policy.ir import Truth
from pacsgate.policy.near_grants import GrantReading, near_grants
from pacsgate.policy.policy import Place, Policy, Rule
from pacsgate.policy.truth import evaluate

NEAREST = 3
"""So many permits that nearly applied are named; more would bury the one that matters."""


@dataclass(frozen=True, slots=True)
class RuleReading:
    """One rule as it met this question.

    `findings` of a permit are what it lacks, and none if it applies; of a forbid,
    what makes it apply, and none if it applies to everything.
    """

    rule_id: str
    place: Place
    findings: tuple[Finding, ...]
    unsupported: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"`{self.rule_id}` ({self.place})"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with the rules that made it."""

    subject: str
    action: Action
    settled_by: Action
    """The action that settled it: what may not be retrieved cannot be exported."""
    decision: Decision
    forbids: tuple[RuleReading, ...]
    permits: tuple[RuleReading, ...]
    """Those that apply, overridden or not."""
    nearest: tuple[RuleReading, ...]
    """When nothing applies: the permits that lack least."""
    grants: tuple[GrantReading, ...] = ()
    """Those that apply, or when nothing does those that lack least."""
    demands: tuple[str, ...] = ()
    """What the `authentication` section demands for this of whoever asks, and where it says so."""
    below_ceiling: tuple[str, ...] = ()
    """The subject's roles with what each may ever do, if none of them may ever do this."""

    def for_user(self) -> str | None:
        """The sentence that a forbid has for the user, if any."""
        return self.decision.message if isinstance(self.decision, Deny) else None

    def for_administrator(self) -> str:
        """Everything, as lines of text."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        answer = "allow" if isinstance(self.decision, Allow) else "deny"
        yield f"{answer}: {self.action} by {self.subject}, revision {self.decision.revision}"
        yield f"  because: {', '.join(map(str, self.decision.reasons))}"
        yield from (f"  demands {demand}" for demand in self.demands)
        if self.below_ceiling:
            yield f"  beyond the ceiling: no role of {self.subject} may ever {self.settled_by}"
            yield from (f"    {role}" for role in self.below_ceiling)
        for reading in self.forbids:
            yield f"  forbidden by {reading}"
            yield from (f"    since {finding}" for finding in reading.findings)
        for reading in self.permits:
            yield f"  {'overridden: ' if self.forbids else ''}permitted by {reading}"
            yield from (f"    but {_unmet(obligation)}" for obligation in reading.unsupported)
        for reading in self.nearest:
            yield f"  would be permitted by {reading}"
            yield from (f"    but not {finding}" for finding in reading.findings)
        for granted in self.grants:
            if granted.lacking:
                yield f"  would be allowed by {granted}"
                yield from (f"    but {lack}" for lack in granted.lacking)
            else:
                yield f"  {'overridden: ' if self.forbids else ''}allowed by {granted}"


def explain(
    policy: Policy,
    subject: Subject,
    context: Context,
    archive: ArchiveName,
    grants: Sequence[Grant],
    action: Action,
    facts: ResourceFacts,
) -> Explanation:
    """Decide, and say why."""
    bound = bind(policy, subject, context, archive, grants)
    decision = bound.decide(action, facts)
    reader = _Reader(bound, archive, facts)
    weighed = _weighed(bound, action, facts)
    permits = [reader.permit(rule, weighed) for rule in policy.rules if _could_permit(policy, rule, weighed)]
    applying = tuple(reading for reading in permits if not reading.findings)
    lacking = sorted(
        (len(reading.findings), reading.rule_id, reading) for reading in permits if reading.findings
    )
    granted = near_grants(bound, grants, weighed, facts)
    is_settled = isinstance(decision, Allow) or bool(applying)
    return Explanation(
        subject=subject.name,
        action=action,
        settled_by=weighed,
        decision=decision,
        forbids=tuple(reader.forbids(weighed)),
        permits=applying,
        nearest=() if is_settled else tuple(each for *_, each in lacking[:NEAREST]),
        grants=tuple(each for each in granted if not each.lacking or not is_settled),
        demands=tuple(_demands(bound, weighed)),
        below_ceiling=() if isinstance(decision, Allow) else tuple(_ceilings(bound, weighed)),
    )


def _weighed(bound: Bound, action: Action, facts: ResourceFacts) -> Action:
    """The action that settles it: what may not be retrieved cannot be exported."""
    if action is Action.EXPORT and isinstance(bound.decide(Action.RETRIEVE, facts), Deny):
        return Action.RETRIEVE
    return action


def _demands(bound: Bound, action: Action) -> Iterator[str]:
    for rule in bound.demands.rules:
        if rule.is_for_anything or action in rule.actions:
            shown = rule.strength.is_shown_by(bound.subject, bound.context.asked_at)
            yield f"{rule.strength} ({rule.place}): {'proven' if shown else 'not proven'}"


def _unmet(obligation: str) -> str:
    if obligation == REASON_REQUIRED:
        return "asks for a reason, and none is given"
    if obligation.startswith(f"{STEP_UP}:"):
        return f"asks for {obligation.partition(':')[2]}, and that is not proven"
    return f"cannot carry out `{obligation}`"


def _ceilings(bound: Bound, action: Action) -> Iterator[str]:
    """Each role in effect with what it may ever do; nothing if some role may do this."""
    policy, standing = bound.policy, bound.standing
    held = sorted({*standing.roles, *standing.collections_of})
    if not any(action in policy.roles[name].may for name in held):
        for name in held:
            place = policy.role_places.get(name)
            where = "" if place is None else f" ({place})"
            may = ", ".join(sorted(policy.roles[name].may))
            yield f"`{name}`{where} may {f'only {may}' if may else 'do nothing on images'}"


def _could_permit(policy: Policy, rule: Rule, action: Action) -> bool:
    """Whether the rule permits this action to anybody."""
    return (
        rule.effect is Effect.PERMIT
        and (rule.actions is None or action in rule.actions)
        and any(action in policy.roles[role].may for role in rule.roles)
    )


class _Reader:
    """Reads rules against one question."""

    def __init__(self, bound: Bound, archive: ArchiveName, facts: ResourceFacts) -> None:
        self._bound = bound
        self._archive = archive
        self._facts = facts
        user = user_attributes(bound.subject)
        env = environment_attributes(bound.subject, bound.context, bound.policy)
        self._witness = Witness(user, env, facts, bound.policy.filters)

    def permit(self, rule: Rule, action: Action) -> RuleReading:
        """What a permit lacks."""
        roles = self._bound.policy.roles
        able = sorted(role for role in rule.roles if action in roles[role].may)
        findings = (*self._not_meant(rule, able), *self._witness.lacking(rule.condition))
        lacks_reason = rule.needs_reason and self._bound.context.reason is None
        must_prove = rule.step_up is not None and not rule.step_up.is_shown_by(
            self._bound.subject, self._bound.context.asked_at
        )
        unmet = (
            *rule.unsupported,
            *([REASON_REQUIRED] if lacks_reason else ()),
            *([f"{STEP_UP}:{rule.step_up}"] if must_prove else ()),
        )
        return RuleReading(rule.rule_id, rule.place, findings, unmet)

    def forbids(self, action: Action) -> Iterator[RuleReading]:
        """The forbids that apply, with what makes them."""
        for rule in self._bound.policy.rules:
            if rule.effect is not Effect.FORBID or (rule.actions is not None and action not in rule.actions):
                continue
            if any(self._not_meant(rule, sorted(rule.roles))):
                continue
            if self._witness.outcome(rule.condition) is not Truth.FALSE:
                findings = self._witness.supporting(rule.condition)
                yield RuleReading(rule.rule_id, rule.place, findings)

    def _not_meant(self, rule: Rule, roles: Sequence[str]) -> Iterator[Finding]:
        """Why the rule does not concern this subject, here and now."""
        subject, standing = self._bound.subject, self._bound.standing
        # A forbid concerns whoever might have the role for this study, a permit only who has it.
        missed = {Truth.FALSE} if rule.effect is Effect.FORBID else {Truth.FALSE, Truth.UNKNOWN}
        if rule.roles and all(evaluate(standing.having(role), self._facts) in missed for role in roles):
            held_roles = sorted((*standing.roles, *standing.collections_of))
            yield Finding(f"role {' or '.join(roles)}", f"roles in effect: {', '.join(held_roles) or 'none'}")
        if rule.groups and not rule.groups & subject.groups:
            groups = ", ".join(sorted(subject.groups)) or "none"
            yield Finding(f"group {' or '.join(sorted(rule.groups))}", f"groups: {groups}")
        if rule.users and subject.name not in rule.users:
            yield Finding(f"user {' or '.join(sorted(rule.users))}", f"user: {subject.name}")
        if rule.archives and self._archive not in rule.archives:
            yield Finding(f"archive {' or '.join(sorted(rule.archives))}", f"archive: {self._archive}")
