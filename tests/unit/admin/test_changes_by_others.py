"""What other administrators changed, on the first page and in the API, which say the same: row A4."""

import re
from datetime import datetime, timedelta
from html import unescape

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.model.actions import Action
from pacsgate.model.permission import Permission
from tests.support.administered_gate import AdministeredGate

ADMINISTER, LIST = Permission.USER_ADMINISTER, Permission.USER_LIST
ROLES = (Permission.ROLE_CREATE, Permission.ROLE_GET, Permission.ROLE_LIST, Permission.ROLE_UPDATE)
_UP_TO = re.compile(rb'name="up_to" value="([0-9]+)"')


@pytest.fixture
def administrators(gate: AdministeredGate) -> tuple[str, str, str]:
    """Two who administer accounts, the second with a browser session."""
    role = gate.role(ADMINISTER, LIST)
    first, second = gate.caller(role), gate.caller(role)
    cookie = gate.session(second)[1]
    seen_all(gate, cookie)
    return first, second, cookie


def home(gate: AdministeredGate, cookie: str) -> str:
    page = gate.browse(cookie, "/").body.decode()
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def seen_all(gate: AdministeredGate, cookie: str) -> None:
    while found := _UP_TO.search(gate.browse(cookie, "/").body):
        assert gate.browse(cookie, "/changes-seen", {"up_to": found[1].decode()}).status == 303


def test_a_change_by_another_is_told_by_the_page_and_the_api_alike_until_it_is_seen(
    gate: AdministeredGate, administrators: tuple[str, str, str]
) -> None:
    first, second, cookie = administrators
    changed = gate.user()
    assert gate.ask(first, "PATCH", f"/users/{changed}", {"disabled": True}).status == 200
    told = gate.ask(second, "GET", "/me/notices").body
    newest = told["notices"][0]
    assert (newest["by"], newest["change"], newest["target"]) == (first, "disabled", changed)
    page = gate.browse(cookie, "/").body
    assert f'account</span> Disabled: <a href="/admin/users/{changed}">{changed}</a>' in page.decode()
    assert first in home(gate, cookie)
    assert first not in [notice["by"] for notice in gate.ask(first, "GET", "/me/notices").body["notices"]]

    found = _UP_TO.search(page)
    assert found is not None
    assert int(found[1]) == newest["number"]
    before = len(gate.events(EventKind.CHANGES_SEEN))
    assert gate.browse(cookie, "/changes-seen", {"up_to": found[1].decode()}).status == 303
    assert gate.ask(second, "GET", "/me/notices").body == {"notices": [], "unseen": 0}
    assert "Changes by others" not in home(gate, cookie)
    (event,) = gate.events(EventKind.CHANGES_SEEN)[before:]
    assert (event.actor.name, event.details["changes"]) == (second, str(told["unseen"]))


def test_what_is_seen_by_the_api_is_seen_on_the_page(
    gate: AdministeredGate, administrators: tuple[str, str, str]
) -> None:
    first, second, cookie = administrators
    gate.ask(first, "PATCH", f"/users/{gate.user()}", {"disabled": True})
    told = gate.ask(second, "GET", "/me/notices").body
    seen = gate.ask(second, "POST", "/me/notices/seen", {"up_to": told["notices"][0]["number"]})
    assert (seen.status, seen.body) == (200, {"seen": told["unseen"]})
    assert "Changes by others" not in home(gate, cookie)


def test_many_changes_are_folded_and_those_beyond_come_when_the_first_are_seen(
    gate: AdministeredGate, administrators: tuple[str, str, str]
) -> None:
    first, _, cookie = administrators
    changed = gate.user()
    for number in range(52):
        gate.ask(first, "PATCH", f"/users/{changed}", {"display_name": f"n{number}"})
    text = home(gate, cookie)
    assert "45 earlier changes" in text
    assert re.search(r"\d+ later changes will be shown when you have seen these", text)
    seen_all(gate, cookie)
    assert "Changes by others" not in home(gate, cookie)


def test_a_page_leads_only_where_the_visitor_may_go(gate: AdministeredGate) -> None:
    cookie = gate.session(gate.user(gate.role(ADMINISTER)))[1]
    changed = gate.user()
    page = gate.browse(cookie, "/").body.decode()
    assert changed in page
    assert f"/admin/users/{changed}" not in page


def test_a_form_that_says_no_number_is_refused(
    gate: AdministeredGate, administrators: tuple[str, str, str]
) -> None:
    for number in ("", "-1", "x", "9" * 40, "\u0661"):
        assert gate.browse(administrators[2], "/changes-seen", {"up_to": number}).status == 400
    assert gate.browse(administrators[2], "/changes-seen", {"up_to": "1", "csrf_token": "x"}).status == 403


def test_who_administers_nothing_is_told_nothing(gate: AdministeredGate) -> None:
    me = gate.caller()
    assert gate.ask(me, "GET", "/me/notices").body == {"notices": [], "unseen": 0}
    assert gate.ask(me, "POST", "/me/notices/seen", {"up_to": 10**18}).body == {"seen": 0}


def test_the_longest_time_of_a_role_is_defined_alike_by_the_api_and_a_page(gate: AdministeredGate) -> None:
    """Row L5."""
    keeper = gate.caller(gate.role(*ROLES, LIST))
    cookie = gate.session(keeper)[1]
    one, other = gate.name("locum"), gate.name("locum")
    made = gate.ask(keeper, "POST", "/roles", {"name": one, "may": ["view"], "longest": "336h"})
    assert (made.status, made.body["longest"]) == (201, "14 d")
    form: dict[str, str | list[str]] = {
        "name": other,
        "may": [Action.VIEW.value],
        "longest": "14 d",
        "owner": "",
        "description": "",
    }
    assert gate.browse(cookie, "/admin/roles/new", {**form, "extends": ""}).status == 303
    told = [gate.ask(keeper, "GET", f"/roles/{name}").body for name in (one, other)]
    assert told[0] | {"name": ""} == told[1] | {"name": ""}
    for written in ("soon", "0 d", "14"):
        assert gate.ask(keeper, "POST", "/roles", {"name": gate.name("x"), "longest": written}).status == 400
        refused = gate.browse(cookie, "/admin/roles/new", {**form, "extends": "", "longest": written})
        assert (refused.status, b"is no span of time" in refused.body) == (400, True)


def test_a_role_for_a_time_is_given_and_prolonged_alike_by_the_api_and_a_page(gate: AdministeredGate) -> None:
    """Row L5."""
    role, user = gate.name("locum"), gate.user()
    holds = gate.role(Permission.ROLE_ASSIGN, *ROLES, LIST, ADMINISTER)
    first, second = gate.caller(holds), gate.caller(holds)
    assert gate.ask(first, "POST", "/roles", {"name": role, "longest": "14d"}).status == 201

    def by_api(who: str, until: datetime | None) -> tuple[int, bytes]:
        sent = {"role": role} if until is None else {"role": role, "until": until.isoformat()}
        told = gate.ask(who, "POST", f"/users/{user}/assignments", sent)
        return told.status, told.message.encode()

    def by_page(who: str, until: datetime | None) -> tuple[int, bytes]:
        text = "" if until is None else f"{until:%Y-%m-%dT%H:%M}"
        form = {"role": role, "archive": "", "collection": "", "starts": "", "until": text}
        answer = gate.browse(gate.session(who)[1], f"/admin/users/{user}/assign", form)
        return answer.status, answer.body

    for give in (by_api, by_page):
        for until in (None, gate.now + timedelta(days=15)):
            status, said = give(first, until)
            assert (status, b"is given for 14 d at most" in said) == (400, True)
    assert by_api(first, gate.now + timedelta(days=10))[0] == 201
    for give in (by_api, by_page):
        status, said = give(first, gate.now + timedelta(days=13))
        assert (status, b"somebody else has to prolong it" in said) == (409, True)
    assert by_page(second, gate.now + timedelta(days=12))[0] == 303
    prolonged = gate.events(EventKind.ROLE_CHANGED)[-1]
    assert (prolonged.actor.name, prolonged.details["given_before_by"]) == (second, first)
