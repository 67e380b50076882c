"""The pages of administration, as a browser without scripts meets them: what they show, and what their forms do."""

import re

import pytest

from pacsgate.model.permission import Permission
from tests.support.administered_gate import EVERYTHING, AdministeredGate

PAGES = {
    "/admin/users": Permission.USER_LIST,
    "/admin/users/new": Permission.USER_ADMINISTER,
    "/admin/groups": Permission.USER_LIST,
    "/admin/roles": Permission.ROLE_LIST,
    "/admin/roles/new": Permission.ROLE_CREATE,
    "/admin/devices": Permission.DEVICE_ADMINISTER,
    "/admin/devices/new": Permission.DEVICE_ADMINISTER,
    "/admin/grants": Permission.GRANT_ADMINISTER,
    "/admin/locks": Permission.USER_LIST,
    "/admin/tenancy": Permission.TENANT_GET,
    "/admin/tenancy/register": Permission.PACS_REGISTER,
}


def signed_in(gate: AdministeredGate, *permissions: Permission) -> str:
    return gate.session(gate.holder(*permissions))[1]


def test_a_page_is_shown_to_who_holds_its_permission_and_to_nobody_else(gate: AdministeredGate) -> None:
    nobody = signed_in(gate)
    for path, needed in PAGES.items():
        shown = gate.browse(signed_in(gate, needed), path)
        assert (shown.status, b"<h1>" in shown.body) == (200, True)
        assert "script-src 'self'" in shown.headers["content-security-policy"]
        assert gate.browse(nobody, path).status == 403
        assert gate.browse("none", path).status == 303


def test_the_navigation_leads_only_where_one_may_go(gate: AdministeredGate) -> None:
    def places(*permissions: Permission) -> set[str]:
        page = gate.browse(signed_in(gate, *permissions), "/").body.decode()
        return set(re.findall(r'href="(/admin/\w+)"', page))

    assert places() == set()
    assert places(Permission.GRANT_ADMINISTER) == {"/admin/grants"}
    assert places(*EVERYTHING) == {path for path in PAGES if path.count("/") == 2}


def test_a_user_is_added_with_an_invitation_that_is_shown_once(gate: AdministeredGate) -> None:
    admin, name = signed_in(gate, *EVERYTHING), gate.name("invited")
    made = gate.browse(admin, "/admin/users/new", {"name": name, "groups": "ward, night", "invite": "yes"})
    code = re.search(r'<code id="secret"[^>]*>([^<]+)</code>', made.body.decode())
    assert (made.status, code is not None) == (200, True)
    assert code is not None
    page = gate.browse(admin, f"/admin/users/{name}")
    assert code.group(1).encode() not in page.body
    assert b"night" in page.body
    assert b"ward" in gate.browse(admin, "/admin/groups/ward").body


def test_a_user_is_assigned_a_role_disabled_locked_and_removed_by_forms(gate: AdministeredGate) -> None:
    admin, name = signed_in(gate, *EVERYTHING), gate.user()
    path = f"/admin/users/{name}"
    gate.session(name)

    def done(word: str, **form: str) -> None:
        answer = gate.browse(admin, f"{path}/{word}", form)
        assert answer.status == 303, answer.body
        assert answer.headers["location"].startswith("/admin/users")
        assert gate.browse(admin, answer.headers["location"]).status == 200

    def state() -> str:
        return str(gate.ask(gate.holder(*EVERYTHING), "GET", f"/users/{name}").body["state"])

    done("assign", role="reader", archive="main", until="2999-01-01T00:00")
    assert b"archive main" in gate.browse(admin, path).body
    done("unassign", role="reader", archive="main")
    done("details", display_name="Ada L", groups="ward", has_groups="yes")
    done("validity", until="2999-01-01T00:00")
    done("end-sessions")
    done("disable")
    assert state() == "disabled"
    done("enable")
    done("lock", reason="a lost badge")
    assert (state(), name in gate.browse(admin, "/admin/locks").body.decode()) == ("locked", True)
    done("unlock")
    assert state() == "active"
    assert gate.browse(admin, f"{path}/remove", {"name": "somebody else"}).status == 400
    done("remove", name=name)
    assert gate.browse(admin, path).status == 404


def test_what_is_refused_is_said_on_the_page_that_it_was_asked_on(gate: AdministeredGate) -> None:
    admin, name = signed_in(gate, *EVERYTHING), gate.user()
    asked = gate.ask(gate.holder(*EVERYTHING), "POST", f"/users/{name}/assignments", {"role": "unheard-of"})
    told = gate.browse(admin, f"/admin/users/{name}/assign", {"role": "unheard-of"})
    assert (told.status, b"no role is called" in told.body.lower()) == (asked.status, True)
    told = gate.browse(admin, f"/admin/users/{name}/lock", {"reason": ""})
    assert (told.status, b"a lock needs a reason" in told.body.lower()) == (400, True)


def test_ones_own_account_offers_nothing_to_change(gate: AdministeredGate) -> None:
    me = gate.holder(*EVERYTHING)
    page = gate.browse(gate.session(me)[1], f"/admin/users/{me}").body.decode()
    assert "You cannot change this account" in page
    assert f'action="/admin/users/{me}/' not in page


def test_a_role_is_defined_changed_and_removed_by_forms(gate: AdministeredGate) -> None:
    admin, name = signed_in(gate, *EVERYTHING), gate.name("role")
    made = gate.browse(admin, "/admin/roles/new", {"name": name, "may": ["search", "view"], "owner": "chief"})
    assert made.status == 303
    assert (
        gate.browse(admin, f"/admin/roles/{name}", {"may": "search", "permissions": "UserList"}).status == 303
    )
    told = gate.ask(gate.holder(*EVERYTHING), "GET", f"/roles/{name}").body
    assert (told["may"], told["permissions"]) == (["search"], ["UserList"])
    assert gate.browse(admin, f"/admin/roles/{name}/remove", {}).status == 303
    of_file = gate.browse(admin, "/admin/roles/reader")
    assert b"it is changed there" in of_file.body
    assert b'action="/admin/roles/reader"' not in of_file.body


def test_a_device_is_made_known_changed_locked_and_forgotten_by_forms(gate: AdministeredGate) -> None:
    admin, title = signed_in(gate, *EVERYTHING), f"CT/{next(gate.numbers)}"
    form = {"ae_title": title, "owner": "informatics", "networks": "10.0.0.0/8, 10.1.0.0/16"}

    def done(path: str, form: dict[str, str]) -> None:
        answer = gate.browse(admin, f"/admin/devices/{path}", form)
        assert answer.status == 303, answer.body
        assert gate.browse(admin, answer.headers["location"]).status == 200

    done("new", form)
    done(f"at/{title}", {**form, "description": "the old one", "certificate_sha256": ":".join(["AB"] * 32)})
    assert b"the old one" in gate.browse(admin, f"/admin/devices/at/{title}").body
    done(f"lock/{title}", {"reason": "stolen"})
    assert b"locked" in gate.browse(admin, "/admin/devices").body
    done(f"at/{title}", form)
    assert b"Unlock" in gate.browse(admin, f"/admin/devices/at/{title}").body
    done(f"unlock/{title}", {})
    assert gate.browse(admin, f"/admin/devices/at/{title}", {**form, "port": "many"}).status == 400
    done(f"remove/{title}", {})
    assert gate.browse(admin, f"/admin/devices/at/{title}").status == 404


def test_a_grant_is_given_and_revoked_by_forms(gate: AdministeredGate) -> None:
    admin, name = signed_in(gate, *EVERYTHING), gate.user()
    form = {"grantee_kind": "user", "grantee": name, "target": "study", "target_id": "1.2.3"}
    given = gate.browse(
        admin, "/admin/grants", {**form, "actions": ["search"], "expires": "2999-01-01T00:00"}
    )
    assert given.status == 303
    page = gate.browse(admin, f"/admin/grants?grantee={name}").body.decode()
    grant = re.search(r'name="grant" value="(\w+)"', page)
    assert grant is not None
    assert gate.browse(admin, "/admin/grants/revoke", {"grant": grant.group(1)}).status == 303
    assert b"No grants" in gate.browse(admin, f"/admin/grants?grantee={name}").body
    assert gate.browse(admin, "/admin/grants", {**form, "actions": ["fly"]}).status == 400


@pytest.mark.parametrize(
    "path", ["/admin/users/new", "/admin/roles/new", "/admin/grants", "/admin/users/ada/lock"]
)
def test_a_form_of_another_session_changes_nothing(gate: AdministeredGate, path: str) -> None:
    admin = signed_in(gate, *EVERYTHING)
    assert gate.browse(admin, path, {"csrf_token": "another", "name": "mallory"}).status == 403
    assert gate.ask(gate.holder(*EVERYTHING), "GET", "/users/mallory").status == 404
