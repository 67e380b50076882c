"""Where the study index, the people and the revisions are kept: the only floor that knows tables.

`database.open_database` opens an installation's database (SQLite by default,
PostgreSQL); `stores.Stores` bundles the adapters for the ports that stand on it.

Invariants:
- `tenant` leads every primary key and every unique index;
- what differs between databases is in `dialects` and nowhere else.
"""
