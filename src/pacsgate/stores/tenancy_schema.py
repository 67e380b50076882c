"""The tables of tenants, their PACSes and their calls, as they are now.

Called by `tenants`, and by `schema`, which gathers all tables.

Invariants:
- `tenant` leads every primary key.
"""

from sqlalchemy import Column, LargeBinary, Table

from pacsgate.stores.columns import bytes_column, metadata, number_column, text_column
from pacsgate.stores.dialects import Instant

tenant = Table(
    "tenant",
    metadata,
    text_column("tenant", key=True),
    text_column("name"),
    bytes_column("identity_fields"),
    bytes_column("visit_fields"),
    Column("registered_at", Instant),
    text_column("registered_by"),
    Column("counted_since", Instant),
)
"""`counted_since` is when its calls were last counted from nothing."""

tenant_call = Table(
    "tenant_call",
    metadata,
    text_column("tenant", key=True),
    text_column("operation", key=True),
    number_column("calls"),
)

pacs = Table(
    "pacs",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    text_column("name"),
    text_column("kind"),
    text_column("agent"),
    Column("features", LargeBinary),
    bytes_column("configuration"),
    Column("registered_at", Instant),
    text_column("registered_by"),
)
"""Those behind an agent; `features` is absent until the agent has said what it can do."""
