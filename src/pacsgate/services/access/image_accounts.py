"""The account by which a holder comes into a picture archive: made for it, or one that was there before.

An account that is made is the holder's alone: its name says whose, it has no role but that of access units,
and it lives and ends with the holder.  One that was there keeps everything that it has.

Called by `imaging`.

Invariants:
- the account of a visit lets nobody in before check-in and after check-out;
- nobody gets into an account that was there before by way of a credential that is made here;
- an account that somebody gave more than this archive's access units gets no credentials here either:
  whoever looks after identities in one archive must not come by what others gave.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from pacsgate.model.access import Holder, Identity, PacsPlace, Visit, VisitState
from pacsgate.model.built_in_roles import ACCESS_UNIT_HOLDER
from pacsgate.model.errors import ConflictError
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.policy.policy import Policy
from pacsgate.ports import Directory, UserRecord
from pacsgate.ports.access import AccessStore, Held
from pacsgate.services.access.rules import ENDED
from pacsgate.services.account_holdings import holdings
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change

_LONGEST_NAME = 64


def made_name(place: PacsPlace, holder: Holder) -> str:
    """What the account that is made for a holder is called."""
    first = f"{holder.key.kind}.{holder.key.holder_id}@{place.pacs}"
    if len(first) <= _LONGEST_NAME:
        return first
    return f"{holder.key.kind}.{hashlib.sha256(first.encode()).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class ImageAccounts:
    """Makes accounts, and lets them follow their holders."""

    directory: Directory
    users: UserAdministration
    store: AccessStore
    policy: Policy

    def settle(self, change: Change, place: PacsPlace, before: Held | None, after: Held | None) -> str | None:
        """Bring the account of a holder to what is held now; returns its name, or `None` without one."""
        if after is None:
            if before is not None:
                self._leave(change, place, before.holder)
            return None
        holder = after.holder
        name = self._begin(change, place, holder) if before is None else holder.account
        user = self.directory.user(change.scope, name)
        if user is None:
            if isinstance(holder, Visit) and holder.state in ENDED:
                return None
            raise ConflictError(f"the account `{name}` was removed: remove the {holder.key.kind} too")
        if name == made_name(place, holder):
            self._follow(change, user, None if before is None else before.holder, holder)
        elif isinstance(holder, Identity) and holder.valid_from is not None and holder.valid_from > change.at:
            raise ConflictError("an account that is there already begins at once: leave out `validFrom`")
        self._hold_role(change, place, name, holder)
        return name

    def own(self, change: Change, place: PacsPlace, holder: Holder) -> UserRecord:
        """The account that was made for a holder.  Raises `ConflictError` for any other."""
        if holder.account != made_name(place, holder):
            raise ConflictError(
                f"`{holder.account}` was there before: its credentials are administered with the account"
            )
        user = self.users.user(change.scope, holder.account)
        if self._holds_more(change, place, user):
            raise ConflictError(
                f"`{user.name}` holds more than access units of this archive: it gets no credentials here"
            )
        return user

    def is_own(self, place: PacsPlace, holder: Holder) -> bool:
        """Whether the account was made for the holder."""
        return holder.account == made_name(place, holder)

    def _holds_more(self, change: Change, place: PacsPlace, user: UserRecord) -> bool:
        """Whether anybody gave the account what is not given in this archive by way of its units."""
        grants = self.directory.grants(change.scope)
        return bool(holdings(user, self.policy, grants, but_units_of=place.pacs))

    def _begin(self, change: Change, place: PacsPlace, holder: Holder) -> str:
        name = made_name(place, holder)
        if holder.account:
            if holder.account == name or self.directory.user(change.scope, holder.account) is None:
                raise ConflictError(f"no account is called `{holder.account}`")
            return holder.account
        is_identity = isinstance(holder, Identity)
        starts, until = (holder.valid_from, holder.valid_to) if is_identity else (None, None)
        self.users.add(change, name, display_name=holder.person.name, starts=starts, until=until)
        if not is_identity:
            self.users.set_disabled(change, name, disabled=True)
        return name

    def _follow(self, change: Change, user: UserRecord, before: Holder | None, after: Holder) -> None:
        if user.display_name != after.person.name:
            self.users.set_display_name(change, user.name, after.person.name)
        match after:
            case Identity():
                if (user.starts, user.until) != (after.valid_from, after.valid_to):
                    self.users.set_window(change, user.name, after.valid_from, after.valid_to)
            case Visit():
                self._follow_visit(change, user, before, after)

    def _follow_visit(self, change: Change, user: UserRecord, before: Holder | None, after: Visit) -> None:
        stood = before.state if isinstance(before, Visit) else VisitState.PLANNED
        if after.state is VisitState.CHECKED_IN:
            if user.until != after.valid_to:
                self.users.set_window(change, user.name, after.checked_in_at, after.valid_to)
            if stood is not VisitState.CHECKED_IN:
                self.users.set_disabled(change, user.name, disabled=False)
        elif after.state in ENDED and not user.disabled:
            self.users.set_disabled(change, user.name, disabled=True)

    def _hold_role(self, change: Change, place: PacsPlace, name: str, holder: Holder | None) -> None:
        """Have the role of access units in this archive while some holder of the account is in."""
        scope = AssignmentScope(place.pacs)
        user = self.users.user(change.scope, name)
        held = {each for each in user.assignments if (each.role, each.scope) == (ACCESS_UNIT_HOLDER, scope)}
        known = {each.key: each for each in self.store.holders_by_account(place, name)}
        everybody = (known | ({} if holder is None else {holder.key: holder})).values()
        wanted = {
            Assignment(ACCESS_UNIT_HOLDER, scope, until=each.valid_to)
            for each in everybody
            if may_be_in(each, change.at)
        }
        if held - wanted:
            self.users.unassign(change, name, lambda given: given in held - wanted)
        for each in wanted - held:
            self.users.assign(change, name, each)

    def _leave(self, change: Change, place: PacsPlace, holder: Holder) -> None:
        if self.directory.user(change.scope, holder.account) is None:
            return
        if self.is_own(place, holder):
            self.users.remove(change, holder.account)
        else:
            self._hold_role(change, place, holder.account, None)


def may_be_in(holder: Holder, now: datetime) -> bool:
    """Whether what the holder holds is effective, or will be without anything else being said."""
    if holder.valid_to is not None and holder.valid_to <= now:
        return False
    return isinstance(holder, Identity) or holder.state is VisitState.CHECKED_IN
