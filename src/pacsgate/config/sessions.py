"""How long browser sessions and API tokens may last, and what no password may be made of.

Called by `settings`.

Standard: OWASP ASVS 5.0 7.1.1, 7.1.2.
"""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, field_validator

from pacsgate.config.base import Section
from pacsgate.config.durations import Duration
from pacsgate.model.session_limits import ABSOLUTE, AT_MOST, IDLE, SessionLimits, SessionRules

_SHORTEST_IDLE = timedelta(minutes=1)
_LONGEST = timedelta(hours=24)
_LONGEST_TOKEN = timedelta(days=90)


class RoleSessionSettings(Section):
    """Stricter limits for whoever has a role."""

    idle: Duration | None = None
    """How long a session may rest, from `1 min` to `24 h`."""
    absolute: Duration | None = None
    """How long it may last in all, however much it is used, up to `24 h`."""
    at_most: int | None = Field(default=None, ge=1, le=100)
    """How many one user may have at a time; when one more begins, the oldest ends."""

    @field_validator("idle", "absolute")
    @classmethod
    def _is_sensible(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and not _SHORTEST_IDLE <= value <= _LONGEST:
            raise ValueError("must be between `1 min` and `24 h`")
        return value


class PasswordSettings(Section):
    """Rules for passwords, besides those that always hold."""

    context_words: tuple[Annotated[str, Field(min_length=3)], ...] = ()
    """What comes to mind here first, such as the name of the hospital: it does not count in a password."""


class SessionSettings(RoleSessionSettings):
    """Limits of everybody's sessions: 15 minutes idle, 12 hours in all, 10 at a time when absent."""

    roles: dict[str, RoleSessionSettings] = Field(default_factory=dict)
    """Of several limits the strictest holds."""
    token_lifetime: Duration = _LONGEST_TOKEN
    """How long an API token may be valid at most."""

    @field_validator("token_lifetime")
    @classmethod
    def _tokens_end(cls, value: timedelta) -> timedelta:
        if value > _LONGEST_TOKEN:
            raise ValueError("must be at most `90 d`")
        return value

    @property
    def rules(self) -> SessionRules:
        """The limits, with what is left out filled in."""
        general = SessionLimits(self.idle or IDLE, self.absolute or ABSOLUTE, self.at_most or AT_MOST)
        of_roles = {
            name: SessionLimits(
                given.idle or general.idle,
                given.absolute or general.absolute,
                given.at_most or general.at_most,
            )
            for name, given in self.roles.items()
        }
        return SessionRules(general, of_roles)
