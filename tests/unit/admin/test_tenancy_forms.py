"""What a tenant's pages change: identities with the tenant's own fields, the fields themselves, roles at a PACS."""

import re
from typing import Any

import pytest

from pacsgate.admin.console.tenancy import pages_of_rows
from pacsgate.model.permission import Permission
from tests.support.filled_forms import form_of, wrong_in
from tests.support.tenanted_gate import ARCHIVE, FOREIGN_PACS, HERE, NONE, THERE, TenantedGate

HOME = "/admin/tenancy"
MAIN = f"{HOME}/pacs/{ARCHIVE}"
TYPES = {"licence": "string", "badges": "integer", "trained": "boolean", "since": "date"}


def cookie(tenanted: TenantedGate, name: str) -> str:
    return tenanted.gate.session(name)[1]


def told(tenanted: TenantedGate, path: str) -> dict[str, Any]:
    """What the API tells `tina` of something in the archive."""
    sent = tenanted.gate.ask("tina", "GET", f"/tenants/default/pacs/{ARCHIVE}/{path}")
    return dict(tenanted.gate.ask("tina", "GET", sent.headers["location"]).body)


def test_an_identity_has_the_fields_of_its_tenant_each_of_its_type(tenanted: TenantedGate) -> None:
    gate, tina, name = tenanted.gate, cookie(tenanted, "tina"), tenanted.gate.name("e")
    for field, kind in TYPES.items():
        added = gate.browse(tina, f"{HOME}/fields/identity", {"name": field, "type": kind})
        assert added.headers["location"] == f"{HOME}/about?done=added"
    api = gate.ask("tina", "GET", "/tenants/default").body["identityExtensionFields"]
    assert {field: each["type"] for field, each in api.items()} == TYPES
    typed: dict[str, str | list[str]] = {
        "name": "Ada Reis",
        "identityId": name,
        "email": "ada@example.org",
        "organization": "Radiology",
        "validTo": "2099-01-31T18:00",
        "field.licence": "L-7",
        "field.badges": "-2",
        "field.trained": "false",
        "field.since": "2027-01-31",
    }
    new, one = f"{MAIN}/new-identity", f"{MAIN}/identities/{name}"
    assert set(typed) <= set(form_of(gate.browse(tina, new).body, new))
    assert gate.browse(tina, new, typed).headers["location"] == f"{one}?done=made"
    made = told(tenanted, f"identities/{name}")
    assert made["extensionFields"] == {
        "licence": "L-7",
        "badges": -2,
        "trained": False,
        "since": "2027-01-31",
    }
    asked = form_of(gate.browse(tina, f"{one}/change").body, f"{one}/change")
    for field, wrong in (("badges", "many"), ("badges", "9" * 5000), ("since", "tomorrow"), ("trained", "2")):
        refused = gate.browse(tina, f"{one}/change", {**asked, f"field.{field}": wrong})
        assert (refused.status, wrong_in(refused.body)) == (400, [f"field.{field}"])
    asked |= {"name": "Ada Lund", "field.licence": "", "validTo": ""}
    assert gate.browse(tina, f"{one}/change", asked).headers["location"] == f"{one}?done=changed"
    changed = told(tenanted, f"identities/{name}")
    kept = {field: made["extensionFields"][field] for field in ("badges", "trained", "since")}
    assert changed == {**made, "name": "Ada Lund", "validTo": None, "extensionFields": kept}
    gate.browse(tina, f"{HOME}/fields/identity/since", {"type": "date", "required": "yes"})
    needing = gate.browse(tina, f"{one}/change", {**asked, "field.since": ""})
    assert (needing.status, wrong_in(needing.body)) == (400, ["field.since"])
    for field in TYPES:
        assert gate.browse(tina, f"{HOME}/fields/identity/{field}/remove", {}).status == 303
    assert b"badges, since, trained" in gate.browse(tina, f"{one}/change").body
    assert gate.browse(tina, f"{one}/change", {"name": "Ada Lund"}).status == 303
    assert told(tenanted, f"identities/{name}")["extensionFields"] == {}


def test_a_tenant_is_called_otherwise_and_a_wrong_field_is_told_where_it_stands(
    tenanted: TenantedGate,
) -> None:
    gate, tina, new = tenanted.gate, cookie(tenanted, "tina"), f"{HOME}/fields/visit"
    before = gate.ask("tina", "GET", "/tenants/default").body["name"]
    assert gate.browse(tina, f"{HOME}/about", {"name": "Main Hospital"}).status == 303
    assert gate.ask("tina", "GET", "/tenants/default").body["name"] == "Main Hospital"
    assert gate.browse(tina, f"{HOME}/about", {"name": " "}).status == 400
    assert gate.browse(tina, f"{HOME}/about", {"name": before}).status == 303
    typed: dict[str, str | list[str]] = {"name": "escort", "type": "boolean", "required": "yes"}
    for wrong, field, status in (
        ({"name": "1st"}, "name", 400),
        ({"type": "colour"}, "type", 400),
    ):
        refused = gate.browse(tina, new, typed | wrong)
        assert (refused.status, wrong_in(refused.body)) == (status, [field])
        assert form_of(refused.body, new)["required"] == "yes"
    assert gate.browse(tina, new, typed).status == 303
    assert gate.browse(tina, new, typed).status == 409
    shown = form_of(gate.browse(tina, f"{new}/escort").body, f"{new}/escort")
    assert shown == {"description": "", "type": "boolean", "required": "yes"}
    assert gate.browse(tina, f"{new}/escort/remove", {}).status == 303
    for nowhere in (f"{HOME}/fields/rooms", f"{new}/escort"):
        assert gate.browse(tina, nowhere).status == 404
    assert gate.browse(tina, f"{new}/escort", {"type": "date"}).status == 404


def test_a_role_at_a_pacs_is_assigned_and_taken_away(tenanted: TenantedGate) -> None:
    gate, tina, path = tenanted.gate, cookie(tenanted, "tina"), f"{HOME}/pacs/{HERE}/roles"
    name = gate.caller()
    theirs = cookie(tenanted, name)
    assert gate.browse(theirs, f"{HOME}/pacs/{HERE}").status == 403
    asked = form_of(gate.browse(tina, path).body, path)
    assert asked["role"] == "PacsAdministrator"
    nobody = gate.browse(tina, path, {**asked, "account": "nobody-here"})
    assert (nobody.status, wrong_in(nobody.body)) == (404, ["account"])
    assert form_of(nobody.body, path)["account"] == "nobody-here"
    agent = gate.browse(tina, path, {**asked, "account": name, "role": "AgentInstance"})
    assert (agent.status, wrong_in(agent.body)) == (403, ["role"])
    assert gate.browse(tina, path, {**asked, "account": name}).status == 303
    (given,) = gate.ask("tina", "GET", f"/tenants/default/users/{name}/roles").body["assignments"]
    assert (given["pacsId"], given["roleId"]) == (HERE, "PacsAdministrator")
    assert gate.browse(theirs, f"{HOME}/pacs/{HERE}").status == 200
    assert gate.browse(theirs, f"{HOME}/pacs/{THERE}").status == 403
    page = gate.browse(tina, path).body.decode()
    assert f'aria-label="Take away PacsAdministrator from {name}"' in page
    taking = {"role": given["roleId"], "assignment": given["assignmentId"]}
    assert gate.browse(tina, f"{path}/take", taking).status == 303
    assert gate.browse(theirs, f"{HOME}/pacs/{HERE}").status == 403
    assert gate.browse(tina, f"{path}/take", taking).status == 404


def test_who_may_see_who_has_a_role_may_not_assign_it_by_that(tenanted: TenantedGate) -> None:
    gate, path = tenanted.gate, f"{HOME}/pacs/{HERE}/roles"
    looker = cookie(tenanted, gate.holder(Permission.PACS_GET, Permission.USER_LIST))
    assert gate.browse(looker, path).status == 403
    assert path.encode() not in gate.browse(looker, f"{HOME}/pacs/{HERE}").body
    lister = cookie(tenanted, gate.holder(Permission.PACS_GET, Permission.ROLE_LIST_ASSIGNMENTS))
    page = gate.browse(lister, path)
    assert (page.status, b"pete" in page.body, b"tina" in page.body) == (200, True, True)
    assert b"<form" not in page.body.partition(b"<main")[2]
    harmless: dict[str, str | list[str]] = {"account": gate.user(), "role": gate.role()}
    for action in (path, f"{path}/take"):
        assert gate.browse(lister, action, harmless).status == 403


def test_who_administers_one_pacs_sees_and_does_what_is_theirs(tenanted: TenantedGate) -> None:
    """`pete` at the doors; `tilda` has the role of a whole tenant, but at the doors only."""
    gate = tenanted.gate
    for who in ("pete", "tilda"):
        visitor = cookie(tenanted, who)
        overview = gate.browse(visitor, HOME).body.decode()
        assert re.findall(rf'href="{HOME}/pacs/([^"]+)"', overview) == [HERE]
        assert f"{HOME}/about" not in overview
        assert "/register" not in overview
        doors = gate.browse(visitor, f"{HOME}/pacs/{HERE}").body.decode()
        assert set(re.findall(rf'href="{HOME}/pacs/{HERE}(/\w+)"', doors)) == {
            "/visits",
            "/identities",
            "/units",
        }
        assert "/unregister" not in doors
        for path in ("about", "fields/visit", "register", f"pacs/{HERE}/roles"):
            assert gate.browse(visitor, f"{HOME}/{path}").status == 403
            assert gate.browse(visitor, f"{HOME}/{path}", {"name": "x", "type": "string"}).status == 403
        for page in ("", "/visits", "/new-visit", "/identities/e-1/change", "/units", "/visits/v-1"):
            answers = [
                gate.browse(visitor, f"{HOME}/pacs/{pacs}{page}")
                for pacs in (THERE, ARCHIVE, FOREIGN_PACS, NONE)
            ]
            assert {each.status for each in answers} == {403}
            assert len({each.body.replace(visitor.encode(), b"") for each in answers}) == 1


def test_every_row_is_on_one_page_whichever_way_one_goes(
    tenanted: TenantedGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages_of_rows, "ROWS", 3)
    gate, tina, stem = tenanted.gate, cookie(tenanted, "tina"), tenanted.gate.name("row")
    for number in range(12):
        body = {"identityId": f"{stem}-{number:02}", "name": f"Person {number}", "organization": stem}
        gate.ask("tina", "POST", f"/tenants/default/pacs/{ARCHIVE}/identities", body)

    def seen(path: str) -> tuple[list[str], str, str]:
        page = gate.browse(tina, path).body.decode()
        rows = re.findall(rf'scope="row"><a href="{MAIN}/identities/([^"]+)"', page)
        ways = {way: re.search(rf'href="([^"]+)" rel="{way}"', page) for way in ("prev", "next")}
        before, after = (found[1].replace("&amp;", "&") if found else "" for found in ways.values())
        return rows, before, after

    forward: list[list[str]] = []
    path = here = f"{MAIN}/identities"
    while path:
        rows, _, after = seen(path)
        forward.append(rows)
        here, path = path, after
    assert {len(rows) for rows in forward[:-1]} == {3}
    every = [row for rows in forward for row in rows]
    assert every == sorted(set(every))
    assert [f"{stem}-{number:02}" for number in range(12)] == [row for row in every if row.startswith(stem)]
    backward: list[list[str]] = []
    while here:
        rows, here, _ = seen(here)
        backward.append(rows)
    assert backward == forward[::-1]
    monkeypatch.setattr(pages_of_rows, "LOOKED_THROUGH", 2)
    monkeypatch.setattr(pages_of_rows, "LOOKS", 20)
    assert seen(f"{MAIN}/identities?search={stem.upper()}-07") == ([f"{stem}-07"], "", "")
    assert seen(f"{MAIN}/identities?search=nobody-at-all") == ([], "", "")
    monkeypatch.setattr(pages_of_rows, "LOOKS", 2)
    rows, _, after = seen(f"{MAIN}/identities?search=nobody-at-all")
    assert (rows, bool(after)) == ([], True)
