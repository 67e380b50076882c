from dataclasses import replace

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow
from pacsgate.model.resource import ArchiveName
from pacsgate.policy.engine import bind
from pacsgate.policy.environment import user_attributes
from pacsgate.policy.facts import ResourceFacts
from tests.unit.policy.hospital import INSIDE, person, policy

RULES = """version: 1
roles: {r: {may: [view]}}
rules:
  - {id: in-the-room, effect: permit, roles: [r], when: "CONDITION"}
"""


def is_allowed(condition: str, zones: frozenset[str] | None, context: Context = INSIDE) -> bool:
    asker = replace(person("r"), zones=zones)
    bound = bind(policy(RULES.replace("CONDITION", condition)), asker, context, ArchiveName("main"), ())
    return isinstance(bound.decide(Action.VIEW, ResourceFacts({}, None)), Allow)


@pytest.mark.parametrize(
    ("condition", "zones", "allowed"),
    [
        ("'reading room' in user.zone", frozenset({"reading room"}), True),
        ("'reading room' in user.zone", frozenset({"theatre", "reading room"}), True),
        ("'reading room' in user.zone", frozenset({"theatre"}), False),
        ("'reading room' in user.zone", frozenset(), False),
        ("'reading room' in user.zone", None, False),
        ("!('reading room' in user.zone)", None, False),
        ("user.on_site", frozenset({"theatre"}), True),
        ("user.on_site", frozenset(), False),
        ("user.on_site", None, False),
        ("!user.on_site", frozenset(), True),
        ("!user.on_site", None, False),
    ],
)
def test_a_permit_holds_only_where_a_door_system_says_so(
    condition: str, zones: frozenset[str] | None, allowed: bool
) -> None:
    assert is_allowed(condition, zones) is allowed


@pytest.mark.parametrize("zones", [None, frozenset[str]()])
def test_what_a_source_says_of_somebody_s_whereabouts_never_counts(zones: frozenset[str] | None) -> None:
    claims = {"on_site": frozenset({True}), "zone": frozenset({"vault"})}
    values = user_attributes(replace(person(), attributes=claims, zones=zones))
    assert values.get("on_site") == (None if zones is None else {False})
    assert values.get("zone") == zones
