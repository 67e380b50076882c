"""Tenants, PACSes and roles over the API, in both trees: what is asked for is done, and nothing else."""

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.model.built_in_roles import AGENT_INSTANCE, PACS_ADMINISTRATOR, TENANT_ADMINISTRATOR
from pacsgate.model.errors import ConflictError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.services.warrants import NO_PACS, NO_TENANT
from tests.support.tenanted_gate import (
    AGENT,
    ARCHIVE,
    FOREIGN,
    FOREIGN_PACS,
    HERE,
    OWN,
    REGISTRATOR,
    THERE,
    UNKNOWN,
    TenantedGate,
)

NEW = {"tenantAdministratorUid": "nora", "name": "North Hospital"}
FIELDS = {"licence": {"type": "string", "description": "Number", "required": True}}


def test_a_tenant_is_registered_with_an_administrator_who_governs_it(tenanted: TenantedGate) -> None:
    gate, path = tenanted.gate, "/ais/v1/tenant/north"
    made = gate.ask(REGISTRATOR, "PUT", path, {**NEW, "identityExtensionFields": FIELDS})
    assert (made.status, made.headers["location"]) == (201, path)
    assert made.body["identityExtensionFields"] == FIELDS
    assert gate.ask(REGISTRATOR, "PUT", path, {**NEW, "tenantAdministratorUid": "other"}).status == 409
    tenanted.enter("nora", TenantName("north"))
    assert gate.ask("nora", "GET", "/api/v1/tenants/north").body == made.body
    assert gate.ask("nora", "GET", "/api/v1/tenants/north/pacs").body == {"pacs": [], "next": None}
    assert gate.office.directory.user(TenantScope(TenantName("north")), "other") is None
    told = [event for event in gate.events(EventKind.TENANT_CHANGED) if event.tenant == "north"]
    assert [(event.details["change"], event.actor.name) for event in told] == [("registered", "platform/ops")]


@pytest.mark.parametrize("name", ["default", "platform"])
def test_names_that_are_taken_from_the_beginning_are_not_registered(
    tenanted: TenantedGate, name: str
) -> None:
    assert tenanted.gate.ask(REGISTRATOR, "PUT", f"/tenants/{name}", NEW).status == 409


@pytest.mark.parametrize(
    "body",
    [
        {"name": "N"},
        {**NEW, "tenantAdministratorUid": "a/b"},
        {**NEW, "name": ""},
        {**NEW, "name": "N" * 10_000},
        {**NEW, "surname": "x"},
        {**NEW, "identityExtensionFields": {"licence": {"type": "float"}}},
        {**NEW, "identityExtensionFields": {"no space": {"type": "string"}}},
        {**NEW, "visitExtensionFields": {"a": {"type": "string", "required": "yes"}}},
    ],
)
def test_a_tenant_that_makes_no_sense_is_not_there_afterwards(
    tenanted: TenantedGate, body: dict[str, object]
) -> None:
    gate = tenanted.gate
    asked = gate.ask(REGISTRATOR, "PUT", "/tenants/nonsense", body)
    assert (
        asked.status,
        gate.opened.installation.stores.tenants.tenant(TenantScope(TenantName("nonsense"))),
    ) == (
        400,
        None,
    )


def test_a_name_of_ten_megabytes_is_too_long_to_be_read(tenanted: TenantedGate) -> None:
    for prefix in ("/api/v1/tenants/huge", "/ais/v1/tenant/huge"):
        asked = tenanted.gate.ask(REGISTRATOR, "PUT", prefix, {**NEW, "name": "N" * 10_000_000})
        assert asked.status == 413


def test_an_administrator_changes_the_fields_of_a_kind_together(tenanted: TenantedGate) -> None:
    gate = tenanted.gate
    changed = gate.ask("tina", "PATCH", "/tenants/default", {"visitExtensionFields": FIELDS})
    assert (changed.status, changed.body["visitExtensionFields"]) == (200, FIELDS)
    again = gate.ask("tina", "PATCH", "/ais/v1/tenant/default", {"name": "Here"}).body
    assert (again["name"], again["visitExtensionFields"]) == ("Here", FIELDS)
    assert gate.ask("tina", "PATCH", "/tenants/default", {"visitExtensionFields": {}}).status == 200


def test_calls_are_counted_by_operation_and_reset_by_the_registrator_alone(tenanted: TenantedGate) -> None:
    gate = tenanted.gate
    counted = gate.opened.installation.calls
    counted.write()
    before = gate.ask("tina", "GET", "/tenants/default/statistics").body["calls"].get("PacsList", 0)
    for _ in range(3):
        gate.ask("tina", "GET", "/tenants/default/pacs")
    counted.write()
    for path in ("/api/v1/tenants/default/statistics", "/ais/v1/tenant/default/statistics"):
        told = gate.ask(REGISTRATOR, "GET", path).body
        assert told["calls"]["PacsList"] == before + 3
        assert told["total"] == sum(told["calls"].values())
    assert gate.ask("tina", "DELETE", "/tenants/default/statistics").status == 403
    assert gate.ask(REGISTRATOR, "DELETE", "/tenants/default/statistics").status == 204
    assert "PacsList" not in gate.ask(REGISTRATOR, "GET", "/tenants/default/statistics").body["calls"]


def test_a_pacs_comes_and_goes_with_the_role_of_its_agent(tenanted: TenantedGate) -> None:
    gate, scope = tenanted.gate, TenantScope(OWN)

    def roles(name: str) -> set[tuple[str, str | None]]:
        user = gate.office.directory.user(scope, name)
        return set() if user is None else {(one.role, one.scope.archive) for one in user.assignments}

    new = {"pacsId": "lifts", "name": "Lifts", "kind": "doors", "agentUid": "lifts-agent"}
    made = gate.ask("tina", "POST", "/ais/v1/tenant/default/pacs", new)
    assert (made.status, made.headers["location"]) == (201, "/ais/v1/tenant/default/pacs/lifts")
    assert roles("lifts-agent") == {(AGENT_INSTANCE, "lifts")}
    moved = gate.ask("tina", "PATCH", "/tenants/default/pacs/lifts", {"agentUid": "second-agent"})
    assert (moved.status, moved.body["agentUid"]) == (200, "second-agent")
    assert (roles("lifts-agent"), roles("second-agent")) == (set(), {(AGENT_INSTANCE, "lifts")})
    somebody = tenanted.holder("lisa", PACS_ADMINISTRATOR, "lifts")
    assert gate.ask(somebody, "GET", "/tenants/default/pacs/lifts").status == 200
    assert gate.ask("tina", "DELETE", "/tenants/default/pacs/lifts").status == 204
    assert (roles("second-agent"), roles("lisa")) == (set(), set()), "one of that name inherits nobody"
    assert gate.ask("tina", "POST", "/tenants/default/pacs", new).status == 201
    assert gate.ask(somebody, "GET", "/tenants/default/pacs/lifts").status == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"pacsId": HERE, "agentUid": "new-agent"}, 409),
        ({"pacsId": ARCHIVE, "agentUid": "new-agent"}, 409),
        ({"pacsId": "new", "agentUid": AGENT}, 409),
        ({"pacsId": "new", "agentUid": "tina"}, 409),
        ({"pacsId": "a/b", "agentUid": "new-agent"}, 400),
        ({"pacsId": "new", "agentUid": "a/b"}, 400),
        ({"pacsId": "new", "agentUid": "new-agent", "kind": "lifts"}, 400),
        ({"pacsId": "new"}, 400),
        ({"pacsId": "new", "agentUid": "new-agent", "configuration": {"a": "x" * 20_000}}, 400),
    ],
)
def test_a_pacs_that_cannot_be_is_not_half_registered(
    tenanted: TenantedGate, body: dict[str, str], status: int
) -> None:
    gate, scope = tenanted.gate, TenantScope(OWN)
    before = gate.office.directory.users(scope)
    asked = gate.ask("tina", "POST", "/tenants/default/pacs", {"name": "N", "kind": "doors", **body})
    assert asked.status == status
    assert gate.office.directory.users(scope) == before
    assert gate.ask("tina", "GET", "/tenants/default/pacs/new").status == 404


def test_archives_of_the_configuration_file_are_pacses_that_are_changed_there(tenanted: TenantedGate) -> None:
    gate = tenanted.gate
    told = gate.ask("tina", "GET", f"/tenants/default/pacs/{ARCHIVE}").body
    assert (told["kind"], told["managedByFile"], told["agentUid"]) == ("archive", True, None)
    listed = {one["pacsId"] for one in gate.ask("tina", "GET", "/tenants/default/pacs").body["pacs"]}
    assert {ARCHIVE, HERE, THERE} <= listed
    for method, body in (("DELETE", None), ("PATCH", {"name": "X"})):
        refused = gate.ask("tina", method, f"/tenants/default/pacs/{ARCHIVE}", body)
        assert (refused.status, refused.body["message"].split(":")[0]) == (409, "managed-by-file")


def test_a_role_is_assigned_once_however_often_it_is_asked_for(tenanted: TenantedGate) -> None:
    gate = tenanted.gate
    gate.users.add(tenanted.order(), "paul")
    path, body = (
        f"/tenants/default/roles/{PACS_ADMINISTRATOR}/assignments",
        {"userUid": "paul", "pacsId": HERE},
    )
    first, again = (gate.ask("tina", "POST", path, body) for _ in range(2))
    assert (first.status, again.status) == (201, 200)
    assert first.body == again.body
    at = first.headers["location"]
    assert gate.ask("tina", "GET", at).body == first.body
    held = gate.ask("tina", "GET", "/ais/v1/tenant/default/user/paul/role").body["assignments"]
    assert held == [first.body]
    listed = gate.ask("tina", "GET", f"/ais/v1/tenant/default/role/{PACS_ADMINISTRATOR}/assignment").body
    assert first.body in listed["assignments"]
    assert [gate.ask("tina", "DELETE", at).status for _ in range(2)] == [204, 404]


@pytest.mark.parametrize(
    ("role", "body", "status"),
    [
        ("Unheard-of", {"userUid": "pete"}, 404),
        (PACS_ADMINISTRATOR, {"userUid": "nobody-here"}, 404),
        (PACS_ADMINISTRATOR, {"userUid": "pete", "pacsId": "void"}, 404),
        (PACS_ADMINISTRATOR, {"userUid": "pete", "pacsId": FOREIGN_PACS}, 404),
        (PACS_ADMINISTRATOR, {"userUid": "sarah", "pacsId": HERE}, 404),
        (PACS_ADMINISTRATOR, {"userUid": "tina", "pacsId": HERE}, 403),
        (AGENT_INSTANCE, {"userUid": "pete", "pacsId": HERE}, 403),
        ("TenantRegistrator", {"userUid": "pete"}, 403),
        (PACS_ADMINISTRATOR, {"userUid": "pete", "until": "2001-01-01T00:00:00Z"}, 400),
        (PACS_ADMINISTRATOR, {"userUid": "pete", "where": HERE}, 400),
    ],
)
def test_an_assignment_that_cannot_be_is_refused(
    tenanted: TenantedGate, role: str, body: dict[str, str], status: int
) -> None:
    path = f"/tenants/default/roles/{role}/assignments"
    assert tenanted.gate.ask("tina", "POST", path, body).status == status


def test_nobody_gives_a_role_that_carries_more_than_they_hold(tenanted: TenantedGate) -> None:
    gate = tenanted.gate
    gate.users.add(tenanted.order(), "otto")
    harmless, more = gate.role(), gate.role(Permission.AUDIT_READ)

    def given(role: str) -> int:
        return gate.ask(
            "tina", "POST", f"/tenants/default/roles/{role}/assignments", {"userUid": "otto"}
        ).status

    assert (given(harmless), given(more)) == (201, 403)


@pytest.mark.parametrize(
    ("permissions", "status"),
    [
        (["VisitList", "RoleAssignmentGet", "CredentialFormatsGet"], 201),
        (["VisitEverything"], 400),
        (["TenantRegister"], 400),
        (["PacsMessageGet"], 400),
        (["AuditRead"], 403),
    ],
)
def test_a_role_of_ones_own_carries_what_one_holds(
    tenanted: TenantedGate, permissions: list[str], status: int
) -> None:
    gate, name = tenanted.gate, tenanted.gate.name("Custom")
    made = gate.ask("tina", "POST", "/tenants/default/roles", {"roleId": name, "permissions": permissions})
    assert made.status == status, made.body
    if status == 201:
        shown = gate.ask("tina", "GET", f"/ais/v1/tenant/default/role/{name}").body["permissions"]
        assert set(shown) == {"VisitList", "RoleAssigmentGet", "CrentialFormatsGet"}


def test_built_in_roles_are_shown_and_left_alone(tenanted: TenantedGate) -> None:
    gate = tenanted.gate
    listed = {
        one["roleId"]: one["builtIn"]
        for one in gate.ask("tina", "GET", "/tenants/default/roles").body["roles"]
    }
    assert listed[TENANT_ADMINISTRATOR]
    path = f"/tenants/default/roles/{TENANT_ADMINISTRATOR}"
    assert gate.ask("tina", "PUT", path, {"permissions": []}).status == 409
    assert gate.ask("tina", "DELETE", path).status == 409
    assert gate.ask("tina", "POST", "/tenants/default/roles", {"roleId": AGENT_INSTANCE}).status == 409


def test_the_last_administrator_of_a_tenant_stays(tenanted: TenantedGate) -> None:
    gate, tenant = tenanted.gate, TenantName("east")
    first = tenanted.register(tenant, "emma")
    second = tenanted.holder("egon", TENANT_ADMINISTRATOR, tenant=tenant)
    path = f"/tenants/{tenant}/roles/{TENANT_ADMINISTRATOR}/assignments"

    def assignment(name: str) -> str:
        rows = gate.ask(first, "GET", path).body["assignments"]
        return str(next(one["assignmentId"] for one in rows if one["userUid"] == name))

    assert gate.ask(first, "DELETE", f"{path}/{assignment(second)}").status == 204
    for attempt in (
        lambda: gate.users.set_disabled(tenanted.order(tenant), first, disabled=True),
        lambda: gate.users.remove(tenanted.order(tenant), first),
        lambda: gate.users.unassign(tenanted.order(tenant), first, lambda _: True),
        lambda: gate.users.set_window(tenanted.order(tenant), first, None, gate.now.replace(year=2999)),
    ):
        with pytest.raises(ConflictError, match="give it to somebody else first"):
            attempt()
    assert gate.ask(first, "GET", f"/tenants/{tenant}").status == 200


def test_of_another_tenant_the_answer_is_that_of_none(tenanted: TenantedGate) -> None:
    gate = tenanted.gate
    asked = [
        gate.ask("tina", "GET", f"{prefix}{tenant}{path}")
        for prefix in ("/api/v1/tenants/", "/ais/v1/tenant/")
        for tenant in (FOREIGN, UNKNOWN, "%00", "a" * 200)
        for path in ("", "/pacs", f"/pacs/{FOREIGN_PACS}", "/statistics")
    ]
    assert {(one.status, one.raw) for one in asked} == {(404, asked[0].raw)}
    assert asked[0].body["message"] == NO_TENANT
    assert gate.ask("tina", "GET", f"/tenants/default/pacs/{FOREIGN_PACS}").body["message"] == NO_PACS


def test_what_waits_for_a_pacs_that_goes_fails_and_its_requester_is_told(tenanted: TenantedGate) -> None:
    gate = tenanted.gate
    tenanted.pacs("turnstiles", "turnstiles-agent")
    waits = gate.ask("tina", "POST", "/tenants/default/pacs/turnstiles/visits/v1/check-in")
    assert waits.status == 202
    assert gate.ask("tina", "DELETE", "/tenants/default/pacs/turnstiles").status == 204
    told = gate.ask("tina", "GET", waits.headers["location"])
    assert told.status >= 500
    assert "unregistered" in told.body["message"]
