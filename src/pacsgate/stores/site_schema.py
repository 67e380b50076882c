"""The tables in an agent's own database: what it has still to tell, and the state of simulated doors.

They stand in the same schema as all others, so that one set of migrations serves both; in the database of a
gate they stay empty.

Called by the stores in `site`, and by `schema`, which gathers all tables.

Invariants:
- `tenant` leads every primary key and every unique index.
"""

from sqlalchemy import Column, Index, Integer, Table

from pacsgate.stores.columns import metadata, number_column, text_column
from pacsgate.stores.dialects import Instant

site_response = Table(
    "site_response",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    text_column("message_id", key=True),
    text_column("lease"),
    Column("status", Integer, nullable=False),
    text_column("body"),
    Column("made_at", Instant, nullable=False),
)
"""What came of commands, until the gate has taken it."""

site_event = Table(
    "site_event",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    number_column("number", key=True),
    text_column("event_id"),
    text_column("event"),
    Index("ux_site_event_event_id", "tenant", "pacs", "event_id", unique=True),
)
"""What happened on site."""

site_log = Table(
    "site_log",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    number_column("number", key=True),
    text_column("entry_id"),
    text_column("entry"),
)
"""Lines of the agent's own log, until the gate has taken them."""

site_cursor = Table(
    "site_cursor",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    text_column("name", key=True),
    text_column("value"),
)
"""How far something has got."""

door_plan = Table(
    "door_plan",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    text_column("plan"),
)
"""The doors, zones and schedules of a simulated site."""

door_whereabouts = Table(
    "door_whereabouts",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    text_column("holder", key=True),
    text_column("zone"),
    Column("since", Instant, nullable=False),
)
"""In which zone of a simulated site a holder is; `""` is outside."""
