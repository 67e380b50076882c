"""What SQLite's planner is told of the index, so that every installation gets the same query plans.

Because the tenant leads every index and an installation may have only one, SQLite
without statistics takes `tenant = ?` for a narrow condition and may walk a whole
table.  Statistics gathered from data would help, and would let a plan that was
tested turn into another overnight.  So the numbers are written down, once, for
the shape that a hospital has: one tenant, a million studies of three series.

PostgreSQL gathers its own; its planner tells leading columns apart by itself.

Called by `migrate`, after each change of the schema.

Standard: none; the format is that of `sqlite_stat1`, "The Query Planner" in SQLite's manual.
"""

from sqlalchemy import Connection, text

STATISTICS = (
    # Table, index, rows, and for each leading part of the index the rows that share one value of it.
    ("study", "sqlite_autoindex_study_1", "1000000 1000000 1"),
    ("study", "ux_study_natural", "1000000 1000000 1000000 1 1 1"),
    ("study", "ix_study_newest", "1000000 1000000 1000000 1 1 1"),
    ("study", "ix_study_kind", "1000000 1000000 500 1 1"),
    ("study", "ix_study_patient_id", "1000000 1000000 1000000 3"),
    ("study", "ix_study_accession_number", "1000000 1000000 1000000 2"),
    ("study", "ix_study_patient_name", "1000000 1000000 1000000 3"),
    ("study_value", "study_value", "1000000 1000000 1000000 1000000 200 1 1"),
    ("study_value", "ix_study_value_study", "1000000 1000000 1"),
    ("study_permission", "study_permission", "3000000 3000000 3 3 2 1"),
    ("study_permission", "ix_study_permission_grantee", "3000000 3000000 1000000 60000"),
    ("study_change", "study_change", "10000 10000 1 1"),
    ("series", "sqlite_autoindex_series_1", "3000000 3000000 3 1 1"),
    ("series", "ix_series_uid", "3000000 3000000 3000000 1"),
    ("access_class", "sqlite_autoindex_access_class_1", "4000 4000 1"),
    ("access_class", "ux_access_class_digest", "4000 4000 1"),
    ("class_fact", "class_fact", "48000 48000 4000 2000 400 400 1"),
    ("class_fact", "ix_class_fact_class", "48000 48000 12"),
    ("access_kind", "sqlite_autoindex_access_kind_1", "2000 2000 1"),
    ("access_kind", "ux_access_kind_digest", "2000 2000 2000 1"),
    ("access_kind", "ix_access_kind_changed", "2000 2000 2000 2"),
    ("access_kind", "ix_access_kind_class", "2000 2000 2"),
    ("kind_part", "sqlite_autoindex_kind_part_1", "4000 4000 2 1"),
    ("kind_part", "ix_kind_part_class", "4000 4000 2"),
)


def write_statistics(connection: Connection) -> None:
    """Replace whatever statistics there are.  Connections opened afterwards use them."""
    # Makes the table if there is none; it cannot be created by name.
    connection.execute(text("ANALYZE"))
    connection.execute(text("DELETE FROM sqlite_stat1"))
    connection.execute(
        text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:table, :index, :numbers)"),
        [{"table": table, "index": index, "numbers": numbers} for table, index, numbers in STATISTICS],
    )
