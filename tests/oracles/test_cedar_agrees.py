"""Cedar's own engine, asked the exported policy, decides as the gate does."""

from collections.abc import Iterator
from dataclasses import replace

import cedarpy
import pytest

from pacsgate.model.decision import Allow
from pacsgate.policy.cedar import export, export_cedar
from pacsgate.policy.engine import bind
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import Truth
from tests.oracles.cedar import Cedar
from tests.properties.coverage import EVERYTHING, Coverage
from tests.properties.worlds import World, world

QUICK = range(60)
LONG = range(1000, 3100)
"""Some eight decisions each."""


def worlds(seeds: range) -> Iterator[World]:
    return (_as_exported(world(seed, rules=1 + seed % 8)) for seed in seeds)


def _as_exported(of: World) -> World:
    """The world without what sources and tokens take away, and without what must be proven, which Cedar is not told."""
    rules = tuple(rule for rule in of.policy.rules if rule.step_up is None)
    return replace(
        of,
        subject=replace(of.subject, role_ceiling=None, token_patient=None, owes_factor=False),
        policy=replace(of.policy, rules=rules, authentication=()),
    )


def questions(of: World) -> tuple[ResourceFacts, ...]:
    return (*of.resources, *(ResourceFacts(study.facts) for study in of.studies))


def differences(seeds: range, coverage: Coverage) -> Iterator[str]:
    """One line for each decision on which Cedar and the engine differ."""
    for seed, each in zip(seeds, worlds(seeds), strict=True):
        coverage.add_world(each)
        cedar = Cedar(each.policy, export_cedar(each.policy))
        bound = bind(each.policy, each.subject, each.context, each.archive, each.grants)
        for facts in questions(each):
            decision = bound.decide(each.action, facts)
            coverage.add_decision(decision)
            if cedar.allows(each, facts) is not isinstance(decision, Allow):
                yield f"world {seed}: {each.action} on {facts}: {decision}"


def test_cedar_decides_as_the_engine() -> None:
    assert list(differences(QUICK, Coverage())) == []


@pytest.mark.long
@pytest.mark.timeout(900)
def test_cedar_decides_as_the_engine_ten_thousand_times(capsys: pytest.CaptureFixture[str]) -> None:
    coverage = Coverage()
    assert list(differences(LONG, coverage)) == []
    coverage.show("asked of Cedar", capsys)
    assert coverage.met["asked"] >= 10_000
    coverage.require(EVERYTHING - {"step-up-required"})


def test_an_exported_policy_is_of_its_schema() -> None:
    for each in worlds(range(40)):
        exported = export_cedar(each.policy)
        validated = cedarpy.validate_policies(exported.policies, exported.schema)
        assert validated.validation_passed, [str(error) for error in validated.errors]


# ------------------------------------------------------------------ what would be wrong is noticed

HOLDS = export.holds


def _lenient_forbids(patch: pytest.MonkeyPatch) -> None:
    """A forbid that cannot be read is let pass."""
    patch.setattr(
        export,
        "holds",
        lambda formula, wanted, notes: (
            HOLDS(formula, wanted, notes)
            if wanted is Truth.TRUE
            else export.negated(HOLDS(formula, Truth.TRUE, notes))
        ),
    )


def _no_windows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(export, "instant", lambda _: 'datetime("1999-01-01T00:00:00.000Z")')


def _any_group(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(export, "_in_groups", lambda _: "true")


def _no_grants(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(export._Writer, "_granted", lambda _self, _grants, _action: ("false", "false"))


def _no_ceiling(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(export._Writer, "_having", lambda _self, _role, wanted: str(wanted is Truth.TRUE).lower())


def _no_condition(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        export,
        "holds",
        lambda formula, wanted, notes: "true" if wanted is Truth.TRUE else HOLDS(formula, wanted, notes),
    )


FAULTS = (_lenient_forbids, _no_windows, _any_group, _no_grants, _no_ceiling, _no_condition)


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_a_fault_in_the_export_is_noticed(fault, monkeypatch: pytest.MonkeyPatch) -> None:
    fault(monkeypatch)
    assert next(differences(range(3000), Coverage()), None)
