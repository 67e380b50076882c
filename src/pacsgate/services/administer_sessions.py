"""Browser sessions that are listed and ended by others than the browser: their owner elsewhere, an
administrator, the identity provider that began them.

A session is named by a public id, which is worth nothing by itself.

Called by the security page, the administration API, the command line, and by the back-channel logout of
identity sources.

Invariants:
- nobody ends or sees a session of somebody else as their own;
- what is ended is ended in every process when the call returns, and is on record.

Standard: OWASP ASVS 5.0 7.4.4, 7.4.5, 7.5.2; OpenID Connect Back-Channel Logout 1.0.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from pacsgate.audit.events import EventKind
from pacsgate.model.errors import NotFoundError
from pacsgate.model.resource import TenantScope
from pacsgate.ports import SessionRecord, session_public_id
from pacsgate.services.administration import Change, Office
from pacsgate.services.callers import Caller


@dataclass(frozen=True, slots=True)
class ListedSession:
    """One session as somebody may see it."""

    public_id: str
    record: SessionRecord
    is_this: bool = False
    """Whether the one who looks came with it."""


class SessionAdministration:
    """The sessions of everybody in a tenant."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._directory = office.directory

    def sessions(self, scope: TenantScope, now: datetime, user: str | None = None) -> list[ListedSession]:
        """Those that are going on, of everybody or of one user; the one used last comes first."""
        held = [record for record in self._directory.sessions(scope, user=user) if record.is_going_on(now)]
        held.sort(key=lambda record: record.last_seen_at, reverse=True)
        return [ListedSession(session_public_id(record), record) for record in held]

    def end(self, change: Change, public_id: str, *, user: str | None = None) -> None:
        """End one session, of this user if one is named.  Raises `NotFoundError`."""
        for record in self._directory.sessions(change.scope, user=user):
            if session_public_id(record) == public_id:
                self._end(change, [record], "ended")
                return
        raise NotFoundError(f"no session has the id `{public_id}`: it may have ended already")

    def end_all(self, change: Change, user: str, *, but: str | None = None) -> int:
        """End every session of a user, or all but one; returns how many were going on."""
        held = self._directory.sessions(change.scope, user=user)
        return self._end(change, [one for one in held if session_public_id(one) != but], "ended")

    def end_of_source(
        self, change: Change, source: str, *, user: str | None = None, source_session: str | None = None
    ) -> int:
        """End what a session or a person at an identity source began here; returns how many there were.

        Raises `ValueError` when neither is named: a logout there never ends everybody's sessions.
        """
        if user is None and source_session is None:
            raise ValueError("a logout names a person or a session")
        found = self._directory.sessions(
            change.scope, user=user, source=source, source_session=source_session
        )
        return self._end(change, found, "ended by its source")

    def _end(self, change: Change, records: Iterable[SessionRecord], word: str) -> int:
        going_on = 0
        for record in records:
            event = change.event(
                EventKind.SIGN_OUT, f"session {word}", record.user, session=session_public_id(record)
            )
            self._directory.end_session(change.scope, record.cookie_sha256, event)
            going_on += record.is_going_on(change.at)
        self._office.publish()
        return going_on


class OwnSessions:
    """The sessions of whoever asks."""

    def __init__(self, office: Office) -> None:
        self._all = SessionAdministration(office)

    def sessions(self, caller: Caller) -> list[ListedSession]:
        """One's own; the one in use is marked."""
        subject = caller.subject
        return [
            replace(listed, is_this=listed.public_id == subject.credential_id)
            for listed in self._all.sessions(caller.scope, caller.context.now, subject.name)
        ]

    def end(self, caller: Caller, public_id: str) -> None:
        """End one of one's own.  Raises `NotFoundError` for anything else."""
        self._all.end(caller.change(), public_id, user=caller.subject.name)

    def end_others(self, caller: Caller) -> int:
        """End all of one's own but the one in use; returns how many were going on."""
        subject = caller.subject
        return self._all.end_all(caller.change(), subject.name, but=subject.credential_id)
