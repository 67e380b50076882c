"""Operations on PACSes as clients ask for them: accepted, carried out, and told to whoever asked."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from pacsgate.model.pacs_operation import OPERATIONS
from tests.support.access_gate import AccessGate, access_gate
from tests.support.administered_gate import Told

TREES = {"api": "/api/v1/tenants/default/pacs/main", "ais": "/ais/v1/tenant/default/pacs/main"}
IN_AIS = {
    "identities": "identity",
    "visits": "visit",
    "credentials": "credential",
    "access-units": "accessUnit",
    "check-in": "checkIn",
    "check-out": "checkOut",
    "credential-formats": "credentialFormats",
}


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccessGate]:
    with access_gate(tmp_path_factory.mktemp("access")) as opened:
        yield opened


def submitted(
    gate: AccessGate, method: str, path: str, body: Any = None, tree: str = "api", who: str = "warden"
) -> Told:
    parts = path.split("/")
    words = parts if tree == "api" else [IN_AIS.get(part, part) for part in parts]
    return gate.ask(who, method, f"{TREES[tree]}/{'/'.join(words)}", body)


def result(gate: AccessGate, accepted: Told, who: str = "warden") -> Told:
    assert accepted.status == 202, accepted.body
    return gate.ask(who, "GET", accepted.headers["location"])


def done(gate: AccessGate, method: str, path: str, body: Any = None, tree: str = "api") -> Told:
    return result(gate, submitted(gate, method, path, body, tree))


def a_visit(gate: AccessGate, visit: str, **more: Any) -> dict[str, Any]:
    hour = timedelta(hours=1)
    return {
        "visitId": visit,
        "visitor": f"p-{visit}",
        "name": "Bo Lund",
        "validFrom": (gate.now - hour).isoformat(),
        "validTo": (gate.now + hour).isoformat(),
    } | more


@pytest.mark.parametrize("tree", [pytest.param("api", marks=pytest.mark.long), "ais"])
def test_a_visiting_radiologist_is_admitted_and_let_out_in_the_words_of_each_tree(
    gate: AccessGate, tree: str
) -> None:
    visit = f"v-{tree}"
    assert done(gate, "POST", "visits", a_visit(gate, visit), tree).status == 201
    token = done(gate, "POST", f"visits/{visit}/credentials", {"format": "token"}, tree).body["secret"]
    assert done(gate, "PUT", f"visits/{visit}/access-units/department:Radiology", None, tree).status == 200
    assert done(gate, "POST", f"visits/{visit}/check-in", None, tree).body["state"] == "checkedIn"
    assert gate.sees(token) == ["1.2.3.1", "1.2.3.2"]
    assert done(gate, "POST", f"visits/{visit}/check-in", None, tree).status == 409
    assert done(gate, "POST", f"visits/{visit}/check-out", None, tree).body["state"] == "checkedOut"
    assert gate.sees(token) == 401


BAD = {
    "an unknown member": {"name": "Ada Reis", "colour": "mauve"},
    "an unknown extension field": {"name": "Ada Reis", "extensionFields": {"colour": "mauve"}},
    "a wrong type": {"name": 7},
    "a time without an offset": {"name": "Ada Reis", "validTo": "2027-03-01T08:00:00"},
    "a time that is a number": {"name": "Ada Reis", "validTo": 4_000_000_000},
    "a year that no calendar has": {"name": "Ada Reis", "validTo": "99999-01-01T00:00:00Z"},
    "no name": {"email": "a@b"},
    "an empty name": {"name": ""},
    "a name with a line break": {"name": "Ada\nReis"},
    "an id that is a path": {"identityId": "../e", "name": "Ada Reis"},
    "an id that is too long": {"identityId": "e" * 65, "name": "Ada Reis"},
    "a nested extension field": {"name": "Ada Reis", "extensionFields": {"a": {"b": 1}}},
    "a list": [],
    "nothing": None,
}


@pytest.mark.long
@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_refused_before_the_queue(gate: AccessGate, tree: str, body: Any) -> None:
    before = done(gate, "GET", "identities").body
    told = submitted(gate, "POST", "identities", body, tree)

    assert told.status == 400
    assert "mauve" not in told.message
    assert len(told.message) < 1000
    assert done(gate, "GET", "identities").body == before


@pytest.mark.long
def test_a_name_of_ten_megabytes_is_too_long_to_be_read(gate: AccessGate) -> None:
    assert submitted(gate, "POST", "identities", {"name": "x" * 10_000_000}).status == 413


@pytest.mark.long
def test_every_operation_needs_its_permission_and_says_so_before_anything_else(gate: AccessGate) -> None:
    gate.add_user("outsider")
    for row in OPERATIONS.values():
        path = row.path.format(identity="e-1", visit="v-1", credential="c-1", unit="u")
        for tree in TREES:
            told = submitted(gate, row.method, path, {"colour": "mauve"}, tree, who="outsider")
            assert told.status == 403, row
            assert f"`{row.permission}`" in told.message


@pytest.mark.long
def test_another_tenant_and_another_pacs_answer_as_if_they_were_not_there(gate: AccessGate) -> None:
    for path, status in (
        ("/api/v1/tenants/platform/pacs/main/identities", 404),
        ("/api/v1/tenants/nowhere/pacs/main/identities", 404),
        ("/api/v1/tenants/default/pacs/annex/identities", 403),
        ("/api/v1/tenants/default/pacs/nowhere/identities", 403),
    ):
        assert gate.ask("warden", "GET", path).status == status


@pytest.mark.long
def test_a_result_is_its_requesters_alone(gate: AccessGate) -> None:
    gate.add_user("curious")
    accepted = submitted(gate, "GET", "identities")

    assert result(gate, accepted, "curious").status == 404
    assert result(gate, accepted).status == 200


@pytest.mark.long
def test_a_request_that_is_sent_again_by_its_name_is_done_once(gate: AccessGate) -> None:
    named = {"idempotency-key": "k-1"}
    path = f"{TREES['api']}/identities"
    first, again = (gate.ask("warden", "POST", path, {"name": "Once Only"}, headers=named) for _ in range(2))
    other = gate.ask("warden", "POST", path, {"name": "Somebody Else"}, headers=named)

    assert first.headers["location"] == again.headers["location"]
    assert other.status == 409
    names = [each["name"] for each in done(gate, "GET", "identities").body["identities"]]
    assert names.count("Once Only") == 1


@pytest.mark.long
def test_a_policy_is_published_by_an_interface_of_its_own(gate: AccessGate) -> None:
    told = submitted(gate, "PUT", "policy", {"sources": {"policy.yaml": "version: 1"}})

    assert told.status in {403, 501}


@pytest.mark.long
def test_every_operation_is_in_the_document_with_its_permission_and_what_it_reads(gate: AccessGate) -> None:
    document = gate.ask("warden", "GET", "/api/v1/openapi.json").body
    for prefix, of_row in (
        ("/api/v1/tenants/{tenant}/pacs/{pacs}", lambda row: row.path),
        ("/ais/v1/tenant/{tenant}/pacs/{pacs}", lambda row: row.ais_path),
    ):
        for name, row in OPERATIONS.items():
            told = document["paths"][f"{prefix}/{of_row(row)}"][row.method.lower()]
            assert told["x-permissions"] == [name]
            assert ("requestBody" in told) is row.has_body
            assert "202" in told["responses"]
