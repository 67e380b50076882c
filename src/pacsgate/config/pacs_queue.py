"""How long operations on PACSes wait, how often they are tried, and how many wait.

Called by `settings`.
"""

from datetime import timedelta

from pydantic import Field, field_validator

from pacsgate.config.base import Section
from pacsgate.config.durations import Duration

_LONGEST_WAIT = timedelta(seconds=60)


class QueueSettings(Section):
    """The queue between the gate and the agents of PACSes."""

    wait: Duration = timedelta(seconds=25)
    """How long an agent or a requester that asks waits at most before it is sent to ask again; no more than
    `60 s`, which proxies between them commonly allow."""
    lease: Duration = timedelta(minutes=1)
    """For how long an agent that took something is waited for before it is handed out again."""
    attempts: int = Field(default=5, ge=1, le=100)
    """How often something is handed out before it is given up."""
    lifetime: Duration = timedelta(days=1)
    """What no agent has fetched after this long is not done any more."""
    results: Duration = timedelta(hours=1)
    """For how long a result can be read."""
    most: int = Field(default=10_000, ge=1, le=1_000_000)
    """How much may wait for one PACS; more is refused."""
    waiters: int = Field(default=20_000, ge=1, le=1_000_000)
    """Agents and requesters that may wait at one worker at a time."""

    @field_validator("wait")
    @classmethod
    def _is_short(cls, value: timedelta) -> timedelta:
        if not timedelta(0) < value <= _LONGEST_WAIT:
            raise ValueError("must be at most `60 s`, and more than nothing")
        return value

    @field_validator("lease", "lifetime", "results")
    @classmethod
    def _is_some_time(cls, value: timedelta) -> timedelta:
        if value <= timedelta(0):
            raise ValueError("must be more than nothing")
        return value
