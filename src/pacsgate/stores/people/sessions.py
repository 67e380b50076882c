"""Browser sessions, found by the SHA-256 of their cookie, and the one-time code of a fresh installation.

Called by `directory`.

Invariants:
- a session that ends moves the users' epoch, so that no process goes on serving it.
"""

from datetime import datetime

from sqlalchemy import BigInteger, cast, delete, insert, or_, type_coerce, update

from pacsgate.audit.events import AuditEvent
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.ports import SessionRecord
from pacsgate.stores.changes import Topic, change
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.dialects import Instant
from pacsgate.stores.packing import pack_strings, unpack_strings
from pacsgate.stores.people.table import Family
from pacsgate.stores.people_schema import setup_code, web_session
from pacsgate.stores.tenant_wall import ANY_TENANT

_MICROSECONDS = 1_000_000


class Sessions(Family):
    """The sessions of `ports.Directory`."""

    def session(self, cookie_sha256: bytes) -> tuple[TenantName, SessionRecord] | None:
        """A session by its cookie, which also says whose tenant it is of."""
        row = self._one(ANY_TENANT, web_session, web_session.c.cookie_sha256 == cookie_sha256)
        if row is None:
            return None
        return TenantName(row.tenant), _record(row)

    def sessions(
        self,
        scope: TenantScope,
        *,
        user: str | None = None,
        source: str | None = None,
        source_session: str | None = None,
    ) -> tuple[SessionRecord, ...]:
        """Those that the named user, source and session there have in common; oldest first."""
        wanted = [
            column == value
            for column, value in (
                (web_session.c.account, user),
                (web_session.c.source, source),
                (web_session.c.source_session, source_session),
            )
            if value is not None
        ]
        rows = self._all(scope.tenant, web_session, web_session.c.tenant == scope.tenant, *wanted)
        return tuple(sorted(map(_record, rows), key=lambda record: record.created_at))

    def add_session(self, scope: TenantScope, session: SessionRecord) -> None:
        """Keep a new session."""
        with self._database.writing(scope.tenant) as connection:
            connection.execute(insert(web_session).values(_columns(scope, session)))

    def replace_session(self, scope: TenantScope, ended: bytes, session: SessionRecord) -> bool:
        """Keep a session in place of another; of two calls for the same one only the first does."""
        with change(self._database, scope.tenant, Topic.USERS, None) as connection:
            here = (web_session.c.tenant == scope.tenant) & (web_session.c.cookie_sha256 == ended)
            if not connection.execute(delete(web_session).where(here)).rowcount:
                return False
            connection.execute(insert(web_session).values(_columns(scope, session)))
        return True

    def touch_session(self, scope: TenantScope, cookie_sha256: bytes, at: datetime) -> None:
        """Remember when a session was last used."""
        with self._database.writing(scope.tenant) as connection:
            connection.execute(
                update(web_session)
                .where(web_session.c.tenant == scope.tenant, web_session.c.cookie_sha256 == cookie_sha256)
                .values(last_seen_at=at)
            )

    def weaken_session(self, scope: TenantScope, cookie_sha256: bytes) -> None:
        """Take back all that was proven besides the password."""
        with change(self._database, scope.tenant, Topic.USERS, None) as connection:
            connection.execute(
                update(web_session)
                .where(web_session.c.tenant == scope.tenant, web_session.c.cookie_sha256 == cookie_sha256)
                .values(assurance_level=1, second_factor_at=None, methods=pack_strings(()))
            )

    def end_session(self, scope: TenantScope, cookie_sha256: bytes, event: AuditEvent | None = None) -> None:
        """End one session; one that has ended already stays so."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            connection.execute(
                delete(web_session).where(
                    web_session.c.tenant == scope.tenant, web_session.c.cookie_sha256 == cookie_sha256
                )
            )

    def end_sessions_of(self, scope: TenantScope, user: str) -> int:
        """End all sessions of one user; returns how many there were."""
        with change(self._database, scope.tenant, Topic.USERS, None) as connection:
            return connection.execute(
                delete(web_session).where(web_session.c.tenant == scope.tenant, web_session.c.account == user)
            ).rowcount

    def forget_sessions(self, scope: TenantScope, *, now: datetime) -> int:
        """Forget sessions that time has ended.  No epoch moves: nobody serves them any more.

        The last use is noted a little late, so that a session may look idle while it is not.
        """
        rested_out = type_coerce(web_session.c.last_seen_at, BigInteger) + (
            2 * _MICROSECONDS * cast(web_session.c.idle_seconds, BigInteger)
        )
        return self._forget(
            scope.tenant,
            web_session,
            web_session.c.tenant == scope.tenant,
            or_(type_coerce(rested_out, Instant) < now, web_session.c.expires_at <= now),
        )

    def setup_code_sha256(self, scope: TenantScope, now: datetime) -> bytes | None:
        """The hash of the code that makes the first administrator, while it waits to be used."""
        row = self._one(
            scope.tenant, setup_code, setup_code.c.tenant == scope.tenant, setup_code.c.expires_at > now
        )
        return None if row is None else row.code_sha256

    def set_setup_code(self, scope: TenantScope, code_sha256: bytes, expires_at: datetime) -> None:
        """Replace the code."""
        with self._database.writing(scope.tenant) as connection:
            connection.execute(delete(setup_code).where(setup_code.c.tenant == scope.tenant))
            connection.execute(
                insert(setup_code).values(tenant=scope.tenant, code_sha256=code_sha256, expires_at=expires_at)
            )

    def forget_setup_code(self, scope: TenantScope) -> None:
        """End the code."""
        self._forget(scope.tenant, setup_code, setup_code.c.tenant == scope.tenant)


def _columns(scope: TenantScope, session: SessionRecord) -> dict[str, object]:
    return {
        "tenant": scope.tenant,
        "cookie_sha256": session.cookie_sha256,
        "account": session.user,
        "created_at": session.created_at,
        "last_seen_at": session.last_seen_at,
        "expires_at": session.expires_at,
        "csrf_token": session.csrf_token,
        "authenticated_at": session.authenticated_at,
        "methods": pack_strings(session.methods),
        "assurance_level": session.assurance_level,
        "second_factor_at": session.second_factor_at,
        "source": session.source,
        "source_session": session.source_session,
        "client_address": session.client_address,
        "user_agent": session.user_agent,
        "idle_seconds": session.idle_seconds,
    }


def _record(row: AnyRow) -> SessionRecord:
    return SessionRecord(
        cookie_sha256=row.cookie_sha256,
        user=row.account,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        csrf_token=row.csrf_token,
        authenticated_at=row.authenticated_at,
        methods=unpack_strings(row.methods),
        assurance_level=row.assurance_level,
        second_factor_at=row.second_factor_at,
        source=row.source,
        source_session=row.source_session,
        client_address=row.client_address,
        user_agent=row.user_agent,
        idle_seconds=row.idle_seconds,
    )
