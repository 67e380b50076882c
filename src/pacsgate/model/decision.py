"""The engine's answer: allow or deny, with its reasons, never a bare truth value.

A rule's *effect* is permit or forbid; the engine's *decision* is `Allow` or
`Deny`.  The two pairs of words are different on purpose.

Invariants:
- Only `pacsgate.policy` constructs an `Allow`.
- A decision cannot be used as a condition; it must be matched on.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, NoReturn

from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.strength import Strength

Revision = NewType("Revision", str)
"""One published, validated policy set: the first 16 hex digits of the SHA-256 of its canonical text."""


class Effect(StrEnum):
    """What a rule does when its condition holds."""

    PERMIT = "permit"
    FORBID = "forbid"


class ReasonCode(StrEnum):
    """Why a decision came out as it did.  Closed: `docs/reference/reasons.md` is made from it."""

    PERMITTED_BY_RULE = "permitted-by-rule"
    """A permit rule applies and no forbid does."""
    PERMITTED_BY_GRANT = "permitted-by-grant"
    """A live grant applies and no forbid does."""
    FORBIDDEN = "forbidden"
    """A forbid rule applies, or could not be read on this resource."""
    NO_PERMIT = "no-permit"
    """No permit rule and no grant applies."""
    NO_ROLE = "no-role"
    """No role is in effect for the subject here and now."""
    NO_PERMISSION = "no-permission"
    """No role in effect carries the system permission that this needs."""
    UNKNOWN_SUBJECT = "unknown-subject"
    """A question about somebody for whom there is no account of that kind, or a disabled one."""
    UNKNOWN_ACTION = "unknown-action"
    """A question about something that is none of the actions."""
    OBLIGATION_UNSUPPORTED = "obligation-unsupported"
    """The only permits that apply carry an obligation that this door cannot carry out."""
    REASON_REQUIRED = "reason-required"
    """The only permits that apply ask for a reason, and the request gives none."""
    STEP_UP_REQUIRED = "step-up-required"
    """The subject must prove itself more strongly, or again, before it may do this."""
    MASKED_KEY = "masked-key"
    """The query matches on an attribute that the subject may not see."""
    TOKEN_SCOPE = "token-scope"  # noqa: S105 - a reason, not a secret
    """The API token used does not carry this action."""
    NOT_FOUND = "not-found"
    """The resource does not exist, or its named parent is not its parent."""
    NOT_VISIBLE = "not-visible"
    """The resource exists and the subject may not search it; answered like `not-found`."""
    PARTLY_VISIBLE = "partly-visible"
    """The action needs every part of the resource, and some part is not allowed."""
    DESTINATION_NOT_ALLOWED = "destination-not-allowed"
    """A C-MOVE names a destination that is none, counts no longer, or stands for nobody."""
    UNKNOWN_ROUTE = "unknown-route"
    """No row of the route table matches."""
    NOT_IMPLEMENTED = "not-implemented"
    """The subject may, but this archive or gate cannot."""
    PURPOSE_NOT_HELD = "purpose-not-held"
    """The client asks for a purpose of use that is not among its subject's."""
    NO_CREDENTIAL = "no-credential"
    """The request carries no credential, or one that does not verify."""
    LOCKED_OUT = "locked-out"
    """Too many failed attempts; even a right password is refused until the lock ends."""
    NO_POLICY = "no-policy"
    """No policy revision has ever been active."""
    INTERNAL_ERROR = "internal-error"
    """Something broke; what is broken does not loosen."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason code with what it refers to."""

    code: ReasonCode
    rule_id: str | None = None
    grant_id: str | None = None
    strength: Strength | None = None
    """What must be proven, where that is what is lacking."""

    def __str__(self) -> str:
        return ":".join(part for part in (self.code.value, self.rule_id or self.grant_id) if part)


class _Outcome:
    """Shared refusal to be used as a condition."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        raise TypeError("a decision is not a truth value: match on Allow or Deny")


@dataclass(frozen=True, slots=True)
class Allow(_Outcome):
    """The subject may, if the door carries out the mask."""

    reasons: tuple[Reason, ...]
    revision: Revision
    mask: Mask = NO_MASK


@dataclass(frozen=True, slots=True)
class Deny(_Outcome):
    """The subject may not.  `message` is the rule's own sentence for the user, if it has one."""

    reasons: tuple[Reason, ...]
    revision: Revision
    message: str | None = None


Decision = Allow | Deny
