"""How far each administrator has seen what others changed.

Called by `services` through `ports.notices`; rows are written by `changes`.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, func, insert, select

from pacsgate.audit.canonical import decode_event
from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.audit.notices import Notice
from pacsgate.model.resource import TenantScope
from pacsgate.ports.notices import Unseen
from pacsgate.stores.changes import post
from pacsgate.stores.database import Database
from pacsgate.stores.notice_schema import admin_notice, notice_seen


class SqlNotices:
    """`ports.notices.Notices` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unseen(
        self, scope: TenantScope, user: str, kinds: Collection[EventKind], since: datetime, limit: int
    ) -> Unseen:
        """The oldest changes by others that the account has not seen, and how many there are."""
        here = (notice_seen.c.tenant == scope.tenant) & (notice_seen.c.account == user)
        seen = select(func.coalesce(func.max(notice_seen.c.notice_pk), 0)).where(here).scalar_subquery()
        wanted = (
            admin_notice.c.tenant == scope.tenant,
            admin_notice.c.notice_pk > seen,
            admin_notice.c.at >= since,
            admin_notice.c.kind.in_([kind.name for kind in kinds]),
            admin_notice.c.actor != user,
        )
        oldest = (
            select(admin_notice.c.notice_pk, admin_notice.c.event)
            .where(*wanted)
            .order_by(admin_notice.c.notice_pk)
            .limit(limit)
        )
        with self._database.reading(scope.tenant) as connection:
            rows = connection.execute(oldest).all()
            total = connection.execute(
                select(func.count()).select_from(admin_notice).where(*wanted)
            ).scalar_one()
        told = tuple(Notice.of(number, decode_event(event)) for number, event in reversed(rows))
        return Unseen(told, total)

    def note_seen(self, scope: TenantScope, user: str, number: int, event: AuditEvent) -> None:
        """Remember how far the account has seen."""
        here = (notice_seen.c.tenant == scope.tenant) & (notice_seen.c.account == user)
        with self._database.writing(scope.tenant) as connection:
            before: int | None = connection.execute(select(notice_seen.c.notice_pk).where(here)).scalar()
            connection.execute(delete(notice_seen).where(here))
            connection.execute(
                insert(notice_seen).values(
                    tenant=scope.tenant, account=user, notice_pk=max(number, before or 0)
                )
            )
            post(connection, scope.tenant, event)
