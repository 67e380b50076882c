from typing import Any

import pytest

from pacsgate.agent.doors.plan import USUAL_PLAN, read_plan
from pacsgate.model.errors import SettingsError


def changed(**parts: Any) -> dict[str, Any]:
    return {**USUAL_PLAN, **parts}


def test_a_door_has_a_reader_on_each_side() -> None:
    plan = read_plan(USUAL_PLAN)
    into, out = plan.reader("reading-room-in"), plan.reader("reading-room-out")
    assert into is not None
    assert out is not None
    assert (into.source, into.to, into.is_exit) == ("lobby", "reading-room", False)
    assert (out.source, out.to, out.is_exit) == ("reading-room", "lobby", True)


@pytest.mark.parametrize(
    ("plan", "names"),
    [
        (changed(doors={"main": {"to": "attic"}}), "door `main`"),
        (changed(doors={**USUAL_PLAN["doors"], "loop": {"from": "lobby", "to": "lobby"}}), "door `loop`"),
        (changed(units={"u": {"name": "U", "doors": ["attic"]}}), "unit `u`"),
        (changed(units={"u": {"name": "U", "doors": ["main"], "schedule": "never"}}), "unit `u`"),
        (changed(schedules={"weekdays": [{"days": ["noday"]}]}), "schedule `weekdays`"),
        (changed(timezone="Mars/Olympus"), "Mars/Olympus"),
        (changed(colour="blue"), "colour"),
        (changed(zones={"lobby": {"anti_passback": "medium"}}), "medium"),
    ],
)
def test_a_plan_that_does_not_hold_together_is_refused_with_what_is_wrong(
    plan: dict[str, Any], names: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        read_plan(plan)
    assert names in refused.value.public
