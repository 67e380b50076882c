"""SCIM 2.0 as Microsoft Entra ID, Okta and Keycloak speak it, and what it must never reach (rows R6, L3, Z5).

Standard: RFC 7643, RFC 7644.
"""

from itertools import count
from urllib.parse import quote

import pytest

from pacsgate.bootstrap import people
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.services.administer_users import UserAdministration
from tests.support.open_gate import desk
from tests.support.people import PASSWORD
from tests.support.scim_gate import ENTERPRISE, GROUP, HR, USER, ScimGate, scim_gate

NAMES = count(1)


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    with scim_gate(tmp_path_factory.mktemp("scim")) as opened:
        yield opened


@pytest.fixture
def name() -> str:
    return f"staff{next(NAMES)}@hospital.example"


def kept(gate: ScimGate, name: str):
    found = gate.user(name)
    assert found is not None
    return found


def found(gate: ScimGate, text: str, path: str = "/Users", **options) -> list[str]:
    told = gate.ask("GET", path, query=f"filter={quote(text)}", **options)
    assert told.status == 200, told.body
    return [each.get("userName") or each["displayName"] for each in told.body.get("Resources", [])]


def test_a_joiner_gets_an_account_of_the_source_and_is_read_back_as_sent(gate, name):
    told = gate.ask(
        "POST",
        "/Users",
        {
            "schemas": [USER, ENTERPRISE],
            "userName": name,
            "externalId": f"id-{name}",
            "displayName": "Ana Reis",
            "active": True,
            "emails": [{"primary": True, "type": "work", "value": name}],
            "meta": {"resourceType": "User"},
            ENTERPRISE: {"department": "RAD", "manager": {"value": "7"}},
        },
    )
    assert told.status == 201
    assert told.headers["content-type"].startswith("application/scim+json")
    assert told.headers["location"] == told.body["meta"]["location"]
    assert gate.ask("GET", f"/Users/{told.body['id']}").body == told.body
    assert (told.body["externalId"], told.body[ENTERPRISE]) == (f"id-{name}", {"department": "RAD"})
    account = kept(gate, name)
    assert (account.source, account.display_name, account.attributes) == (
        HR,
        "Ana Reis",
        {"department": frozenset({"RAD"})},
    )


def test_entra_asks_by_filter_before_it_creates_and_gets_an_empty_list(gate, name):
    assert found(gate, f'userName eq "{name}"') == []
    gate.join(name, externalId=f"id-{name}")
    assert found(gate, f'userName eq "{name.upper()}"') == [name]
    assert found(gate, f'externalId eq "id-{name}"') == [name]
    assert found(gate, f'userName sw "{name}" and active eq true') == [name]
    assert (
        found(gate, f'(userName co "{name}" and active eq false) or displayName pr and userName eq "x"') == []
    )
    assert found(gate, f'userName eq "{name}" and groups[value eq "radiology"]') == []


@pytest.mark.parametrize(
    "text",
    ['userName eq "a', 'nonsense eq "a"', "userName", "(" * 50 + "userName pr" + ")" * 50, "x" * 5000],
)
def test_a_filter_that_makes_no_sense_is_told_as_such(gate, text):
    told = gate.ask("GET", "/Users", query=f"filter={quote(text)}")
    assert (told.status, told.body["scimType"]) == (400, "invalidFilter")


def test_pages_are_counted_from_one(gate, name):
    for number in range(3):
        gate.join(f"page{number}-{name}")
    text = quote(f'userName sw "page" and userName ew "{name}"')
    pages = [
        gate.ask("GET", "/Users", query=f"filter={text}&startIndex={start}&count=2").body
        for start in (1, 3, 4)
    ]
    assert [(page["totalResults"], page["itemsPerPage"]) for page in pages] == [(3, 2), (3, 1), (3, 0)]
    none = gate.ask("GET", "/Users", query=f"filter={text}&count=0").body
    assert (none["totalResults"], none.get("Resources", [])) == (3, [])


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "replace", "value": {"active": False}},
        {"op": "Replace", "path": "active", "value": False},
    ],
    ids=["Entra", "Okta", "RFC 7644"],
)
def test_a_leaver_is_out_at_the_next_request_and_may_come_back(gate, name, operation):
    user_id = gate.join(name)
    token = gate.token(name)
    assert gate.raw("GET", "/api/v1/me", token).status == 200
    told = gate.patch(f"/Users/{user_id}", operation)
    assert (told.status, told.body["active"]) == (200, False)
    assert gate.raw("GET", "/api/v1/me", token).status == 401
    assert gate.patch(f"/Users/{user_id}", {"op": "replace", "path": "active", "value": True}).body["active"]
    assert gate.raw("GET", "/api/v1/me", token).status == 200


def test_a_patch_of_what_the_gate_does_not_keep_changes_nothing_and_is_no_mistake(gate, name):
    user_id = gate.join(name)
    told = gate.patch(
        f"/Users/{user_id}",
        {"op": "Add", "path": "name.givenName", "value": "Ana"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "a@b.example"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "CARD"},
        {"op": "Replace", "path": "displayName", "value": "Dr Reis"},
    )
    assert told.status == 200
    assert kept(gate, name).display_name == "Dr Reis"
    assert kept(gate, name).attributes == {"department": frozenset({"CARD"})}


def test_what_is_put_replaces_all_that_was_said_before(gate, name):
    user_id = gate.join(name, displayName="Before", **{ENTERPRISE: {"department": "RAD"}})
    told = gate.ask(
        "PUT", f"/Users/{user_id}", {"schemas": [USER], "userName": name, "externalId": "e-1" + name}
    )
    assert told.status == 200
    assert (kept(gate, name).display_name, kept(gate, name).attributes) == ("", {})
    assert found(gate, f'externalId eq "e-1{name}"') == [name]


def test_a_name_never_changes_and_is_taken_once(gate, name):
    user_id = gate.join(name)
    renamed = gate.ask("PUT", f"/Users/{user_id}", {"schemas": [USER], "userName": f"new-{name}"})
    assert (renamed.status, renamed.body["scimType"]) == (400, "mutability")
    patched = gate.patch(f"/Users/{user_id}", {"op": "replace", "path": "userName", "value": f"new-{name}"})
    assert (patched.status, patched.body["scimType"]) == (400, "mutability")
    for again in (name, name.upper()):
        told = gate.ask("POST", "/Users", {"schemas": [USER], "userName": again})
        assert (told.status, told.body["scimType"]) == (409, "uniqueness")


def test_a_removed_account_is_gone_and_whoever_gets_its_name_is_somebody_else(gate, name):
    user_id = gate.join(name)
    token = gate.token(name)
    assert gate.ask("DELETE", f"/Users/{user_id}").status == 204
    assert gate.user(name) is None
    assert gate.raw("GET", "/api/v1/me", token).status == 401
    assert gate.ask("GET", f"/Users/{user_id}").status == 404
    assert gate.join(name) != user_id


@pytest.mark.parametrize(
    "removal",
    [
        lambda member: {"op": "remove", "path": f'members[value eq "{member}"]'},
        lambda member: {"op": "Remove", "path": "members", "value": [{"value": member}]},
        lambda _: {"op": "replace", "path": "members", "value": []},
    ],
    ids=["RFC 7644 and Okta", "Entra", "all"],
)
def test_who_is_taken_out_of_a_group_has_its_roles_no_longer_at_the_next_request(gate, name, removal):
    """Row L3."""
    groups = gate.ask("GET", "/Groups", query="filter=" + quote('displayName eq "radiology"')).body
    for each in groups.get("Resources", []):
        assert gate.ask("DELETE", f"/Groups/{each['id']}").status == 204
    group_id, user_id = gate.group("radiology"), gate.join(name)
    token = gate.token(name)
    studies = ("GET", "/dicom-web/studies", token)
    assert gate.raw(*studies).status == 403
    added = gate.patch(f"/Groups/{group_id}", {"op": "Add", "path": "members", "value": [{"value": user_id}]})
    assert [member["value"] for member in added.body["members"]] == [user_id]
    assert gate.raw(*studies).status == 200
    assert gate.ask("GET", f"/Users/{user_id}").body["groups"][0]["value"] == "radiology"
    assert gate.patch(f"/Groups/{group_id}", removal(user_id)).status == 200
    assert gate.raw(*studies).status == 403


def test_a_group_is_put_and_filtered_and_removed_with_its_memberships(gate, name):
    first, second = gate.join(name), gate.join(f"b{name}")
    group_id = gate.group(f"ward {name}", first)
    body = {
        "schemas": [GROUP],
        "displayName": f"ward {name}",
        "externalId": "g",
        "members": [{"value": second}],
    }
    told = gate.ask("PUT", f"/Groups/{group_id}", body).body
    assert ([member["value"] for member in told["members"]], told["externalId"]) == ([second], "g")
    assert found(gate, f'members eq "{second}" and externalId eq "g"', "/Groups") == [f"ward {name}"]
    renamed = gate.patch(f"/Groups/{group_id}", {"op": "replace", "value": {"displayName": "other"}})
    assert (renamed.status, renamed.body["scimType"]) == (400, "mutability")
    assert gate.ask("DELETE", f"/Groups/{group_id}").status == 204
    assert kept(gate, f"b{name}").groups == frozenset()
    nobody = {**body, "members": [{"value": "nobody.0"}]}
    assert gate.ask("POST", "/Groups", nobody).status == 400


def test_a_client_sees_and_changes_no_account_but_those_of_its_source(gate, name):
    mine = gate.join(name)
    for theirs in ("/Users/" + mine, "/Users/person.0", "/Users/scim-hr.0"):
        for method, body in (("GET", None), ("DELETE", None), ("PUT", {"schemas": [USER], "userName": name})):
            assert gate.ask(method, theirs, body, who="scim-partner").status == 404
    assert found(gate, "userName pr", who="scim-partner") == []
    assert "person" not in found(gate, "userName pr")
    group_id = gate.group(f"team {name}", mine)
    assert gate.ask("GET", f"/Groups/{group_id}", who="scim-partner").status == 404
    taken = gate.ask("POST", "/Users", {"schemas": [USER], "userName": "person"}, who="scim-partner")
    assert taken.status == 409


@pytest.mark.parametrize("who", ["scim-hr", "scim-partner"])
def test_no_group_and_no_name_brings_a_role_beyond_the_sources_reach(gate, name, who):
    """Row Z5: administrators are not made by provisioning.  ASVS 8.2.1."""
    user_id = gate.join(name, who=who)
    body = {"schemas": [GROUP], "displayName": "administrators", "members": [{"value": user_id}]}
    assert gate.ask("POST", "/Groups", body, who=who).status == 403
    assert gate.ask("POST", "/Users", {"schemas": [USER], "userName": "deputy"}, who=who).status == 403
    assert gate.user("deputy") is None
    assert kept(gate, name).groups == frozenset()


def test_a_bounded_source_brings_the_roles_of_its_bound_and_no_other(gate, name):
    gate.join(name, who="scim-partner")
    gate.group("visitors", who="scim-partner")
    beyond = {"schemas": [GROUP], "displayName": "radiology"}
    assert gate.ask("POST", "/Groups", beyond, who="scim-partner").status == 403


@pytest.mark.parametrize("who", ["unbound", "person", "roleless"])
def test_nobody_else_is_answered(gate, who):
    for path in ("/Users", "/Groups", "/ServiceProviderConfig", "/Schemas", "/nonsense"):
        assert gate.ask("GET", path, who=who).status == 403
    assert gate.raw("GET", "/scim/v2/Users", "pg_wrong").status == 401


def test_a_password_is_no_credential_of_a_client(gate):
    assert gate.ask("GET", "/Users", who="scim-basic").status == 200
    assert gate.raw("GET", "/scim/v2/Users", f"scim-basic:{PASSWORD}").status == 403


def test_what_an_administrator_has_disabled_no_client_enables(gate, name):
    user_id = gate.join(name)
    office, change = desk(gate.installation)
    UserAdministration(office, Argon2Passwords()).set_disabled(change, name, disabled=True)
    told = gate.patch(f"/Users/{user_id}", {"op": "replace", "path": "active", "value": True})
    assert (told.status, told.body["active"]) == (200, False)
    assert kept(gate, name).disabled


@pytest.mark.parametrize(
    ("body", "scim_type"),
    [
        (b"{", "invalidSyntax"),
        (b"[" * 100_000, "invalidSyntax"),
        ([], "invalidSyntax"),
        ({"schemas": [USER]}, "invalidValue"),
        ({"schemas": [USER], "userName": "a b"}, None),
        ({"schemas": [USER], "userName": 7}, "invalidValue"),
        ({"schemas": [USER], "userName": "x", "active": "perhaps"}, "invalidValue"),
    ],
)
def test_a_body_that_cannot_be_used_is_told_in_the_shape_of_scim(gate, body, scim_type):
    told = gate.ask("POST", "/Users", body)
    assert (told.status, told.body.get("scimType")) == (400, scim_type)
    assert told.body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert told.body["status"] == "400"


def test_the_service_says_what_it_can_do(gate):
    assert gate.ask("GET", "/ServiceProviderConfig").body["patch"] == {"supported": True}
    types = gate.ask("GET", "/ResourceTypes").body["Resources"]
    assert {each["endpoint"] for each in types} == {"/Users", "/Groups"}
    schemas = {each["id"]: each for each in gate.ask("GET", "/Schemas").body["Resources"]}
    assert set(schemas) == {USER, GROUP, ENTERPRISE}
    assert gate.ask("GET", f"/Schemas/{USER}").body == schemas[USER]
    assert "emails" not in {each["name"] for each in schemas[USER]["attributes"]}
    assert gate.ask("GET", "/Schemas/nonsense").status == 404


def test_joiners_movers_and_leavers_are_on_record_with_client_and_source(gate, name):
    user_id = gate.join(name)
    gate.patch(f"/Users/{user_id}", {"op": "replace", "value": {"displayName": "Moved"}})
    gate.patch(f"/Users/{user_id}", {"op": "replace", "value": {"active": False}})
    told = [event for event in gate.events() if event.details.get("target") == name]
    assert [event.details["change"] for event in told] == ["joined", "moved", "left"]
    assert {(event.actor.name, event.details["source"]) for event in told} == {("scim-hr", HR)}


def test_whom_a_client_has_made_can_be_given_a_password_of_the_gate(gate, name):
    gate.join(name)
    _, change = desk(gate.installation)
    people.users(gate.installation).set_password(change, name, PASSWORD)
    assert gate.raw("GET", "/api/v1/me", f"{name}:{PASSWORD}").status == 200
