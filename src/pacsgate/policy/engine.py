"""The engine: who asks, where and when are filled in once; then one resource or all are decided.

`bind` takes a subject, a context, an archive and the live grants and leaves of
the policy only what concerns them.  The `Bound` that it returns answers three
questions about an action: could it ever be allowed (`could`), is it allowed on
this resource (`decide`), and on which resources is it allowed (`constraint`).

A series is allowed when some permit or grant applies and no forbid does.  A
permit or grant applies where its formula is `TRUE`; a forbid applies wherever its
formula is not `FALSE`.  A denial names the first of these that holds:
`token-scope`, `no-role`, `step-up-required` of the `authentication` section, `forbidden`,
`obligation-unsupported`, `reason-required` or `step-up-required` of a permit, `no-permit`.
Of a study as such (facts without a series) nothing is known that a formula says
of series; whoever wants to know about a partly visible study asks per series.

Subjects of whom no rule sees a difference share what was worked out of the rules; only
what was granted to them is their own.

Called by `pacsgate.services`.

Invariants:
- `constraint(action, keys).admits(facts)` is true exactly when `decide(action, facts)`
  is an `Allow` whose mask hides none of the keys;
- `decide` equals `reference.decide`, reasons and mask included, and reads of a resource
  nothing that is not in `constraint(action).reads`;
- one more forbid never turns a `Deny` into an `Allow` and never shows more; nor does one grant fewer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow, Decision, Deny, Reason, ReasonCode, Revision
from pacsgate.model.grant import Grant
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName
from pacsgate.model.subject import Attributes, Subject
from pacsgate.policy.binding import all_of
from pacsgate.policy.branches import Asker, forbid_branches, grant_branches, permit_branches
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.environment import environment_attributes, environment_changes, user_attributes
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import FALSE, Formula
from pacsgate.policy.policy import Policy
from pacsgate.policy.rule_index import grants_of, rule_index, step_up_edges
from pacsgate.policy.standing import Standing, assignments_of, standing
from pacsgate.policy.strength import Demands, demands_on
from pacsgate.policy.weighing import Ruling, Weighing, ruling_of, weighing

Decider = Callable[[ResourceFacts], Decision]

_CONSTRAINTS = 64
"""Constraints remembered per subject: clients ask by the same few sets of keys again and again."""
_SIGNATURES = 1_000
"""Signatures of which is remembered what rules say to them."""
_LONGEST = timedelta(days=1)
"""Nothing is held for good for longer, so that what nobody asks for is forgotten some day."""


def bind(
    policy: Policy,
    subject: Subject,
    context: Context,
    archive: ArchiveName | None,
    grants: Sequence[Grant],
) -> "Bound":
    """Fill in everything but the action and the resource.

    `archive` `None` asks about the tenant as a whole: system permissions of
    roles that are not scoped to an archive, and nothing on images.
    """
    roles = standing(policy, subject, archive, context.now)
    user, env = user_attributes(subject), environment_attributes(subject, context, policy)
    signature = (archive, rule_index(policy).signature(subject, context, roles, user, env))
    held = (*roles.roles, *roles.collections_of)
    return Bound(
        policy=policy,
        subject=subject,
        context=context,
        archive=archive,
        grants=grants_of(policy, grants, subject, held),
        standing=roles,
        demands=demands_on(policy, subject, context),
        _rulings=_shared(policy, signature),
        _user=user,
        _env=env,
    )


def _shared(policy: Policy, signature: object) -> dict[Action, Ruling]:
    """What has been worked out of the rules for everybody with this signature."""
    known: dict[object, dict[Action, Ruling]] = policy.memory.setdefault(_shared, {})
    rulings = known.get(signature)
    if rulings is None:
        if len(known) >= _SIGNATURES:
            known.clear()
        rulings = known[signature] = {}
    return rulings


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A policy as it stands for one subject, in one archive, from the context's instant to `valid_until`."""

    policy: Policy
    subject: Subject
    context: Context
    archive: ArchiveName | None
    grants: tuple[Grant, ...]
    """Those made to the subject, its groups or its roles."""
    standing: Standing
    demands: Demands
    """How strongly the subject must have proven itself."""
    memory: dict[object, Any] = field(default_factory=dict, init=False, repr=False)
    """What callers have worked out of it, each under a key of its own."""
    _rulings: dict[Action, Ruling] = field(repr=False, kw_only=True)
    """Shared with everybody whom no rule tells from this subject."""
    _user: Attributes = field(repr=False, kw_only=True)
    _env: Attributes = field(repr=False, kw_only=True)
    _weighings: dict[Action, Weighing] = field(default_factory=dict, repr=False)
    _deciders: dict[Action, Decider] = field(default_factory=dict, repr=False)
    _constraints: dict[tuple[Action, frozenset[str]], Constraint | Deny] = field(
        default_factory=dict, repr=False
    )

    @property
    def revision(self) -> Revision:
        """The revision that every decision names."""
        return self.policy.revision

    @property
    def roles(self) -> frozenset[str]:
        """The roles in effect here and now, but for those of single collections."""
        return self.standing.roles

    @property
    def permissions(self) -> frozenset[Permission]:
        """The system permissions held, but for those for which something must be proven first."""
        held = self.permissions_held
        return frozenset(each for each in held if self.demands.for_permission(each) is None)

    @property
    def permissions_held(self) -> frozenset[Permission]:
        """Those of `roles`, whatever must be proven; none for a token that was narrowed to image actions."""
        if self.subject.token_actions is not None:
            return frozenset()
        return frozenset().union(*(self.policy.roles[name].permissions for name in self.roles))

    def could(self, action: Action) -> Deny | None:
        """Why no resource whatever would be allowed; `None` when some might be."""
        for needed in actions_needed(action):
            unable = self._unable(needed)
            denied = self._weighing(needed).settled() if unable is None else unable
            if denied is not None:
                return denied
        return None

    def decide(self, action: Action, facts: ResourceFacts) -> Decision:
        """Whether the subject may do this to one study or series."""
        decide = self._deciders.get(action)
        if decide is None:
            decide = self._deciders[action] = self._decider(action)
        return decide(facts)

    def constraint(self, action: Action, keys: frozenset[str] = frozenset()) -> Constraint | Deny:
        """All series on which the action is allowed, for a query that matches on these DICOM keywords.

        A series on which a key is masked is left out: to match on it would be to
        read it.  Where that leaves nothing, the answer is `masked-key`.
        """
        known = self._constraints.get((action, keys))
        if known is None:
            if len(self._constraints) >= _CONSTRAINTS:
                self._constraints.clear()
            known = self._constraints[action, keys] = self._constrain(action, keys)
        return known

    def _constrain(self, action: Action, keys: frozenset[str]) -> Constraint | Deny:
        denied = self.could(action)
        if denied is not None:
            return denied
        formula = self._admitting(action, keys)
        if formula == FALSE and self._admitting(action) != FALSE:
            return self._deny(ReasonCode.MASKED_KEY)
        reads = (self._weighing(needed).reads for needed in actions_needed(action))
        return Constraint(formula, self.revision, frozenset().union(*reads))

    @property
    def valid_until(self) -> datetime:
        """The first moment at which all this may be otherwise, everything else being equal.

        An assignment begins or ends, a grant expires, or the clock shows what some rule looks for.
        """
        now = self.context.now
        assignments = assignments_of(self.policy, self.subject)
        edges = [edge for given in assignments for edge in (given.starts, given.until)]
        edges += [grant.expires for grant in self.grants]
        edges += [*self.demands.edges(), *step_up_edges(self.policy, self.subject)]
        edges.append(environment_changes(self.subject, self.context, self.policy))
        return min([now + _LONGEST, *(edge for edge in edges if edge is not None and edge > now)])

    # ---------------------------------------------------------------- one action at a time

    def _weighing(self, action: Action) -> Weighing:
        known = self._weighings.get(action)
        if known is None:
            # Two threads may both make it; they make the same.
            known = self._weighings[action] = self._weigh(action)
        return known

    def _weigh(self, action: Action) -> Weighing:
        if self.archive is None:
            return weighing(ruling_of(self.revision, (), ()), ())
        asker = Asker(
            subject=self.subject,
            standing=self.standing,
            archive=self.archive,
            user=self._user,
            env=self._env,
            gives_reason=self.context.reason is not None,
            asked_at=self.context.asked_at,
        )
        ruling = self._rulings.get(action)
        if ruling is None:
            index, roles = rule_index(self.policy), (*self.standing.roles, *self.standing.collections_of)
            ruling = self._rulings[action] = ruling_of(
                self.revision,
                permit_branches(index.permits_of(action, roles), action, asker),
                forbid_branches(index.forbids_of(action, roles), action, asker),
            )
        return weighing(ruling, grant_branches(self.grants, action, asker, self.context.now))

    def _unable(self, action: Action) -> Deny | None:
        """What stops an action before any rule is weighed."""
        if self.subject.token_actions is not None and action not in self.subject.token_actions:
            return self._deny(ReasonCode.TOKEN_SCOPE)
        if self.standing.has_none:
            return self._deny(ReasonCode.NO_ROLE)
        lacking = self.demands.for_action(action)
        if lacking is not None:
            return Deny((Reason(ReasonCode.STEP_UP_REQUIRED, strength=lacking),), self.revision)
        return None

    def _decider(self, action: Action) -> Decider:
        """What answers for one action; everything that no resource can change is settled here."""
        first, *others = (self._decider_of_one(needed) for needed in actions_needed(action))
        return reduce(_agreed, others, first)

    def _decider_of_one(self, action: Action) -> Decider:
        unable = self._unable(action)
        return self._weighing(action).decider() if unable is None else lambda _: unable

    def _admitting(self, action: Action, keys: frozenset[str] = frozenset()) -> Formula:
        return all_of(*(self._weighing(needed).admitting(keys) for needed in actions_needed(action)))

    def _deny(self, code: ReasonCode) -> Deny:
        return Deny((Reason(code),), self.revision)


def actions_needed(action: Action) -> tuple[Action, ...]:
    """Every action that must be allowed for this one to be: one can only export what one may retrieve."""
    return (action, Action.RETRIEVE) if action is Action.EXPORT else (action,)


def _agreed(one: Decider, other: Decider) -> Decider:
    """What both allow; the first that does not has the word."""

    def decide(facts: ResourceFacts) -> Decision:
        first = one(facts)
        if isinstance(first, Deny):
            return first
        second = other(facts)
        return second if isinstance(second, Deny) else _both(first, second)

    return decide


def _both(first: Allow, second: Allow) -> Allow:
    added = tuple(reason for reason in second.reasons if reason not in first.reasons)
    return Allow((*first.reasons, *added), first.revision, first.mask | second.mask)
