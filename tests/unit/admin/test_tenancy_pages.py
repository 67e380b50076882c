"""The pages of a tenant, as a browser without scripts meets them: a visit in the gate's own archive, and refusals."""

import re
from datetime import timedelta

from pacsgate.model.permission import Permission
from tests.support.administered_gate import AdministeredGate

VISITS = "/admin/tenancy/pacs/main/visits"
DESK = (
    Permission.VISIT_CREATE,
    Permission.VISIT_LIST,
    Permission.VISIT_GET,
    Permission.VISIT_CHECK_IN,
    Permission.VISIT_CHECK_OUT,
    Permission.VISIT_CREDENTIAL_CREATE,
    Permission.VISIT_CREDENTIAL_LIST,
    Permission.CREDENTIAL_FORMATS_GET,
)


def visit(gate: AdministeredGate, name: str) -> dict[str, str | list[str]]:
    end = gate.now + timedelta(hours=8)
    return {
        "name": "Bo Lund",
        "visitor": name,
        "id": name,
        "valid_from": f"{gate.now:%Y-%m-%dT%H:%M}",
        "valid_to": f"{end:%Y-%m-%dT%H:%M}",
    }


def test_a_visit_is_planned_checked_in_given_a_login_and_checked_out(gate: AdministeredGate) -> None:
    desk, name = gate.session(gate.holder(*DESK))[1], gate.name("v")
    planned = gate.browse(desk, VISITS, visit(gate, name))
    assert (planned.status, planned.headers["location"]) == (303, f"{VISITS}/{name}?done=planned")
    assert b"Planned." in gate.browse(desk, planned.headers["location"]).body
    assert gate.browse(desk, f"{VISITS}/{name}/check-in", {}).status == 303
    told = gate.browse(desk, f"{VISITS}/{name}/credentials", {"format": "login"})
    secret = re.search(r'<code id="secret"[^>]*>([^<]+)</code>', told.body.decode())
    assert secret is not None
    page = gate.browse(desk, f"{VISITS}/{name}").body
    assert secret[1].encode() not in page
    assert b"Check out" in page
    assert b"Check in" not in page
    assert gate.browse(desk, f"{VISITS}/{name}/check-out", {}).status == 303
    again = gate.browse(desk, f"{VISITS}/{name}/check-out", {})
    assert (again.status, b'role="alert"' in again.body) == (409, True)


def test_what_one_may_not_do_is_not_offered_and_refused(gate: AdministeredGate) -> None:
    name = gate.name("v")
    gate.browse(gate.session(gate.holder(*DESK))[1], VISITS, visit(gate, name))
    reader = gate.session(gate.holder(Permission.VISIT_LIST, Permission.VISIT_GET))[1]
    page = gate.browse(reader, f"{VISITS}/{name}").body
    assert b"<form" not in page.partition(b"<main")[2]
    assert gate.browse(reader, f"{VISITS}/{name}/check-in", {}).status == 403
    assert gate.browse(reader, VISITS, visit(gate, gate.name("v"))).status == 403


def test_a_visit_that_cannot_be_read_is_told_on_the_page(gate: AdministeredGate) -> None:
    desk, name = gate.session(gate.holder(*DESK))[1], gate.name("v")
    told = gate.browse(desk, VISITS, visit(gate, name) | {"valid_from": "yesterday"})
    assert (told.status, b"is no date and time" in told.body) == (400, True)
    assert gate.browse(desk, f"{VISITS}/{name}").status == 404
