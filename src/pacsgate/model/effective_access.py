"""When access that is held counts: one rule for doors and for picture archives.

Access of a visit is effective from check-in to check-out, never beyond its end; access of an identity while
the identity is valid.  Both need a credential that is active and valid, and the unit.

Called by whatever lets somebody in; calls nothing.

Invariants:
- `barrier` is `None` exactly when every condition holds: each has a barrier of its own.
"""

from datetime import datetime
from enum import StrEnum

from pacsgate.model.access import AccessCredential, Holder, Identity, Visit, VisitState


class Barrier(StrEnum):
    """Why access is not effective; the first that holds."""

    NOT_YET_VALID = "not-yet-valid"
    NO_LONGER_VALID = "no-longer-valid"
    NOT_CHECKED_IN = "not-checked-in"
    CREDENTIAL_INACTIVE = "credential-inactive"
    CREDENTIAL_NOT_YET_VALID = "credential-not-yet-valid"
    CREDENTIAL_NO_LONGER_VALID = "credential-no-longer-valid"
    NO_UNIT = "no-access-unit"


def holder_barrier(holder: Holder, now: datetime) -> Barrier | None:
    """What keeps a holder out of everything."""
    match holder:
        case Identity():
            if holder.valid_from is not None and now < holder.valid_from:
                return Barrier.NOT_YET_VALID
            if holder.valid_to is not None and now >= holder.valid_to:
                return Barrier.NO_LONGER_VALID
        case Visit():
            # Whoever was let in before the start, on the day itself, is in.
            if now >= holder.valid_to:
                return Barrier.NO_LONGER_VALID
            if holder.state is not VisitState.CHECKED_IN:
                return Barrier.NOT_CHECKED_IN
    return None


def credential_barrier(credential: AccessCredential, now: datetime) -> Barrier | None:
    """What keeps a credential from being of use."""
    if not credential.active:
        return Barrier.CREDENTIAL_INACTIVE
    if credential.valid_from is not None and now < credential.valid_from:
        return Barrier.CREDENTIAL_NOT_YET_VALID
    if credential.valid_to is not None and now >= credential.valid_to:
        return Barrier.CREDENTIAL_NO_LONGER_VALID
    return None


def barrier(
    holder: Holder, credential: AccessCredential, *, is_assigned: bool, now: datetime
) -> Barrier | None:
    """What keeps a holder with a credential out of a unit; `None` lets them in."""
    found = holder_barrier(holder, now) or credential_barrier(credential, now)
    return found or (None if is_assigned else Barrier.NO_UNIT)
