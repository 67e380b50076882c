"""Browser sessions, found by the SHA-256 of their cookie, and the one-time code of a fresh installation.

Called by `directory`.

Invariants:
- a session that ends moves the users' epoch, so that no process goes on serving it.
"""

from datetime import datetime

from sqlalchemy import delete, insert, or_, update

from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.ports import SessionRecord
from pacsgate.stores.changes import Topic, change
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.packing import pack_strings, unpack_strings
from pacsgate.stores.people.table import Family
from pacsgate.stores.people_schema import setup_code, web_session


class Sessions(Family):
    """The sessions of `ports.Directory`."""

    def session(self, cookie_sha256: bytes) -> tuple[TenantName, SessionRecord] | None:
        """A session by its cookie, which also says whose tenant it is of."""
        row = self._one(web_session, web_session.c.cookie_sha256 == cookie_sha256)
        if row is None:
            return None
        return TenantName(row.tenant), _record(row)

    def add_session(self, scope: TenantScope, session: SessionRecord) -> None:
        """Keep a new session."""
        with self._database.writing() as connection:
            connection.execute(
                insert(web_session).values(
                    tenant=scope.tenant,
                    cookie_sha256=session.cookie_sha256,
                    account=session.user,
                    created_at=session.created_at,
                    last_seen_at=session.last_seen_at,
                    expires_at=session.expires_at,
                    csrf_token=session.csrf_token,
                    authenticated_at=session.authenticated_at,
                    methods=pack_strings(session.methods),
                    assurance_level=session.assurance_level,
                    second_factor_at=session.second_factor_at,
                    source=session.source,
                    source_session=session.source_session,
                    client_address=session.client_address,
                    user_agent=session.user_agent,
                    idle_seconds=session.idle_seconds,
                )
            )

    def touch_session(self, scope: TenantScope, cookie_sha256: bytes, at: datetime) -> None:
        """Remember when a session was last used."""
        with self._database.writing() as connection:
            connection.execute(
                update(web_session)
                .where(web_session.c.tenant == scope.tenant, web_session.c.cookie_sha256 == cookie_sha256)
                .values(last_seen_at=at)
            )

    def end_session(self, scope: TenantScope, cookie_sha256: bytes) -> None:
        """End one session; one that has ended already stays so."""
        with change(self._database, scope.tenant, Topic.USERS, None) as connection:
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

    def forget_sessions(self, scope: TenantScope, *, idle_since: datetime, now: datetime) -> int:
        """Forget sessions that time has ended.  No epoch moves: nobody serves them any more."""
        return self._forget(
            web_session,
            web_session.c.tenant == scope.tenant,
            or_(web_session.c.last_seen_at < idle_since, web_session.c.expires_at <= now),
        )

    def setup_code_sha256(self, scope: TenantScope) -> bytes | None:
        """The hash of the code that makes the first administrator, while it waits to be used."""
        row = self._one(setup_code, setup_code.c.tenant == scope.tenant)
        return None if row is None else row.code_sha256

    def set_setup_code(self, scope: TenantScope, code_sha256: bytes | None) -> None:
        """Replace the code; `None` once it was used."""
        with self._database.writing() as connection:
            connection.execute(delete(setup_code).where(setup_code.c.tenant == scope.tenant))
            if code_sha256 is not None:
                connection.execute(insert(setup_code).values(tenant=scope.tenant, code_sha256=code_sha256))


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
