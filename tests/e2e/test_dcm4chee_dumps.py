"""A real database's dump of dcm4chee's tables is read as the database holds them, and takes back what is exported."""

import io
import random
import subprocess
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, text

from pacsgate.policy.foreign.dcm4chee.sql_dump import read_dump
from pacsgate.policy.foreign.dcm4chee.tables import Table
from pacsgate.protocols.dcm4chee.permission_table import TableRow, as_csv, as_sql
from tests.support.databases import cluster
from tests.support.servers import find_program

pytestmark = [pytest.mark.long, pytest.mark.server("postgresql")]

CREATE = """
CREATE TABLE study_permission (
    pk BIGSERIAL PRIMARY KEY,
    study_iuid VARCHAR(250) NOT NULL,
    action VARCHAR(250) NOT NULL,
    roles VARCHAR(250) NOT NULL
);
CREATE UNIQUE INDEX study_permission_idx ON study_permission (study_iuid, action, roles);
CREATE TABLE roles (user_id VARCHAR(250) NOT NULL, roles VARCHAR(250) NOT NULL);
CREATE TABLE note (pk BIGSERIAL PRIMARY KEY, said TEXT);
CREATE TABLE ae (
    pk BIGSERIAL PRIMARY KEY,
    aet VARCHAR(250) NOT NULL,
    hostname VARCHAR(250) NOT NULL,
    port INT4 NOT NULL,
    user_id VARCHAR(250)
);
"""
SIGNS = "aZ9 '\"\\;\t\n\r$`-/*%(),.\u00e9\u5c71\u202e"
TRAP = "x\n\\.\nINSERT INTO study_permission VALUES (9, '9', 'Q', 'Evil');\nCOPY roles (user_id, roles) FROM stdin;\n"
LAYOUTS = {
    "copy": (),
    "inserts": ("--inserts",),
    "columns": ("--column-inserts", "--rows-per-insert=3"),
    "conflicts": ("--inserts", "--on-conflict-do-nothing"),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with cluster() as server:
        yield server.empty_url()


@pytest.fixture(scope="module")
def rows() -> list[TableRow]:
    """What stands in the table: names made of every sign that means something somewhere."""
    chance = random.Random(5)  # noqa: S311 - the same names each time
    names = {"".join(chance.choices(SIGNS, k=chance.randint(1, 12))) for _ in range(60)} | {
        "Doctor",
        "\\",
        "'",
        "\\N",
    }
    return [TableRow(f"1.2.{number}", "Q", name) for number, name in enumerate(sorted(names))]


@pytest.fixture(scope="module")
def engine(url: str, rows: list[TableRow]) -> Iterator[Engine]:
    made = create_engine(url)
    with made.begin() as connection:
        connection.execute(text(CREATE))
        insert = (
            "INSERT INTO study_permission (study_iuid, action, roles) VALUES (:study_iuid, :action, :roles)"
        )
        connection.execute(text(insert), [row._asdict() for row in rows])
        connection.execute(text("INSERT INTO note (said) VALUES (:said)"), {"said": TRAP})
        connection.execute(text("INSERT INTO roles VALUES ('jane', 'Doctor')"))
        connection.execute(text("INSERT INTO ae (aet, hostname, port) VALUES ('CT1', 'ct1', 104)"))
    yield made
    made.dispose()


def dumped(engine: Engine, *options: str) -> list[str]:
    """What pg_dump writes of the database."""
    address = engine.url
    command = [
        find_program("pg_dump"),
        "-h",
        str(address.query["host"]),
        "-U",
        "gate",
        "-n",
        "public",
        *options,
    ]
    done = subprocess.run([*command, str(address.database)], capture_output=True, check=True, timeout=60)
    return list(io.StringIO(done.stdout.decode("utf-8"), newline=""))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_dump_is_read_as_the_database_holds_it(engine: Engine, rows: list[TableRow], layout: str) -> None:
    found = list(read_dump(dumped(engine, *LAYOUTS[layout]), "dump.sql"))
    permissions = [
        tuple(row.values.get(key) for key in TableRow._fields)
        for row in found
        if row.table is Table.PERMISSIONS
    ]
    assert permissions == [tuple(row) for row in rows]
    others = [(row.table, dict(row.values)) for row in found if row.table is not Table.PERMISSIONS]
    assert sorted(others, key=str) == sorted(
        [
            (Table.ROLES, {"user_id": "jane", "roles": "Doctor"}),
            (Table.ENTITIES, {"aet": "CT1", "hostname": "ct1", "port": "104"}),
        ],
        key=str,
    )


@pytest.mark.parametrize("layout", ["csv", "sql"])
def test_the_database_takes_back_what_is_exported(engine: Engine, rows: list[TableRow], layout: str) -> None:
    address = engine.url
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE study_permission"))
    database = str(address.database)
    command = [
        find_program("psql"),
        "-h",
        str(address.query["host"]),
        "-U",
        "gate",
        "-v",
        "ON_ERROR_STOP=1",
    ]
    if layout == "csv":
        copy = "\\copy study_permission (study_iuid, action, roles) FROM pstdin WITH (FORMAT csv, HEADER)"
        command, load = [*command, "-c", copy, database], "".join(as_csv(rows))
    else:
        command, load = [*command, "-f", "-", database], "".join(as_sql(rows))
    done = subprocess.run(command, input=load.encode("utf-8"), capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    with engine.connect() as connection:
        held = connection.execute(text("SELECT study_iuid, action, roles FROM study_permission")).all()
    assert sorted(map(tuple, held)) == sorted(map(tuple, rows))
