"""Where the feeds of archives stand: `ports.feeds.FeedStore`.

Called by the feed, which writes, and by every process that asks whether it is current.
"""

import msgspec
from sqlalchemy import delete, insert, select

from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.ports.feeds import Anchor, FeedState
from pacsgate.stores.archive_schema import feed_state as table
from pacsgate.stores.database import Database

_anchors = msgspec.msgpack.Decoder(tuple[Anchor, ...])

_settled = msgspec.msgpack.Decoder(tuple[int, int, int])


class SqlFeeds:
    """`ports.feeds.FeedStore` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, scope: TenantScope, archive: ArchiveName) -> FeedState | None:
        """Where the feed of an archive stands; `None` if it never began."""
        columns = (table.c.cursor, table.c.anchors, table.c.crawled, table.c.current_at, table.c.settled)
        with self._database.reading(scope.tenant) as connection:
            row = connection.execute(
                select(*columns).where(table.c.tenant == scope.tenant, table.c.archive == archive)
            ).one_or_none()
        if row is None:
            return None
        anchors, settled = _anchors.decode(row.anchors), _settled.decode(row.settled)
        return FeedState(row.cursor, anchors, row.crawled, row.current_at, settled)

    def save(self, scope: TenantScope, archive: ArchiveName, state: FeedState) -> None:
        """Remember where it stands now."""
        here = (table.c.tenant == scope.tenant) & (table.c.archive == archive)
        with self._database.writing(scope.tenant) as connection:
            connection.execute(delete(table).where(here))
            connection.execute(
                insert(table).values(
                    tenant=scope.tenant,
                    archive=archive,
                    cursor=state.cursor,
                    anchors=msgspec.msgpack.encode(state.anchors),
                    crawled=state.crawled,
                    current_at=state.current_at,
                    settled=msgspec.msgpack.encode(state.settled),
                )
            )
