"""What `lint` can find, as values.

Called by `lint` and the modules that look.
"""

from dataclasses import dataclass
from enum import StrEnum

from pacsgate.model.decision import Effect
from pacsgate.model.errors import Diagnostic
from pacsgate.policy.ir import Truth
from pacsgate.policy.policy import Place


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """The policy must not stay so."""
    WARNING = "warning"
    """It is allowed and probably not meant."""


class Oddity(StrEnum):
    """Everything that is looked for."""

    UNUSABLE = "unusable"
    NEVER_APPLIES = "never-applies"
    ALWAYS_FORBIDDEN = "always-forbidden"
    SHADOWED = "shadowed"
    FORBIDS_EVERYTHING = "forbids-everything"
    UNBOUNDED = "unbounded"
    CONCERNS_NOBODY = "concerns-nobody"
    HELD_FOR_GOOD = "held-for-good"
    UNUSED_ROLE = "unused-role"
    UNUSED_ATTRIBUTE = "unused-attribute"
    OWNERLESS = "ownerless"
    UNAPPROVED = "unapproved"


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One oddity with its place and what to do."""

    oddity: Oddity
    severity: Severity
    diagnostic: Diagnostic

    def __str__(self) -> str:
        return f"{self.diagnostic} [{self.oddity}]"


APPLYING = {
    Effect.PERMIT: frozenset({Truth.TRUE}),
    Effect.FORBID: frozenset({Truth.TRUE, Truth.UNKNOWN}),
}
"""The outcomes of a condition by which a rule of each effect applies."""


def warning(oddity: Oddity, place: Place, message: str, suggestion: str | None = None) -> LintFinding:
    """Something that is probably not meant."""
    return LintFinding(oddity, Severity.WARNING, Diagnostic(place.file, place.line, 1, message, suggestion))


def error(oddity: Oddity, place: Place, message: str, suggestion: str) -> LintFinding:
    """Something that must not stay."""
    return LintFinding(oddity, Severity.ERROR, Diagnostic(place.file, place.line, 1, message, suggestion))
