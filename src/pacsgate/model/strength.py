"""How strongly somebody must have proven who they are, and how lately.

Called by the policy, which demands it, and by the doors, which tell what is lacking.

Standard: assurance levels are those of NIST SP 800-63B; RFC 9470 (step-up authentication challenge).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pacsgate.model.spans import span_text
from pacsgate.model.subject import EMERGENCY, Credential, Subject

HIGHEST_LEVEL = 3
_ACR = "urn:pacsgate:level:"


@dataclass(frozen=True, slots=True)
class Strength:
    """A level of assurance, proven within some time (exclusive); `None` is any time."""

    level: int = 1
    within: timedelta | None = None

    def is_shown_by(self, subject: Subject, now: datetime) -> bool:
        """Whether the subject has proven this, or need not: the operator here, and the sealed account."""
        if subject.credential is Credential.LOCAL or subject.source == EMERGENCY:
            return True
        ends = self.lapses(subject)
        return subject.assurance_level >= self.level and (
            self.within is None or (ends is not None and now < ends)
        )

    def lapses(self, subject: Subject) -> datetime | None:
        """When what the subject has proven is too old; `None` if it never will be."""
        proven = subject.authenticated_at if self.level == 1 else subject.second_factor_at
        return None if self.within is None or proven is None else proven + self.within

    def __or__(self, other: "Strength") -> "Strength":
        """What satisfies both."""
        spans = [span for span in (self.within, other.within) if span is not None]
        return Strength(max(self.level, other.level), min(spans, default=None))

    @property
    def acr(self) -> str:
        """The level as an authentication context class reference."""
        return f"{_ACR}{self.level}"

    def __str__(self) -> str:
        if self.within is None:
            return f"level {self.level}"
        return f"level {self.level} within {span_text(self.within)}"
