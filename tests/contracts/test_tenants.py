"""Tenants and PACSes as they are kept, on every database."""

from dataclasses import replace
from threading import Barrier, Thread

import pytest

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.model.built_in_roles import TENANT_ADMINISTRATOR
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.extension_fields import ExtensionField, FieldType
from pacsgate.model.pacs_operation import PacsKind
from pacsgate.model.resource import DEFAULT_TENANT, PLATFORM_TENANT, ArchiveName, TenantName, TenantScope
from pacsgate.model.role import Assignment
from pacsgate.ports.pacs_adapters import PacsFeatures
from pacsgate.ports.tenants import PacsRecord, TenantRecord
from pacsgate.stores.stores import Stores
from tests.support.clocks import START
from tests.support.tenancy import OPERATOR, Tenancy

NORTH, SOUTH = TenantName("north"), TenantName("south")
FIELDS = {"licence": ExtensionField(FieldType.STRING, "Number", required=True)}
RECORD = TenantRecord(NORTH, "North", FIELDS, {}, START, "ops")
DOORS = PacsRecord(
    ArchiveName("doors"), "Doors", PacsKind.DOORS, "agent", None, {"readers": ["a", {"b": 1}]}, START, "nora"
)
EVENT = AuditEvent(EventKind.TENANT_CHANGED, START, OPERATOR, tenant=NORTH)


def test_a_tenant_is_told_as_it_was_kept(stores: Stores) -> None:
    stores.tenants.add_tenant(RECORD, EVENT)
    assert stores.tenants.tenant(TenantScope(NORTH)) == RECORD
    assert stores.tenants.tenants() == (DEFAULT_TENANT, NORTH, PLATFORM_TENANT)
    with pytest.raises(ConflictError):
        stores.tenants.add_tenant(RECORD, EVENT)
    changed = replace(RECORD, name="Far north", visit_fields=FIELDS)
    stores.tenants.change_tenant(changed, EVENT)
    assert stores.tenants.tenant(TenantScope(NORTH)) == changed
    with pytest.raises(NotFoundError):
        stores.tenants.change_tenant(replace(RECORD, tenant=SOUTH), EVENT)


def test_a_pacs_is_one_tenants_alone(stores: Stores) -> None:
    north, south = TenantScope(NORTH), TenantScope(SOUTH)
    stores.tenants.add_pacs(north, DOORS, EVENT)
    features = PacsFeatures(frozenset({"VisitCheckIn"}), {"MaxCredentialsPerEntity": None, "MaxVisits": 5})
    stores.tenants.report_features(north, DOORS.pacs, features)
    assert stores.tenants.pacs(north, DOORS.pacs) == replace(DOORS, features=features)
    assert stores.tenants.pacs(south, DOORS.pacs) is None
    assert stores.tenants.pacses(south) == ()
    with pytest.raises(NotFoundError):
        stores.tenants.remove_pacs(south, DOORS.pacs, EVENT)
    with pytest.raises(NotFoundError):
        stores.tenants.change_pacs(south, DOORS, EVENT)
    with pytest.raises(NotFoundError):
        stores.tenants.report_features(south, DOORS.pacs, features)
    stores.tenants.add_pacs(south, DOORS, EVENT)
    stores.tenants.remove_pacs(north, DOORS.pacs, EVENT)
    assert (stores.tenants.pacses(north), stores.tenants.pacses(south)) == ((), (DOORS,))


def test_counts_add_up_per_tenant_until_they_are_reset(stores: Stores) -> None:
    stores.tenants.add_tenant(RECORD, EVENT)
    for _ in range(2):
        stores.tenants.add_calls({(NORTH, "PacsList"): 3, (DEFAULT_TENANT, "PacsList"): 1}, START)
    stores.tenants.add_calls({(NORTH, "PacsGet"): 1}, START)
    north = TenantScope(NORTH)
    assert dict(stores.tenants.calls(north).calls) == {"PacsList": 6, "PacsGet": 1}
    stores.tenants.reset_calls(north, START, EVENT)
    assert dict(stores.tenants.calls(north).calls) == {}
    assert dict(stores.tenants.calls(TenantScope(DEFAULT_TENANT)).calls) == {"PacsList": 2}


def test_what_fails_on_the_way_leaves_nothing_of_a_registration(stores: Stores) -> None:
    here = Tenancy(stores, NORTH)
    here.register("nora")
    stores.directory.add_user(
        here.scope,
        replace(next(iter(stores.directory.users(here.scope))), name="person", assignments=()),
        EVENT,
    )
    before = stores.directory.users(here.scope)
    with pytest.raises(ConflictError, match="takes a service account"):
        here.pacs("doors", "person")
    assert stores.tenants.pacses(here.scope) == ()
    assert stores.directory.users(here.scope) == before


def test_of_two_who_leave_at_once_one_stays(stores: Stores) -> None:
    here = Tenancy(stores, NORTH)
    here.register("a0")
    here.users.add(here.change(), "a1")
    here.users.assign(here.change(), "a1", Assignment(TENANT_ADMINISTRATOR))
    together, refused = Barrier(2), []

    def leave(name: str) -> None:
        together.wait()
        try:
            here.users.set_disabled(here.change(), name, disabled=True)
        except ConflictError:
            refused.append(name)

    threads = [Thread(target=leave, args=(name,)) for name in ("a0", "a1")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    disabled = [user.name for user in stores.directory.users(here.scope) if user.disabled]
    assert (len(refused), len(disabled)) == (1, 1)
