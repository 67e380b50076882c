"""The pages of a tenant, as a browser without scripts meets them: a visit in the gate's own archive, and refusals."""

import re
from datetime import timedelta

from pacsgate.model.permission import Permission
from tests.support.administered_gate import AdministeredGate
from tests.support.filled_forms import form_of, wrong_in

MAIN = "/admin/tenancy/pacs/main"
VISITS, NEW = f"{MAIN}/visits", f"{MAIN}/new-visit"
DESK = (
    Permission.VISIT_CREATE,
    Permission.VISIT_LIST,
    Permission.VISIT_GET,
    Permission.VISIT_CHECK_IN,
    Permission.VISIT_CHECK_OUT,
    Permission.VISIT_UPDATE,
    Permission.VISIT_CREDENTIAL_CREATE,
    Permission.VISIT_CREDENTIAL_LIST,
    Permission.CREDENTIAL_FORMATS_GET,
)


def visit(gate: AdministeredGate, name: str) -> dict[str, str | list[str]]:
    end = gate.now + timedelta(hours=8)
    return {
        "name": "Bo Lund",
        "visitor": name,
        "visitId": name,
        "validFrom": f"{gate.now:%Y-%m-%dT%H:%M}",
        "validTo": f"{end:%Y-%m-%dT%H:%M}",
    }


def test_a_visit_is_planned_checked_in_given_a_login_and_checked_out(gate: AdministeredGate) -> None:
    desk, name = gate.session(gate.holder(*DESK))[1], gate.name("v")
    assert NEW.encode() in gate.browse(desk, VISITS).body
    planned = gate.browse(desk, NEW, visit(gate, name))
    assert (planned.status, planned.headers["location"]) == (303, f"{VISITS}/{name}?done=planned")
    assert b"Planned." in gate.browse(desk, planned.headers["location"]).body
    assert gate.browse(desk, f"{VISITS}/{name}/check-in", {}).status == 303
    giving = f"{VISITS}/{name}/new-credential"
    asked = form_of(gate.browse(desk, giving).body, giving)
    assert asked["active"] == "yes"
    told = gate.browse(desk, giving, {**asked, "format": "login"})
    secret = re.search(r'<code id="secret"[^>]*>([^<]+)</code>', told.body.decode())
    assert secret is not None
    page = gate.browse(desk, f"{VISITS}/{name}").body
    assert secret[1].encode() not in page
    assert b"Check out" in page
    assert b"Check in" not in page
    assert gate.browse(desk, f"{VISITS}/{name}/check-out", {}).status == 303
    again = gate.browse(desk, f"{VISITS}/{name}/check-out", {})
    assert (again.status, b'role="alert"' in again.body) == (409, True)
    over = gate.browse(desk, f"{VISITS}/{name}").body
    assert b"/change" not in over
    assert b"new-credential" not in over


def test_what_one_may_not_do_is_not_offered_and_refused(gate: AdministeredGate) -> None:
    name = gate.name("v")
    gate.browse(gate.session(gate.holder(*DESK))[1], NEW, visit(gate, name))
    reader = gate.session(gate.holder(Permission.VISIT_LIST, Permission.VISIT_GET))[1]
    page = gate.browse(reader, f"{VISITS}/{name}").body.partition(b"<main")[2]
    assert b"<form" not in page
    assert b'class="button quiet small"' not in page
    for path in ("check-in", "change", "remove", "open", "credentials/x/activate", "credentials/x/remove"):
        assert gate.browse(reader, f"{VISITS}/{name}/{path}", {}).status == 403
    for path in (NEW, f"{VISITS}/{name}/change", f"{VISITS}/{name}/new-credential"):
        assert gate.browse(reader, path).status == 403
    assert gate.browse(reader, NEW, visit(gate, gate.name("v"))).status == 403


def test_who_may_open_a_unit_and_see_none_names_it(gate: AdministeredGate) -> None:
    name = gate.name("v")
    opener = gate.session(gate.holder(*DESK, Permission.VISIT_ACCESS_UNIT_ASSIGN))[1]
    gate.browse(opener, NEW, visit(gate, name))
    asked = form_of(gate.browse(opener, f"{VISITS}/{name}").body, f"{VISITS}/{name}/open")
    refused = gate.browse(opener, f"{VISITS}/{name}/open", asked | {"unit": "collection:none"})
    assert (refused.status, b"there is no such access unit" in refused.body.lower()) == (404, True)


def test_a_form_that_is_refused_keeps_what_was_typed_and_names_the_field(gate: AdministeredGate) -> None:
    desk, name = gate.session(gate.holder(*DESK))[1], gate.name("v")
    typed = visit(gate, name)
    for wrong, value in (
        ("validFrom", "yesterday"),
        ("validTo", "2020-01-01T00:00"),
        ("name", ""),
        ("visitId", "no id"),
        ("account", "nobody-of-this-name"),
    ):
        told = gate.browse(desk, NEW, typed | {wrong: value})
        assert (told.status, wrong_in(told.body)) == (409 if wrong == "account" else 400, [wrong])
        shown = form_of(told.body, NEW)
        assert {key: shown[key] for key in typed} | {wrong: value} == typed | {wrong: value}
        assert shown[wrong] == value
    told = gate.browse(desk, NEW, typed | {"validTo": "2020-01-01T00:00"})
    assert b"<code>To (UTC)</code> must be after <code>From (UTC)</code>" in told.body
    assert gate.browse(desk, f"{VISITS}/{name}").status == 404


def test_what_nobody_touched_of_a_visit_stays_to_the_last_digit(gate: AdministeredGate) -> None:
    """An input shows minutes; a visit that has begun keeps its beginning."""
    clerk = gate.holder(*DESK)
    desk, name = gate.session(clerk)[1], gate.name("v")
    start, end = gate.now - timedelta(seconds=1), gate.now + timedelta(hours=2, microseconds=7)
    body = {"visitId": name, "visitor": name, "name": "Bo Lund", "email": "bo@example.org"}
    body |= {"validFrom": start.isoformat(), "validTo": end.isoformat()}
    gate.ask(clerk, "POST", "/tenants/default/pacs/main/visits", body)
    gate.browse(desk, f"{VISITS}/{name}/check-in", {})

    def told() -> dict[str, object]:
        sent = gate.ask(clerk, "GET", f"/tenants/default/pacs/main/visits/{name}")
        return dict(gate.ask(clerk, "GET", sent.headers["location"]).body)

    before, path = told(), f"{VISITS}/{name}/change"
    asked = form_of(gate.browse(desk, path).body, path)
    assert gate.browse(desk, path, asked).status == 303
    assert told() == before
    assert gate.browse(desk, path, {**asked, "host": "Ada Reis", "email": ""}).status == 303
    assert told() == {**before, "host": "Ada Reis", "email": ""}
    later = f"{end + timedelta(1):%Y-%m-%dT%H:%M}"
    refused = gate.browse(desk, path, {**asked, "visitor": "somebody-else", "validTo": later})
    assert (refused.status, told()["visitor"]) == (409, name)
    again = {**form_of(refused.body, path), "visitor": name}
    assert gate.browse(desk, path, again).status == 303
    assert str(told()["validTo"]).startswith(later)
    assert told()["validFrom"] == before["validFrom"]
