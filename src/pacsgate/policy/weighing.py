"""The weighing of one action: its forbids, permits and grants against one resource.

Most resources of an archive are alike in everything that a policy asks about: a
few departments, modalities and labels.  What forbids and permits say of such a
class of resources is worked out once and remembered by the values that they
read; only grants, which name single resources, are asked every time.

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

from pacsgate.model.decision import Allow, Decision, Deny, Reason, ReasonCode, Revision
from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.subject import Attributes
from pacsgate.policy.binding import all_of, any_of
from pacsgate.policy.branches import ForbidBranch, GrantBranch, PermitBranch
from pacsgate.policy.closures import Test, when
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.findings import attributes_of
from pacsgate.policy.ir import FALSE, Attribute, Formula, Scope, Truth, ValueType
from pacsgate.policy.truth import held

REMEMBERED = 4096
"""Classes remembered per subject and action; a class is some 300 bytes."""


_NUMERIC = frozenset({ValueType.NUMBER, ValueType.BOOLEAN})
"""Of these the types of values matter too: Python holds `True` and `1` for equal."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What forbids and permits say of one class of resources."""

    decision: Decision
    """The answer if no grant applies."""
    forbidden: bool
    usable: tuple[PermitBranch, ...]


@dataclass(frozen=True, slots=True)
class Weighing:
    """The branches of one action, ready to be weighed."""

    revision: Revision
    permits: tuple[tuple[Test, PermitBranch], ...]
    grants: tuple[tuple[Test, GrantBranch], ...]
    forbids: tuple[tuple[Test, ForbidBranch], ...]
    _kind: Callable[[ResourceFacts], object]
    """Everything of a resource that any forbid or permit reads."""
    _verdicts: dict[object, _Verdict] = field(default_factory=dict, repr=False, compare=False)
    """By kind of resource."""
    _distinct: dict[tuple[tuple[int, ...], tuple[int, ...]], _Verdict] = field(
        default_factory=dict, repr=False, compare=False
    )
    """By the forbids and permits that apply, by their place: what `_verdicts` points to."""

    def settled(self) -> Deny | None:
        """The answer for every resource alike, if it is no."""
        everywhere = [forbid for _, forbid in self.forbids if forbid.spared == FALSE]
        if everywhere:
            return self._forbidden(everywhere)
        if self.grants or any(not permit.unsupported for _, permit in self.permits):
            return None
        return self._nothing_applies([permit for _, permit in self.permits])

    def decide(self, facts: ResourceFacts) -> Decision:
        """The answer for one resource."""
        kind = self._kind(facts)
        verdict = self._verdicts.get(kind)
        if verdict is None:
            verdict = self._remember(kind, self._weigh(facts))
        if verdict.forbidden or not self.grants:
            return verdict.decision
        grants = [grant for applies, grant in self.grants if applies(facts)]
        return self._allow(verdict.usable, _grant_ids(grants, facts)) if grants else verdict.decision

    def admitting(self, keys: frozenset[str]) -> Formula:
        """Where the answer is yes and, for each of these DICOM keywords, somebody who says so shows it."""
        grants = [grant.formula for _, grant in self.grants]
        usable = [permit for _, permit in self.permits if not permit.unsupported]
        readable = (
            any_of(*(permit.formula for permit in usable if not permit.mask.hides(key)), *grants)
            for key in sorted(keys)
        )
        return all_of(
            any_of(*(permit.formula for permit in usable), *grants),
            *readable,
            *(forbid.spared for _, forbid in self.forbids),
        )

    def _remember(self, kind: object, verdict: _Verdict) -> _Verdict:
        if len(self._verdicts) >= REMEMBERED:
            self._verdicts.clear()
            self._distinct.clear()
        self._verdicts[kind] = verdict
        return verdict

    def _weigh(self, facts: ResourceFacts) -> _Verdict:
        """The verdict on one kind of resource; most kinds share theirs with others."""
        forbids = tuple(n for n, (spared, _) in enumerate(self.forbids) if not spared(facts))
        permits = () if forbids else tuple(n for n, (applies, _) in enumerate(self.permits) if applies(facts))
        known = self._distinct.get((forbids, permits))
        if known is None:
            known = self._distinct[forbids, permits] = self._verdict(forbids, permits)
        return known

    def _verdict(self, forbidden_by: Sequence[int], permitted_by: Sequence[int]) -> _Verdict:
        if forbidden_by:
            forbids = [self.forbids[n][1] for n in forbidden_by]
            return _Verdict(self._forbidden(forbids), forbidden=True, usable=())
        permits = [self.permits[n][1] for n in permitted_by]
        usable = tuple(permit for permit in permits if not permit.unsupported)
        decision = self._allow(usable) if usable else self._nothing_applies(permits)
        return _Verdict(decision, forbidden=False, usable=usable)

    def _allow(self, permits: Sequence[PermitBranch], grant_ids: Sequence[str] = ()) -> Allow:
        return Allow(
            reasons=(
                *(Reason(ReasonCode.PERMITTED_BY_RULE, rule_id=permit.rule_id) for permit in permits),
                *(Reason(ReasonCode.PERMITTED_BY_GRANT, grant_id=name) for name in grant_ids),
            ),
            revision=self.revision,
            mask=NO_MASK if grant_ids else _common_mask(permits),
        )

    def _forbidden(self, forbids: Sequence[ForbidBranch]) -> Deny:
        reasons = tuple(Reason(ReasonCode.FORBIDDEN, rule_id=forbid.rule_id) for forbid in forbids)
        message = next((forbid.message for forbid in forbids if forbid.message is not None), None)
        return Deny(reasons, self.revision, message)

    def _nothing_applies(self, unusable: Sequence[PermitBranch]) -> Deny:
        if not unusable:
            return Deny((Reason(ReasonCode.NO_PERMIT),), self.revision)
        code = ReasonCode.OBLIGATION_UNSUPPORTED
        return Deny(tuple(Reason(code, rule_id=permit.rule_id) for permit in unusable), self.revision)


def weighing(
    revision: Revision,
    permits: Iterable[PermitBranch],
    grants: Iterable[GrantBranch],
    forbids: Iterable[ForbidBranch],
) -> Weighing:
    """Make ready what `branches` found for one action."""
    permits, forbids = tuple(permits), tuple(forbids)
    formulas = (*(permit.formula for permit in permits), *(forbid.spared for forbid in forbids))
    return Weighing(
        revision=revision,
        permits=tuple((_is_true(permit.formula), permit) for permit in permits),
        grants=tuple((_is_true(grant.formula), grant) for grant in grants),
        forbids=tuple((_is_true(forbid.spared), forbid) for forbid in forbids),
        _kind=_kind_by(formulas),
    )


def _is_true(formula: Formula) -> Test:
    return when(formula, Truth.TRUE)


def _kind_by(formulas: Iterable[Formula]) -> Callable[[ResourceFacts], object]:
    """A function that gives the same for two resources only if no formula can tell them apart."""
    read = frozenset(chain.from_iterable(map(attributes_of, formulas)))
    of_study = _values_of({each for each in read if each.scope is Scope.STUDY})
    of_series = _values_of({each for each in read if each.scope is Scope.SERIES})
    if not any(each.scope is Scope.SERIES for each in read):
        return lambda facts: of_study(facts.study)
    return lambda facts: (of_study(facts.study), None if facts.series is None else of_series(facts.series))


def _values_of(read: Collection[Attribute]) -> Callable[[Attributes], tuple[object, ...]]:
    """A function that gives what these attributes hold; this runs for every decision."""
    names = tuple(sorted({each.name for each in read}))
    numeric = tuple(sorted({each.name for each in read if each.type in _NUMERIC}))
    if not numeric:
        return lambda held: tuple(map(held.get, names))
    # How many of the types belong to which name, the values before them tell.
    return lambda held: (
        *map(held.get, names),
        *map(type, chain.from_iterable(filter(None, map(held.get, numeric)))),
    )


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
