"""A tenant that is governed stays so: nothing takes away the last who can.

Whatever could is done within `still_governed`, which looks before and afterwards and undoes it all if nobody
is left.  A lock is no such thing: it ends, and stopping somebody now matters more.  Nor is a policy file that
names administrators anybody's to take away here.

Called by `administer_users` and `provision_accounts`.

Invariants:
- of two changes at once that would leave nobody between them, the second is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from pacsgate.model.built_in_roles import TENANT_ADMINISTRATOR
from pacsgate.model.errors import ConflictError
from pacsgate.services.administration import Change, Office


class LastAdministratorError(ConflictError):
    """Nobody would govern the tenant any more."""


@contextmanager
def still_governed(office: Office, change: Change) -> Iterator[None]:
    """Let something be done, in one transaction.  Raises `LastAdministratorError` if nobody is left."""
    policy = office.policy(change.scope)
    given = () if policy is None else policy.assignments
    if any(one.assignment.role == TENANT_ADMINISTRATOR for one in given):
        yield
        return
    with office.directory.together():
        now_before, for_good_before = _governing(office, change)
        yield
        now_after, for_good_after = _governing(office, change)
        if (now_before and not now_after) or (for_good_before and not for_good_after):
            raise LastAdministratorError(
                f"nobody would hold `{TENANT_ADMINISTRATOR}` any more: give it to somebody else first"
            )


def _governing(office: Office, change: Change) -> tuple[bool, bool]:
    """Whether somebody administers the tenant at this moment, and whether somebody does without an end."""
    now = for_good = False
    for user in office.directory.holders(change.scope, TENANT_ADMINISTRATOR):
        held = [
            one
            for one in user.assignments
            if one.role == TENANT_ADMINISTRATOR
            and one.scope.archive is None
            and one.scope.collection is None
            and one.is_live(change.at)
        ]
        if held and replace(user, is_locked=False).is_live(change.at):
            now = True
            for_good = for_good or (user.until is None and any(one.until is None for one in held))
    return now, for_good
