"""What every store of agents' reports promises."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.model.pacs_operation import PacsKind
from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.ports import UserRecord
from pacsgate.ports.pacs_adapters import PacsEvent
from pacsgate.ports.pacs_reports import LogEntry, Told
from pacsgate.ports.tenants import PacsRecord
from pacsgate.stores.agents import reports
from pacsgate.stores.stores import Stores
from tests.support.databases import Cluster, sqlite_url
from tests.support.indexing import SCOPE, SEEN

OTHER = TenantScope(TenantName("other"))
DOORS, ANNEX = ArchiveName("doors"), ArchiveName("annex")
EVENT = AuditEvent(EventKind.USER_CHANGED, SEEN, Actor("op", verified=True))
PASSED = AuditEvent(EventKind.DOOR_PASSED, SEEN, Actor("ann", verified=False))


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=[pytest.mark.server("postgresql"), pytest.mark.long]),
    ]
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """As for all contracts, but sooner: there is nothing here in which the databases differ."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    server: Cluster = request.getfixturevalue("postgresql")
    return server.url()


def passed(number: int, zone: str | None, account: str | None = "ann") -> PacsEvent:
    return PacsEvent(f"e-{number}", "access-granted", SEEN, "identity/ann", account, zone, {"door": "d1"})


def tell(
    stores: Stores,
    *events: PacsEvent,
    pacs: ArchiveName = DOORS,
    scope: TenantScope = SCOPE,
    audit: AuditEvent | None = None,
    is_all: bool = True,
) -> int:
    told = [Told(event, audit) for event in events]
    return stores.reports.take_events(scope, pacs, told, SEEN, is_all=is_all)


def zones(stores: Stores, scope: TenantScope = SCOPE, name: str = "ann") -> Iterable[str] | None:
    user = stores.directory.user(scope, name)
    assert user is not None
    return user.zones


@pytest.fixture
def people(stores: Stores) -> Stores:
    for name in ("ann", "bob"):
        stores.directory.add_user(SCOPE, UserRecord(name, "user"), EVENT)
    stores.directory.add_user(OTHER, UserRecord("zoe", "user"), EVENT)
    return stores


def test_events_come_back_newest_first_and_page_by_page(stores: Stores) -> None:
    told = [passed(number, None) for number in range(5)]
    assert tell(stores, *told) == 5
    found = stores.reports.events(SCOPE, DOORS, before=None, limit=3)
    assert [kept.event for kept in found] == [told[4], told[3], told[2]]
    rest = stores.reports.events(SCOPE, DOORS, before=found[-1].number, limit=3)
    assert [kept.event for kept in rest] == [told[1], told[0]]


def test_an_event_that_is_told_twice_counts_once_with_its_line_for_the_trail(stores: Stores) -> None:
    first, second = passed(1, None), passed(2, None)
    assert tell(stores, first, first, audit=PASSED) == 1
    assert tell(stores, first, second, audit=PASSED) == 1
    assert len(stores.outbox.pending()) == 2
    assert len(stores.reports.events(SCOPE, DOORS, before=None, limit=9)) == 2


def test_the_same_id_is_another_event_in_another_pacs_and_tenant(stores: Stores) -> None:
    assert tell(stores, passed(1, None)) == 1
    assert tell(stores, passed(1, None), pacs=ANNEX) == 1
    assert tell(stores, passed(1, None), scope=OTHER) == 1
    assert len(stores.reports.events(OTHER, DOORS, before=None, limit=9)) == 1


def test_only_the_newest_are_kept(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MOST_EVENTS", 3)
    tell(stores, *(passed(number, None) for number in range(5)))
    tell(stores, passed(9, None))
    kept = stores.reports.events(SCOPE, DOORS, before=None, limit=9)
    assert [each.event.event_id for each in kept] == ["e-9", "e-4", "e-3"]


def test_log_entries_count_once_and_come_back(stores: Stores) -> None:
    entry = LogEntry("l-1", SEEN, "warning", "lost the gate", {"attempt": "3"})
    assert stores.reports.take_logs(SCOPE, DOORS, [entry], SEEN) == 1
    assert stores.reports.take_logs(SCOPE, DOORS, [entry], SEEN) == 0
    (kept,) = stores.reports.logs(SCOPE, DOORS, before=None, limit=9)
    assert kept.entry == entry
    assert stores.reports.logs(SCOPE, ANNEX, before=None, limit=9) == ()


def test_somebody_is_where_the_last_event_says(people: Stores) -> None:
    assert zones(people) is None
    tell(people, passed(1, "lobby"), passed(2, "reading room"))
    assert zones(people) == {"reading room", "doors/reading room"}
    tell(people, passed(3, None))
    assert zones(people) == {"reading room", "doors/reading room"}
    tell(people, passed(4, ""))
    assert zones(people) == frozenset()
    assert zones(people, name="bob") is None


def test_an_event_that_is_told_again_moves_nobody_back(people: Stores) -> None:
    tell(people, passed(1, "lobby"))
    tell(people, passed(2, ""))
    tell(people, passed(1, "lobby"))
    assert zones(people) == frozenset()


def test_two_door_systems_may_each_know_of_somebody(people: Stores) -> None:
    tell(people, passed(1, "lobby"))
    tell(people, passed(1, "vault"), pacs=ANNEX)
    assert zones(people) == {"lobby", "doors/lobby", "vault", "annex/vault"}
    tell(people, passed(2, ""), pacs=ANNEX)
    assert zones(people) == {"lobby", "doors/lobby"}


def test_no_agent_puts_anybody_into_a_zone_that_bears_the_name_of_another_pacs(people: Stores) -> None:
    tell(people, passed(1, "doors/lobby"), pacs=ANNEX)
    assert zones(people) == {"annex/doors/lobby"}


def test_no_agent_moves_an_account_of_another_tenant_or_one_that_nobody_has(people: Stores) -> None:
    tell(people, passed(1, "lobby", "zoe"), passed(2, "lobby", "nobody"))
    assert zones(people, OTHER, "zoe") is None
    assert people.reports.whereabouts(SCOPE) == people.reports.whereabouts(OTHER) == ()


def test_the_epoch_moves_only_when_somebody_has(people: Stores) -> None:
    tell(people, passed(1, "lobby"))
    before = people.epochs.current().users
    tell(people, passed(2, "lobby"), passed(3, None), passed(4, "vault", "nobody"))
    assert people.epochs.current().users == before
    tell(people, passed(5, "vault"))
    assert people.epochs.current().users > before


def test_a_silent_agent_is_believed_no_more_until_it_has_told_everything(people: Stores) -> None:
    tell(people, passed(1, "lobby"))
    assert people.reports.silence(SEEN, SEEN) == ()
    before = people.epochs.current().users
    later = SEEN + timedelta(seconds=1)
    assert people.reports.silence(later, later) == ((SCOPE.tenant, DOORS),)
    assert people.epochs.current().users > before
    assert zones(people) is None
    assert people.reports.whereabouts(SCOPE) == ()
    assert people.reports.silence(later, later) == ()
    tell(people, passed(2, "vault"), is_all=False)
    assert zones(people) is None
    before = people.epochs.current().users
    tell(people)
    assert zones(people) == {"vault", "doors/vault"}
    assert people.epochs.current().users > before
    contact = people.reports.contact(SCOPE, DOORS)
    assert contact is not None
    assert not contact.is_silent


def test_a_contact_that_is_still_to_come_since_the_clock_was_set_back_is_none(people: Stores) -> None:
    tell(people, passed(1, "lobby"))
    earlier = SEEN - timedelta(hours=1)
    assert people.reports.silence(earlier, earlier) == ((SCOPE.tenant, DOORS),)
    assert zones(people) is None


def test_an_agent_that_has_never_told_everything_is_not_believed(people: Stores) -> None:
    tell(people, passed(1, "lobby"), is_all=False)
    assert zones(people) is None
    assert people.reports.contact(SCOPE, DOORS) is None


def test_whoever_gets_a_name_later_is_not_where_its_last_owner_was(people: Stores) -> None:
    tell(people, passed(1, "lobby"))
    people.directory.remove_user(SCOPE, "ann", EVENT)
    people.directory.add_user(SCOPE, UserRecord("ann", "user"), EVENT)
    assert zones(people) is None


def test_with_a_pacs_goes_all_that_it_has_reported(people: Stores) -> None:
    people.tenants.add_pacs(SCOPE, PacsRecord(DOORS, "Doors", PacsKind.DOORS, "agent"), EVENT)
    tell(people, passed(1, "lobby"))
    tell(people, passed(1, "vault"), pacs=ANNEX)
    before = people.epochs.current().users
    people.tenants.remove_pacs(SCOPE, DOORS, EVENT)
    assert zones(people) == {"vault", "annex/vault"}
    assert people.epochs.current().users > before
    assert people.reports.contact(SCOPE, DOORS) is None
    assert people.reports.events(SCOPE, DOORS, before=None, limit=9) == ()
