"""What a PACS demands of visits and credentials, and the steps that a visit can take.

A visit is planned, then checked in, then checked out; one that is planned can be cancelled, and expires when
its time goes by.  There is no way back, and no other step.

Called by the desk's operations and by its tick.

Invariants:
- a step that is not of the table is refused, whoever wants it;
- check-in is legal from the grace before the start, and all of the scheduled day before it, until the end;
- whatever ends a visit ends it once, at one time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum

from pacsgate.model.access import Holder, Visit, VisitState
from pacsgate.model.errors import ConflictError, RequestError


class Step(StrEnum):
    """What can be done to a visit, in the word of a refusal."""

    CHECK_IN = "checked in"
    CHECK_OUT = "checked out"
    CANCEL = "cancelled"
    EXPIRE = "expired"


@dataclass(frozen=True, slots=True)
class DeskRules:
    """The settings of one PACS.  `zone` is where its scheduled days begin and end."""

    grace: timedelta = timedelta(0)
    zone: tzinfo = UTC
    most_credentials: int | None = None
    """Of one holder (`MaxCredentialsPerEntity`)."""


STEPS: Mapping[tuple[VisitState, Step], VisitState] = {
    (VisitState.PLANNED, Step.CHECK_IN): VisitState.CHECKED_IN,
    (VisitState.PLANNED, Step.CANCEL): VisitState.CANCELLED,
    (VisitState.PLANNED, Step.EXPIRE): VisitState.EXPIRED,
    (VisitState.CHECKED_IN, Step.CHECK_OUT): VisitState.CHECKED_OUT,
}
"""Every step that there is."""
ENDED = frozenset({VisitState.CHECKED_OUT, VisitState.CANCELLED, VisitState.EXPIRED})
"""How a visit can be over."""
_IN_WORDS = {
    VisitState.PLANNED: "is planned",
    VisitState.CHECKED_IN: "is checked in",
    VisitState.CHECKED_OUT: "is checked out",
    VisitState.CANCELLED: "is cancelled",
    VisitState.EXPIRED: "has expired",
}


def stepped(visit: Visit, step: Step) -> VisitState:
    """Where a step leads.  Raises `ConflictError`."""
    reached = STEPS.get((visit.state, step))
    if reached is None:
        raise ConflictError(f"the visit {_IN_WORDS[visit.state]}, and so cannot be {step}")
    return reached


def opens_at(visit: Visit, rules: DeskRules) -> datetime:
    """From when somebody can be checked in."""
    day = visit.valid_from.astimezone(rules.zone).date()
    begins = datetime.combine(day, time.min, rules.zone).astimezone(UTC)
    return min(begins, visit.valid_from - rules.grace)


def checked_in(visit: Visit, going_on: Sequence[Visit], now: datetime, rules: DeskRules) -> Visit:
    """The visit as it is when it has begun; `going_on` are all visits of the visitor that have.

    Raises `ConflictError`.
    """
    state = stepped(visit, Step.CHECK_IN)
    if now >= visit.valid_to:
        raise ConflictError("the time of the visit is over")
    opens = opens_at(visit, rules)
    if now < opens:
        raise ConflictError(f"this visit can be checked in from {opens.isoformat()}")
    if going_on:
        raise ConflictError("the visitor is checked in with another visit: check that one out first")
    return replace(visit, state=state, checked_in_at=now)


def ended(visit: Visit, step: Step, at: datetime) -> Visit:
    """The visit as it is when it is over.  Raises `ConflictError`."""
    return replace(visit, state=stepped(visit, step), ended_at=at)


def refuse_ended(visit: Visit) -> None:
    """Raise `ConflictError` if nothing of the visit can be changed any more."""
    if visit.state in ENDED:
        raise ConflictError(f"the visit {_IN_WORDS[visit.state]}: what it was is history")


def check_window(valid_from: datetime | None, valid_to: datetime | None, now: datetime) -> None:
    """Raise `RequestError` for a time that is empty or wholly in the past."""
    if valid_to is None:
        return
    if valid_from is not None and valid_to <= valid_from:
        raise RequestError("`validTo` must be after `validFrom`")
    if valid_to <= now:
        raise RequestError("`validTo` must be in the future")


def has_ended(holder: Holder) -> bool:
    """Whether this is a visit that is over."""
    return isinstance(holder, Visit) and holder.state in ENDED
