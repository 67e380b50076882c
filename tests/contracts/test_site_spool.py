"""What every store of an agent's own promises; an agent has a file of its own."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pacsgate.model.access import HolderKey, HolderKind, PacsPlace
from pacsgate.model.resource import ArchiveName, TenantName
from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.ports.site import Happening, PendingResponse
from pacsgate.stores.database import Database, open_database
from pacsgate.stores.site import spool as spool_module
from pacsgate.stores.site.doors import SqlDoors
from pacsgate.stores.site.spool import SqlSiteSpool
from tests.support.databases import sqlite_url
from tests.support.indexing import SEEN

HERE = PacsPlace(TenantName("north"), ArchiveName("doors"))
THERE = PacsPlace(TenantName("north"), ArchiveName("annex"))
ANN = HolderKey(HolderKind.IDENTITY, "ann")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(sqlite_url(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def spool(database: Database) -> SqlSiteSpool:
    return SqlSiteSpool(database)


def test_responses_are_told_in_the_order_in_which_they_were_made(spool: SqlSiteSpool) -> None:
    made = [PendingResponse(f"m{n}", "l", Outcome(200, {"n": [n, None]})) for n in (3, 1, 2)]
    for number, response in enumerate(made):
        spool.put_response(HERE, response, SEEN + timedelta(seconds=number))
    assert spool.responses(HERE) == made
    assert spool.responses(THERE) == []


def test_a_command_that_was_fetched_again_is_answered_under_its_new_lease_alone(spool: SqlSiteSpool) -> None:
    old, new = (PendingResponse("m", lease, Outcome(204)) for lease in ("old", "new"))
    spool.put_response(HERE, old, SEEN)
    spool.put_response(HERE, new, SEEN)
    spool.drop_response(HERE, old)
    assert spool.responses(HERE) == [new]
    spool.drop_response(HERE, new)
    assert spool.responses(HERE) == []


def test_an_event_s_id_is_its_own_for_ever_also_after_it_was_forgotten_and_in_another_database(
    spool: SqlSiteSpool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "MOST_EVENTS", 1)
    ids = [spool.add_event(HERE, Happening("k", SEEN)).event_id for _ in range(3)]
    assert [event.event_id for event in spool.events(HERE, None, 9)] == ids[2:]
    (tmp_path / "other").mkdir()
    other = open_database(sqlite_url(tmp_path / "other"))
    ids.append(SqlSiteSpool(other).add_event(HERE, Happening("k", SEEN)).event_id)
    other.close()
    assert len(set(ids)) == 4


def test_log_lines_are_told_from_the_oldest_and_forgotten_when_told(spool: SqlSiteSpool) -> None:
    for event in ("one", "two", "three"):
        spool.add_log(HERE, SEEN, "info", event, {"a": "b"})
    first, second = spool.logs(HERE, 2)
    assert [first.entry.event, second.entry.event] == ["one", "two"]
    spool.drop_logs(HERE, second.number)
    (left,) = spool.logs(HERE, 9)
    assert left.entry.event == "three"
    spool.drop_logs(HERE, left.number)
    spool.add_log(HERE, SEEN, "info", "four", {})
    assert spool.logs(HERE, 9)[0].entry.entry_id not in {
        each.entry.entry_id for each in (first, second, left)
    }


def test_cursors_stand_where_they_were_put(spool: SqlSiteSpool) -> None:
    assert spool.cursor(HERE, "a") is None
    for value in ("1", "2"):
        spool.set_cursor(HERE, "a", value)
    assert (spool.cursor(HERE, "a"), spool.cursor(THERE, "a"), spool.cursor(HERE, "b")) == ("2", None, None)


def test_doors_know_where_people_are_until_they_forget(database: Database) -> None:
    doors = SqlDoors(database)
    assert doors.zone_of(HERE, ANN) is None
    for zone in ("lobby", ""):
        doors.move(HERE, ANN, zone, SEEN)
    assert doors.zone_of(HERE, ANN) == ""
    assert doors.people(HERE) == [("identity/ann", "")]
    assert doors.people(THERE) == []
    assert doors.forget(HERE, ANN)
    assert not doors.forget(HERE, ANN)
    doors.set_plan(HERE, "{}")
    doors.set_plan(HERE, "[]")
    assert (doors.plan(HERE), doors.plan(THERE)) == ("[]", None)
