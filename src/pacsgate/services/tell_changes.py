"""Administrators are told what others changed, until they say that they have seen it.

Told is whoever holds a permission of the kind of change (`audit.notices`) in the whole tenant, of changes by
others alone, and of nothing that is older than their account.  To read a notice takes no fresh proof: it says
who, what, to whom and when; what stood there before and after is in the trail.

Called by the first page and by the administration API; the notices come from the stores of the changes.

Invariants:
- nobody can have seen what they were not shown, or what is still to come;
- that somebody has seen something is on record.

Standard: NIST SP 800-53 AC-2(4), AU-6.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pacsgate.audit.events import EventKind
from pacsgate.audit.notices import TOLD_FOR, TOLD_TO
from pacsgate.ports.notices import Notices, Unseen
from pacsgate.services.administration import Office
from pacsgate.services.callers import Caller
from pacsgate.services.live_policy import LivePolicy, NoPolicyError
from pacsgate.services.mandates import held_in_tenant

AT_ONCE = 50
"""Notices that are shown together."""

_NOTHING = Unseen((), 0)


@dataclass(frozen=True, slots=True)
class TellChanges:
    """The use case over one installation."""

    notices: Notices
    office: Callable[[], Office]
    policies: LivePolicy

    def unseen(self, caller: Caller) -> Unseen:
        """What others changed; nothing for who administers nothing."""
        try:
            held = held_in_tenant(self.policies, caller)
        except NoPolicyError:
            return _NOTHING
        kinds = [kind for kind, told in TOLD_TO.items() if not told.isdisjoint(held)]
        account = self.office().directory.user(caller.scope, caller.subject.name) if kinds else None
        if account is None:
            return _NOTHING
        since = caller.context.now - TOLD_FOR
        if account.created_at is not None:
            since = max(since, account.created_at)
        return self.notices.unseen(caller.scope, account.name, kinds, since, AT_ONCE)

    def see(self, caller: Caller, up_to: int) -> int:
        """Say, on record, that what was shown up to this number has been seen; returns how many that were."""
        shown = [notice for notice in self.unseen(caller).notices if notice.number <= up_to]
        if not shown:
            return 0
        last, name = shown[0], caller.subject.name
        event = caller.change().event(
            EventKind.CHANGES_SEEN,
            "seen",
            name,
            study=None,
            changes=str(len(shown)),
            by=" ".join(sorted({notice.by for notice in shown})),
            last_at=last.at.isoformat(),
        )
        self.notices.note_seen(caller.scope, name, last.number, event)
        self.office().publish()
        return len(shown)
