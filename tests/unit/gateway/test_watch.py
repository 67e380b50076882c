"""A body that holds many things ends when access to any of them is withdrawn."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from pacsgate.gateway.http.streams import RECHECK_SECONDS, Watch
from pacsgate.model.actions import Action
from pacsgate.model.errors import ArchiveError


@dataclass
class Clock:
    now: float = 0.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Gate:
    clock: Clock


@dataclass
class Asked:
    """An exchange that remembers what was asked, and refuses one part."""

    gate: Gate
    refused: str
    asked: list[str] = field(default_factory=list)

    async def in_thread(self, work: Any) -> Any:
        return work()

    def require_still_allowed(self, _action: Action, part: Any) -> None:
        self.asked.append(part)
        if part == self.refused:
            raise ArchiveError("access was withdrawn while the answer was being sent")


def test_every_part_is_asked_about_again_every_second() -> None:
    clock = Clock()
    exchange = Asked(Gate(clock), "third")
    watch = Watch(cast("Any", exchange), Action.EXPORT)
    parts = cast("Any", ("first", "second"))
    asyncio.run(watch.check_all(parts))
    assert exchange.asked == []
    clock.now += RECHECK_SECONDS
    asyncio.run(watch.check_all(parts))
    asyncio.run(watch.check_all(parts))
    assert exchange.asked == ["first", "second"]
    clock.now += RECHECK_SECONDS
    with pytest.raises(ArchiveError, match="withdrawn"):
        asyncio.run(watch.check_all(cast("Any", ("first", "third"))))
