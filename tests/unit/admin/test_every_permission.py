"""Every permission, by default role, where that is assigned, tenant and PACS: what is answered.

The catalogue below is typed by hand from the seed; what should be answered follows from it, and is asked of
the application itself, at the route that demands the permission, in both trees.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import pytest

from pacsgate.model.permission import ALIASES, Permission
from pacsgate.services.warrants import NO_PACS, NO_TENANT
from tests.support.administered_gate import Told
from tests.support.tenanted_gate import (
    AGENT,
    ARCHIVE,
    FOREIGN,
    FOREIGN_PACS,
    HERE,
    NONE,
    OWN,
    REGISTRATOR,
    THERE,
    UNKNOWN,
    TenantedGate,
)


def names(text: str) -> list[str]:
    return text.split()


OF_REGISTRATORS = names("TenantRegister TenantStatisticsGet TenantStatisticsReset")
OF_TENANTS = names("""
TenantUpdate TenantStatisticsGet RoleCreate RoleGet RoleList RoleUpdate RoleRemove RoleAssign RoleAssigmentGet
RoleListAssignments RoleAssignmentRemove UserListRoles PacsList PacsRegister PacsUnregister
""")
OF_PACSES = names("""
TenantGet PacsGet PacsUpdate PacsConfigurationGet
IdentityCreate IdentityGet IdentityList IdentityUpdate IdentityRemove
IdentityCredentialCreate IdentityCredentialGet IdentityCredentialList IdentityCredentialRemove
IdentityCredentialActivate IdentityCredentialDeactivate
IdentityAccessUnitAssign IdentityAccessUnitRemove IdentityAccessUnitList
VisitCreate VisitList VisitCheckIn VisitCheckOut VisitGet VisitRemove VisitUpdate
VisitCredentialCreate VisitCredentialGet VisitCredentialList VisitCredentialRemove
VisitCredentialActivate VisitCredentialDeactivate
VisitAccessUnitAssign VisitAccessUnitRemove VisitAccessUnitList
CrentialFormatsGet AccessUnitList AccessUnitGet AccessUnitIdentityList AccessUnitVisitList
""")
OF_AGENTS = names("PacsMessageGet PacsResponseCreate LogsWrite ExtensionFieldsGet PacsConfigurationGet")
CATALOGUE = sorted({*OF_REGISTRATORS, *OF_TENANTS, *OF_PACSES, *OF_AGENTS})

PASSES = 0
"""Whatever else is wrong with the request, it is not who asks."""


@dataclass(frozen=True)
class Who:
    """Somebody with one role; `at` is the PACS that it is assigned at, `None` the whole tenant."""

    name: str | None
    carries: frozenset[str]
    at: str | None = None
    is_of_platform: bool = False


PEOPLE = (
    Who(REGISTRATOR, frozenset(OF_REGISTRATORS), is_of_platform=True),
    Who("tina", frozenset({*OF_TENANTS, *OF_PACSES})),
    Who("pete", frozenset(OF_PACSES), HERE),
    Who("tilda", frozenset({*OF_TENANTS, *OF_PACSES}), HERE),
    Who(AGENT, frozenset(OF_AGENTS), HERE),
)
TENANTS = {OWN: (HERE, THERE, NONE), FOREIGN: (FOREIGN_PACS, HERE, NONE), UNKNOWN: (HERE, NONE)}


def expected(who: Who, permission: str, tenant: str, pacs: str | None) -> int:
    """The status, from the catalogue alone."""
    if who.is_of_platform:
        if permission not in OF_REGISTRATORS:
            return 404
        return 404 if tenant == UNKNOWN and permission != "TenantRegister" else PASSES
    if tenant != OWN:
        return 404
    is_of_tenant = permission in {*OF_TENANTS, *OF_REGISTRATORS}
    wherever = permission == "TenantGet"
    if permission not in who.carries or (who.at is not None and is_of_tenant):
        return 403
    if pacs is None or is_of_tenant:
        return PASSES
    if who.at is not None and who.at != pacs and not wherever:
        return 403
    return 404 if pacs == NONE else PASSES


def routes(gate: TenantedGate) -> dict[str, list[tuple[str, str, bool]]]:
    """For each permission the method and path of a route in each tree that demands it, and if it reads a body."""
    document = gate.gate.ask("tina", "GET", "/openapi.json").body
    found: dict[str, dict[str, tuple[str, str, bool]]] = {name: {} for name in CATALOGUE}
    for path, operations in document["paths"].items():
        tree = "/ais/v1/tenant/" if path.startswith("/ais") else "/api/v1/tenants/"
        if path.startswith(tree):
            for method, told in operations.items():
                for needed in told["x-permissions"]:
                    row = (method.upper(), path, "requestBody" in told)
                    if needed in found:
                        found[needed].setdefault(tree, row)
    for tree, message in (("/ais/v1/tenant/", "message"), ("/api/v1/tenants/", "messages")):
        path = f"{tree}{{tenant}}/pacs/{{pacs}}/agent/{message}"
        found["PacsMessageGet"] = {**found["PacsMessageGet"], tree: ("GET", path, False)}
    return {name: list(rows.values()) for name, rows in found.items()}


def asked(gate: TenantedGate, who: str | None, row: tuple[str, str, bool], tenant: str, pacs: str) -> Told:
    method, template, reads = row
    path = template.replace("{tenant}", tenant).replace("{pacs}", pacs)
    while "{" in path:
        path = path[: path.index("{")] + "x" + path[path.index("}") + 1 :]
    return gate.gate.ask(who, method, path, {"no such field": 0} if reads else None)


def places(row: tuple[str, str, bool], permission: str) -> Iterator[tuple[str, str | None]]:
    for tenant, pacses in TENANTS.items():
        if "{pacs}" not in row[1]:
            yield tenant, None
        elif permission == "PacsUnregister":  # one that is not unregistered by it
            yield tenant, ARCHIVE
        else:
            yield from ((tenant, pacs) for pacs in pacses)


FEW = {
    "TenantStatisticsGet": [("GET", "/ais/v1/tenant/{tenant}/statistics", False)],
    "TenantGet": [("GET", "/api/v1/tenants/{tenant}", False)],
    "PacsGet": [("GET", "/ais/v1/tenant/{tenant}/pacs/{pacs}", False)],
}


def check(gate: TenantedGate, known: dict[str, list[tuple[str, str, bool]]]) -> int:
    count = 0
    for permission, rows in known.items():
        for row, who in product(rows, PEOPLE):
            for tenant, pacs in places(row, permission):
                if permission == "PacsMessageGet" and who.name == AGENT:  # who would wait for it
                    gate.gate.ask("tina", "GET", f"/tenants/default/pacs/{HERE}/identities")
                answer = asked(gate, who.name, row, tenant, pacs or "")
                wanted = expected(who, permission, tenant, pacs)
                if wanted == PASSES:
                    refused = answer.status in {401, 403} or (
                        isinstance(answer.body, dict) and answer.body.get("message") in {NO_TENANT, NO_PACS}
                    )
                    assert not refused, (permission, who.name, row, tenant, pacs, answer)
                else:
                    assert answer.status == wanted, (permission, who.name, row, tenant, pacs, answer)
                count += 1
            assert asked(gate, None, row, OWN, HERE).status == 401
    return count


def test_the_catalogue_is_that_of_the_program() -> None:
    assert len(CATALOGUE) == 60
    assert (len(OF_TENANTS), len(OF_PACSES), len(OF_AGENTS)) == (15, 39, 5)
    assert set(CATALOGUE) <= set(Permission)
    assert set(ALIASES) == {"RoleAssignmentGet", "CredentialFormatsGet"}


def test_a_permission_of_each_level_is_demanded_where_it_counts(tenanted: TenantedGate) -> None:
    check(tenanted, FEW)


@pytest.mark.long
def test_every_permission_is_demanded_where_it_counts(tenanted: TenantedGate) -> None:
    known = routes(tenanted)
    assert {name: len(rows) for name, rows in known.items()} == dict.fromkeys(CATALOGUE, 2), (
        "one in each tree"
    )
    assert check(tenanted, known) > 3_000
