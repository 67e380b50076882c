"""The weighing of one action: its forbids, permits and grants against one resource.

Most resources of an archive are alike in everything that a policy asks about: a
few departments, modalities and labels.  What forbids and permits say of such a
class of resources is worked out once, for all subjects to whom the rules say the same, and
remembered by the values that they read; only grants, which name single resources, are
asked every time.

Called by `engine`.

Invariants:
- what is remembered is what would be worked out: the key holds every value, with
  its type where Python holds `True` and `1` for equal, that any formula reads;
- memory is bounded: when it is full it is forgotten.

Standard: deny-overrides, deny by default (XACML 3.0 Appendix C, in its words).
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter, itemgetter

from pacsgate.model.decision import Allow, Decision, Deny, Reason, ReasonCode, Revision
from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.subject import Attributes
from pacsgate.policy.binding import all_of, any_of
from pacsgate.policy.branches import REASON_REQUIRED, STEP_UP, ForbidBranch, GrantBranch, PermitBranch
from pacsgate.policy.closures import Test, when
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.findings import attributes_of
from pacsgate.policy.ir import FALSE, Attribute, Formula, Scope, Truth, ValueType
from pacsgate.policy.truth import held

REMEMBERED = 4096
"""Classes remembered per signature and action; a class is some 300 bytes."""


_NUMERIC = frozenset({ValueType.NUMBER, ValueType.BOOLEAN})
"""Of these the types of values matter too: Python holds `True` and `1` for equal."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What forbids and permits say of one class of resources."""

    decision: Decision
    """The answer if no grant applies."""
    forbidden: bool
    usable: tuple[PermitBranch, ...]


@dataclass(frozen=True, slots=True)
class Ruling:
    """The permits and forbids of one action, ready to be weighed; shared by all whom no rule tells apart."""

    revision: Revision
    permits: tuple[PermitBranch, ...]
    forbids: tuple[ForbidBranch, ...]
    reads: frozenset[Attribute]
    """What any forbid or permit reads of a resource."""
    kind: Callable[[ResourceFacts], object]
    """All of that which a resource holds."""
    verdicts: dict[object, Verdict] = field(default_factory=dict, repr=False, compare=False)
    """By kind of resource."""
    _distinct: dict[tuple[tuple[int, ...], tuple[int, ...]], Verdict] = field(
        default_factory=dict, repr=False, compare=False
    )
    """By the forbids and permits that apply, by their place: what `verdicts` points to."""

    def weigh(self, kind: object, facts: ResourceFacts) -> Verdict:
        """The verdict on one kind of resource, remembered; most kinds share theirs with others."""
        if len(self.verdicts) >= REMEMBERED:
            self.verdicts.clear()
            self._distinct.clear()
        forbids = tuple(n for n, forbid in enumerate(self.forbids) if not forbid.spares(facts))
        permits = () if forbids else tuple(n for n, each in enumerate(self.permits) if each.applies(facts))
        verdict = self._distinct.get((forbids, permits))
        if verdict is None:
            verdict = self._distinct[forbids, permits] = self._verdict(forbids, permits)
        self.verdicts[kind] = verdict
        return verdict

    def _verdict(self, forbidden_by: Sequence[int], permitted_by: Sequence[int]) -> Verdict:
        if forbidden_by:
            forbids = [self.forbids[n] for n in forbidden_by]
            return Verdict(_forbidden(forbids, self.revision), forbidden=True, usable=())
        permits = [self.permits[n] for n in permitted_by]
        usable = tuple(permit for permit in permits if not permit.unsupported)
        decision = _allow(usable, (), self.revision) if usable else _nothing_applies(permits, self.revision)
        return Verdict(decision, forbidden=False, usable=usable)


@dataclass(frozen=True, slots=True)
class Weighing:
    """The branches of one action for one subject: the rules, and the grants made to it."""

    ruling: Ruling
    grants: tuple[tuple[Test, GrantBranch], ...]

    @property
    def reads(self) -> frozenset[tuple[Scope, str]]:
        """What a decision reads of a resource, its reasons and mask included."""
        granted = chain.from_iterable(attributes_of(grant.formula) for _, grant in self.grants)
        return frozenset((each.scope, each.name) for each in chain(self.ruling.reads, granted))

    def settled(self) -> Deny | None:
        """The answer for every resource alike, if it is no."""
        everywhere = [forbid for forbid in self.ruling.forbids if forbid.spared == FALSE]
        if everywhere:
            return _forbidden(everywhere, self.ruling.revision)
        if self.grants or any(not permit.unsupported for permit in self.ruling.permits):
            return None
        return _nothing_applies(self.ruling.permits, self.ruling.revision)

    def decider(self) -> Callable[[ResourceFacts], Decision]:
        """What answers for one resource; it runs for every decision and calls as little as it can."""
        ruling, grants = self.ruling, self.grants
        kind_of, known, weigh = ruling.kind, ruling.verdicts.get, ruling.weigh

        def by_rules(facts: ResourceFacts) -> Decision:
            kind = kind_of(facts)
            verdict = known(kind)
            return (weigh(kind, facts) if verdict is None else verdict).decision

        def by_rules_and_grants(facts: ResourceFacts) -> Decision:
            kind = kind_of(facts)
            verdict = known(kind) or weigh(kind, facts)
            if verdict.forbidden:
                return verdict.decision
            applying = [grant for applies, grant in grants if applies(facts)]
            if not applying:
                return verdict.decision
            return _allow(verdict.usable, _grant_ids(applying, facts), ruling.revision)

        return by_rules_and_grants if grants else by_rules

    def admitting(self, keys: frozenset[str]) -> Formula:
        """Where the answer is yes and, for each of these DICOM keywords, somebody who says so shows it."""
        grants = [grant.formula for _, grant in self.grants]
        usable = [permit for permit in self.ruling.permits if not permit.unsupported]
        readable = (
            any_of(*(permit.formula for permit in usable if not permit.mask.hides(key)), *grants)
            for key in sorted(keys)
        )
        return all_of(
            any_of(*(permit.formula for permit in usable), *grants),
            *readable,
            *(forbid.spared for forbid in self.ruling.forbids),
        )


def ruling_of(revision: Revision, permits: Iterable[PermitBranch], forbids: Iterable[ForbidBranch]) -> Ruling:
    """Make ready what `branches` found for one action."""
    permits, forbids = tuple(permits), tuple(forbids)
    formulas = {*(permit.formula for permit in permits), *(forbid.spared for forbid in forbids)}
    reads = frozenset(chain.from_iterable(map(attributes_of, formulas)))
    return Ruling(
        revision=revision,
        permits=permits,
        forbids=forbids,
        reads=reads,
        kind=_kind_by(reads),
    )


def weighing(ruling: Ruling, grants: Iterable[GrantBranch]) -> Weighing:
    """The same for one subject, with what was granted to it."""
    return Weighing(ruling, tuple((when(grant.formula, Truth.TRUE), grant) for grant in grants))


def _allow(permits: Sequence[PermitBranch], grant_ids: Sequence[str], revision: Revision) -> Allow:
    return Allow(
        reasons=(
            *(Reason(ReasonCode.PERMITTED_BY_RULE, rule_id=permit.rule_id) for permit in permits),
            *(Reason(ReasonCode.PERMITTED_BY_GRANT, grant_id=name) for name in grant_ids),
        ),
        revision=revision,
        mask=NO_MASK if grant_ids else _common_mask(permits),
    )


def _forbidden(forbids: Sequence[ForbidBranch], revision: Revision) -> Deny:
    reasons = tuple(Reason(ReasonCode.FORBIDDEN, rule_id=forbid.rule_id) for forbid in forbids)
    message = next((forbid.message for forbid in forbids if forbid.message is not None), None)
    return Deny(reasons, revision, message)


def _nothing_applies(unusable: Sequence[PermitBranch], revision: Revision) -> Deny:
    if not unusable:
        return Deny((Reason(ReasonCode.NO_PERMIT),), revision)
    return Deny(tuple(map(_unmet, unusable)), revision)


def _unmet(unusable: PermitBranch) -> Reason:
    """Why a permit is of no use: for want of what the gate would have to do, of a reason, or of a proof."""
    wanting = set(unusable.unsupported)
    if not wanting <= {REASON_REQUIRED, STEP_UP}:
        return Reason(ReasonCode.OBLIGATION_UNSUPPORTED, rule_id=unusable.rule_id)
    if REASON_REQUIRED in wanting:
        return Reason(ReasonCode.REASON_REQUIRED, rule_id=unusable.rule_id)
    return Reason(ReasonCode.STEP_UP_REQUIRED, rule_id=unusable.rule_id, strength=unusable.lacking)


def _kind_by(read: Collection[Attribute]) -> Callable[[ResourceFacts], object]:
    """A function that gives the same for two resources only if they hold the same of what is read.

    It runs for every decision.
    """
    of_study = _values_of({each for each in read if each.scope is Scope.STUDY}, attrgetter("study"))
    if not any(each.scope is Scope.SERIES for each in read):
        return of_study
    of_series = _values_of({each for each in read if each.scope is Scope.SERIES}, attrgetter("series"))
    return lambda facts: (of_study(facts), None if facts.series is None else of_series(facts))


def _values_of(
    read: Collection[Attribute], held_by: Callable[[ResourceFacts], Attributes]
) -> Callable[[ResourceFacts], tuple[object, ...]]:
    """A function that gives what these attributes, all of one scope, hold."""
    names = tuple(sorted({each.name for each in read}))
    numeric = tuple(sorted({each.name for each in read if each.type in _NUMERIC}))
    if len(names) < 2 or len(numeric) > 1:

        def values_by_name(facts: ResourceFacts) -> tuple[object, ...]:
            held = held_by(facts)
            # How many of the types belong to which name, the values before them tell.
            numbers = chain.from_iterable(filter(None, map(held.get, numeric)))
            return (*map(held.get, names), *map(type, numbers))

        return values_by_name
    pick = itemgetter(*names)
    number = next(iter(numeric), None)

    def values(facts: ResourceFacts) -> tuple[object, ...]:
        held = held_by(facts)
        try:
            found: tuple[object, ...] = pick(held)
        except KeyError:
            found = tuple(map(held.get, names))
        numbers = held.get(number) if number is not None else None
        return (*found, *map(type, numbers)) if numbers else found

    return values


def _common_mask(permits: Iterable[PermitBranch]) -> Mask:
    first, *others = (permit.mask for permit in permits)
    for mask in others:
        first &= mask
    return first


def _grant_ids(grants: Iterable[GrantBranch], facts: ResourceFacts) -> list[str]:
    return sorted(
        grant_id
        for grant in grants
        for value in held(grant.attribute, facts) or ()
        for grant_id in grant.grant_ids.get(str(value), ())
    )
