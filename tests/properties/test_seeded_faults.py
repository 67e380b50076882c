"""The properties notice what would be wrong: each fault, patched in alone, is found.

A property that holds also with the fault in place would prove nothing about it.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pacsgate.model.grant import Grant, GrantTarget
from pacsgate.model.mask import Mask
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.model.strength import Strength
from pacsgate.policy import binding, branches, closures, engine, kind_sets, rule_index, truth, weighing
from pacsgate.policy.branches import Asker
from pacsgate.policy.engine import Bound
from pacsgate.policy.findings import attributes_of
from pacsgate.policy.ir import (
    COLLECTIONS,
    FALSE,
    PERMITTED,
    TRUE,
    Comparison,
    Formula,
    Has,
    Scope,
    Truth,
    ValueType,
)
from pacsgate.policy.standing import Standing
from pacsgate.policy.strength import Demands
from tests.properties.agreement import crowd_disagreements

ENOUGH_WORLDS = 3000

Patch = Callable[[pytest.MonkeyPatch], None]
FAULTS: dict[str, Patch] = {}


def fault(patch: Patch) -> Patch:
    FAULTS[patch.__name__.replace("_", " ")] = patch
    return patch


@fault
def a_comparison_is_flipped(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(truth.COMPARISONS, Comparison.LT, truth.COMPARISONS[Comparison.LE])


@fault
def equality_is_turned_round(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(truth.COMPARISONS, Comparison.EQ, truth.COMPARISONS[Comparison.NE])


@fault
def one_forbid_is_dropped(patch: pytest.MonkeyPatch) -> None:
    forbids = branches.forbid_branches
    patch.setattr(engine, "forbid_branches", lambda *given: list(forbids(*given))[1:])


@fault
def a_missing_value_is_false_when_checking(patch: pytest.MonkeyPatch) -> None:
    every = closures._of_every_value

    def lenient(attribute: Any, holds: Any) -> Any:
        test = every(attribute, holds)
        return lambda values: True if not values else test(values)

    patch.setattr(closures, "_of_every_value", lenient)


@fault
def what_nobody_looked_for_is_absent_when_checking(patch: pytest.MonkeyPatch) -> None:
    values_test = closures._values_test

    def hasty(atom: Any, wanted: Truth) -> Any:
        test = values_test(atom, wanted)
        if not isinstance(atom, Has) or wanted is Truth.TRUE:
            return test
        return lambda values: values is None or test(values)

    patch.setattr(closures, "_values_test", hasty)


@fault
def what_nobody_looked_for_is_absent_when_listing(patch: pytest.MonkeyPatch) -> None:
    outcome = truth.outcome

    def hasty(atom: Any, values: Any) -> Truth:
        return Truth.FALSE if isinstance(atom, Has) and values is None else outcome(atom, values)

    patch.setattr(truth, "outcome", hasty)


@fault
def a_missing_value_is_false_when_listing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(truth, "agreement", lambda outcomes: _agreed(outcomes, of_none=Truth.FALSE))


@fault
def an_unreadable_forbid_is_spared(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        branches, "complement", lambda formula: branches.any_of(binding.complement(formula), _unsure(formula))
    )


@fault
def one_matching_value_is_enough(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        truth, "agreement", lambda outcomes: max(outcomes, key=lambda t: t.value, default=Truth.UNKNOWN)
    )


@fault
def one_value_of_the_user_is_enough(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(binding, "_agreement_formula", lambda readings: binding.any_of(*readings))


@fault
def a_missing_attribute_of_the_user_is_false(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(binding, "UNKNOWN", FALSE)


@fault
def negation_is_forgotten_when_simplifying(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(binding, "negation", lambda outcome: outcome)


@fault
def the_case_of_letters_does_not_count(patch: pytest.MonkeyPatch) -> None:
    like = truth.like
    for module in (truth, closures):
        patch.setattr(module, "like", lambda text, pattern: like(text.lower(), pattern.lower()))


@fault
def a_grant_lives_one_instant_too_long(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Grant, "is_live", lambda self, now: self.expires is None or now <= self.expires)


@fault
def an_assignment_lives_one_instant_too_long(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Assignment,
        "is_live",
        lambda self, now: (
            (self.starts is None or self.starts <= now) and (self.until is None or now <= self.until)
        ),
    )


@fault
def an_assignment_begins_one_instant_late(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Assignment,
        "is_live",
        lambda self, now: (
            (self.starts is None or self.starts < now) and (self.until is None or now < self.until)
        ),
    )


@fault
def masks_are_united(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Mask, "__and__", Mask.__or__)


@fault
def an_export_shows_what_a_retrieve_hides(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Mask, "__or__", Mask.__and__)


@fault
def a_grant_does_not_unmask(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(weighing, "NO_MASK", Mask(frozenset({"PatientName"})))


@fault
def a_grant_ignores_the_ceiling(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Standing, "ceiling", lambda _self, _action: TRUE)


@fault
def a_role_of_one_collection_holds_everywhere(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Standing,
        "having",
        lambda self, role: TRUE if role in self.roles | set(self.collections_of) else FALSE,
    )


@fault
def a_role_of_one_archive_holds_in_all(patch: pytest.MonkeyPatch) -> None:
    standing = engine.standing

    def everywhere(policy: Any, subject: Any, archive: Any, now: Any) -> Any:
        widened = (replace(a, scope=AssignmentScope(None, a.scope.collection)) for a in subject.assignments)
        return standing(policy, replace(subject, assignments=tuple(widened)), archive, now)

    patch.setattr(engine, "standing", everywhere)


@fault
def a_rule_holds_for_every_group(patch: pytest.MonkeyPatch) -> None:
    meant = Asker.is_meant_by
    patch.setattr(Asker, "is_meant_by", lambda self, rule: meant(self, replace(rule, groups=frozenset())))


@fault
def a_rule_holds_in_every_archive(patch: pytest.MonkeyPatch) -> None:
    meant = Asker.is_meant_by
    patch.setattr(Asker, "is_meant_by", lambda self, rule: meant(self, replace(rule, archives=frozenset())))


@fault
def a_narrowed_token_is_not_narrow(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Bound, "_unable", lambda _self, _action: None)


@fault
def a_listing_for_export_forgets_retrieve(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine, "actions_needed", lambda action: (action,))


@fault
def a_masked_key_may_be_matched(patch: pytest.MonkeyPatch) -> None:
    admitting = Bound._admitting
    patch.setattr(Bound, "_admitting", lambda self, action, _keys=frozenset(): admitting(self, action))


@fault
def an_obligation_is_overlooked(patch: pytest.MonkeyPatch) -> None:
    permits = branches.permit_branches
    patch.setattr(
        engine, "permit_branches", lambda *given: [replace(each, unsupported=()) for each in permits(*given)]
    )


@fault
def grants_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine, "grant_branches", lambda *_given: [])


@fault
def a_grant_names_only_the_first_of_many(patch: pytest.MonkeyPatch) -> None:
    named = branches._names_one_of
    patch.setattr(branches, "_names_one_of", lambda attribute, values: named(attribute, sorted(values)[:1]))


@fault
def permissions_of_users_are_looked_for_among_those_of_roles(patch: pytest.MonkeyPatch) -> None:
    found = branches.attribute_of
    patch.setattr(
        branches,
        "attribute_of",
        lambda grant, policy: (
            PERMITTED if grant.target is GrantTarget.STUDY_PERMISSION else found(grant, policy)
        ),
    )


@fault
def a_grant_for_one_archive_holds_in_all(patch: pytest.MonkeyPatch) -> None:
    found = branches.grant_branches
    for user in (engine, kind_sets):
        patch.setattr(
            user,
            "grant_branches",
            lambda grants, *given: found((replace(each, archive=None) for each in grants), *given),
        )


@fault
def a_grant_on_a_department_is_looked_for_among_collections(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(branches, "department_of", lambda _policy: COLLECTIONS)


@fault
def a_study_permission_needs_no_ceiling(patch: pytest.MonkeyPatch) -> None:
    ceiling = branches._ceiling
    patch.setattr(
        branches,
        "_ceiling",
        lambda grant, *given: (
            TRUE if grant.target is GrantTarget.STUDY_PERMISSION else ceiling(grant, *given)
        ),
    )


@fault
def what_is_remembered_forgets_an_attribute(patch: pytest.MonkeyPatch) -> None:
    values_of = weighing._values_of
    patch.setattr(weighing, "_values_of", lambda read, held_by: values_of(sorted(read)[1:], held_by))


@fault
def what_is_remembered_forgets_the_series(patch: pytest.MonkeyPatch) -> None:
    values_of = weighing._values_of
    patch.setattr(
        weighing,
        "_values_of",
        lambda read, held_by: values_of([each for each in read if each.scope is not Scope.SERIES], held_by),
    )


@fault
def a_reason_is_overlooked(patch: pytest.MonkeyPatch) -> None:
    permit = branches._permit_branch
    patch.setattr(
        branches,
        "_permit_branch",
        lambda rule, having, asker: permit(replace(rule, needs_reason=False), having, asker),
    )


@fault
def a_proof_is_overlooked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Asker, "must_prove", lambda _self, _rule: None)


@fault
def a_demand_is_overlooked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Demands, "for_action", lambda _self, _action: None)


@fault
def a_proof_is_good_for_one_instant_too_long(patch: pytest.MonkeyPatch) -> None:
    shown = Strength.is_shown_by
    patch.setattr(
        Strength,
        "is_shown_by",
        lambda self, subject, now: shown(self, subject, now - timedelta(microseconds=1)),
    )


@fault
def any_second_factor_will_do(patch: pytest.MonkeyPatch) -> None:
    shown = Strength.is_shown_by
    patch.setattr(
        Strength, "is_shown_by", lambda self, *given: shown(replace(self, level=min(self.level, 2)), *given)
    )


@fault
def a_role_does_not_inherit(patch: pytest.MonkeyPatch) -> None:
    standing = engine.standing

    def barren(policy: Any, *given: Any) -> Any:
        roles = {name: replace(role, extends=frozenset()) for name, role in policy.roles.items()}
        return replace(standing(replace(policy, roles=roles), *given), policy=policy)

    patch.setattr(engine, "standing", barren)


@fault
def what_one_subject_read_is_anothers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Asker, "read_by", lambda _self, _rule: ())
    patch.setattr(rule_index.RuleIndex, "signature", lambda _self, _subject, *_: ())


@fault
def sharing_forgets_the_circumstances(patch: pytest.MonkeyPatch) -> None:
    signature = rule_index.RuleIndex.signature
    patch.setattr(
        rule_index.RuleIndex,
        "signature",
        lambda self, subject, context, standing, user, _env: signature(
            self, subject, context, standing, user, {}
        ),
    )


@fault
def sharing_forgets_the_roles(patch: pytest.MonkeyPatch) -> None:
    signature = rule_index.RuleIndex.signature
    patch.setattr(rule_index.RuleIndex, "signature", lambda *given: signature(*given)[1:])


def _agreed(outcomes: Iterator[Truth], *, of_none: Truth) -> Truth:
    distinct = set(outcomes)
    return distinct.pop() if len(distinct) == 1 else of_none if not distinct else Truth.UNKNOWN


def _unsure(formula: Formula) -> Formula:
    """`TRUE` where some atom of the formula has no value at all."""
    lacking = [
        binding.complement(binding.Has(each))
        for each in attributes_of(formula)
        if each.type is not ValueType.SET
    ]
    return binding.any_of(*lacking)


def test_without_a_fault_nothing_is_found() -> None:
    assert not any(any(crowd_disagreements(seed, rules=6)) for seed in range(200))


@pytest.mark.parametrize("name", FAULTS)
def test_the_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS[name](monkeypatch)
    assert any(any(crowd_disagreements(seed, rules=6)) for seed in range(ENOUGH_WORLDS))
