"""A policy that is written down and read again is the same policy."""

from dataclasses import replace
from datetime import UTC

from hypothesis import given, settings

from pacsgate.policy.document import load_policy
from pacsgate.policy.policy import Place, Policy
from tests.properties.policy_text import policy_text
from tests.properties.worlds import World, worlds

NOWHERE = Place("", 0)


@settings(deadline=None, max_examples=50)
@given(worlds())
def test_a_written_policy_is_read_as_it_was(world: World) -> None:
    read = load_policy({"policy.yaml": policy_text(world.policy)})
    assert without_places(read) == without_places(world.policy)
    assert str(read.timezone) == str(world.policy.timezone)


def without_places(policy: Policy) -> Policy:
    return replace(
        policy,
        revision="",
        roles=policy.own_roles,
        sources={},
        timezone=UTC,  # two readings of one zone are two objects
        role_places={},
        rules=tuple(replace(rule, place=NOWHERE) for rule in policy.rules),
        authentication=tuple(replace(rule, place=NOWHERE) for rule in policy.authentication),
        assignments=tuple(replace(given, place=NOWHERE) for given in policy.assignments),
        declarations={name: replace(each, place=NOWHERE) for name, each in policy.declarations.items()},
    )
