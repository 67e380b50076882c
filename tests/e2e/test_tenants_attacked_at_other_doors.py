"""An administrator of one tenant after another's things, at every door that is no page and not of the API's document.

DICOMweb with studies that only the other has, AuthZEN, SCIM, OAuth, and the questions of proxies.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from pacsgate.model.resource import TenantScope
from tests.e2e.expectations import routes
from tests.support.furnished_tenants import (
    ARCHIVE,
    CANARY,
    NORTH,
    OTHER,
    OWN,
    STUDY,
    FurnishedTenants,
    furnished_tenants,
    object_of,
)
from tests.support.multipart import multipart_related

pytestmark = pytest.mark.long
BOTH = pytest.mark.parametrize("scope", [OWN, NORTH], ids=["default", "north"])
SCIM_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
SCIM_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
NO_STUDY = "1.2.3.9009"


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FurnishedTenants]:
    with furnished_tenants(tmp_path_factory.mktemp("doors")) as made:
        yield made


def keeping(gate: FurnishedTenants, scope: TenantScope, **others: str) -> dict[str, str]:
    """The headers of a tenant's own service."""
    return {"authorization": f"Bearer {gate.keepers[scope]}", **others}


def told(
    gate: FurnishedTenants,
    scope: TenantScope | None,
    method: str,
    path: str,
    asked: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> tuple[object, ...]:
    answer = gate.sent(scope, method, path, body, headers)
    for other in OTHER if scope is None else (OTHER[scope],):
        assert CANARY[other].encode() not in repr(answer.headers).encode() + answer.body, path
    return gate.in_words(answer, asked)


# ------------------------------------------------------------------------------------ pictures


@BOTH
def test_a_study_of_another_tenant_is_none_on_every_route_of_dicomweb(
    gate: FurnishedTenants, scope: TenantScope
) -> None:
    foreign = STUDY[OTHER[scope]]
    roots = (
        "/dicom-web",
        f"/archives/{ARCHIVE[scope]}/dicom-web",
        f"/archives/{ARCHIVE[OTHER[scope]]}/dicom-web",
    )
    for row in routes():
        for root in roots:
            answers = []
            for uid in (foreign, NO_STUDY):
                path = row.path
                names = {"study": uid, "series": f"{uid}.1", "instance": f"{uid}.1.1", "frames": "1"}
                names |= {
                    "tags*": "7FE00010",
                    "workitem": "1.2",
                    "aetitle": "X",
                    "uid": "1.3",
                    "transaction": "1.4",
                }
                for name, value in names.items():
                    path = path.replace(f"{{{name}}}", value)
                if row.route_id in {"search-instances", "wado-uri"}:
                    joint = "&" if "?" in path else "?"
                    path += (
                        f"{joint}StudyInstanceUID={uid}&studyUID={uid}&seriesUID={uid}.1&objectUID={uid}.1.1"
                    )
                headers = {"accept": row.media} if row.media else {}
                answers.append(told(gate, scope, row.method, root + path, uid, headers=headers))
            assert answers[0] == answers[1], (row, root)
            if "{study}" in row.path and row.method in {"GET", "DELETE"}:
                assert answers[0][0] in {204, 403, 404, 501}, (row, answers[0])
    own = gate.sent(scope, "GET", f"/dicom-web/studies/{STUDY[scope]}/metadata")
    assert (own.status, CANARY[scope].encode() in own.body) == (200, True)


@BOTH
def test_an_object_of_another_tenant_is_stored_as_if_nobody_had_it_and_in_nobody_elses_archive(
    gate: FurnishedTenants, scope: TenantScope
) -> None:
    body, kind = multipart_related([object_of(OTHER[scope])])
    before, foreign = gate.rows(OTHER[scope]), ARCHIVE[OTHER[scope]]
    headers = {"content-type": kind, "accept": "application/dicom+json"}
    answers = [
        gate.in_words(gate.posted(scope, f"/archives/{archive}/dicom-web/studies", body, headers), archive)
        for archive in (foreign, foreign[::-1])
    ]
    assert (answers[0], answers[0][0]) == (answers[1], 404)
    refused = gate.posted(scope, "/dicom-web/studies", body, headers)
    assert refused.status in {403, 409, 202}, refused
    assert gate.rows(OTHER[scope]) == before


# ------------------------------------------------------------------------------------ questions of others


@BOTH
def test_of_another_tenant_no_subject_resource_or_action_is_told(
    gate: FurnishedTenants, scope: TenantScope
) -> None:
    here, there = gate.ids[scope], gate.ids[OTHER[scope]]

    def subject(name: str) -> dict[str, Any]:
        return {"type": "user", "id": name, "properties": {"ip_address": "127.0.0.1"}}

    def resource(uid: str, **properties: str) -> dict[str, Any]:
        return {"type": "study", "id": uid, "properties": properties}

    view, nobody = {"name": "view"}, gate.missing(OTHER[scope], "user")
    nowhere = ARCHIVE[OTHER[scope]][::-1]
    pairs: list[tuple[str, str, str, dict[str, Any], dict[str, Any]]] = []
    for door in ("evaluation", "search/resource", "search/action", "evaluations"):
        pairs += [
            (door, there["user"], nobody, {"subject": subject(there["user"])}, {"subject": subject(nobody)}),
            (
                door,
                there["study"],
                NO_STUDY,
                {"resource": resource(there["study"])},
                {"resource": resource(NO_STUDY)},
            ),
            (
                door,
                ARCHIVE[OTHER[scope]],
                nowhere,
                {"resource": resource(here["study"], archive=ARCHIVE[OTHER[scope]])},
                {"resource": resource(here["study"], archive=nowhere)},
            ),
        ]
    pairs += [
        ("search/subject", *pair[1:]) for pair in pairs if pair[0] == "evaluation" and "resource" in pair[3]
    ]
    for door, named, made_up, one, other in pairs:
        base = {"subject": subject("admin"), "action": view, "resource": resource(here["study"])}
        answers = []
        for asked, changed in ((named, one), (made_up, other)):
            body = {**base, **changed}
            if door == "search/resource":
                body["resource"] = {key: value for key, value in body["resource"].items() if key != "id"}
            if door == "search/subject":
                body["subject"] = {"type": "user"}
            if door == "search/action":
                del body["action"]
            answers.append(told(gate, scope, "POST", f"/access/v1/{door}", asked, body, keeping(gate, scope)))
        assert answers[0] == answers[1], (door, named)
        assert answers[0][0] in {200, 400, 404}, (door, answers[0])
    listed = gate.sent(
        scope,
        "POST",
        "/access/v1/search/subject",
        {"subject": {"type": "user"}, "action": view, "resource": resource(here["study"])},
        keeping(gate, scope),
    )
    assert (listed.status, there["user"].encode() in listed.body) == (200, False)
    assert b"admin" in listed.body


@BOTH
def test_a_proxy_lets_nobody_of_another_tenant_through(gate: FurnishedTenants, scope: TenantScope) -> None:
    foreign = gate.tokens[OTHER[scope]]
    unknown = foreign[:-4] + ("0000" if not foreign.endswith("0000") else "1111")
    check = f"/auth/check/dicom-web/studies/{STUDY[scope]}"
    answers = [
        told(
            gate,
            scope,
            "GET",
            check,
            asked,
            headers={
                "pacsgate-enforcement-point": f"Bearer {gate.keepers[scope]}",
                "authorization": f"Bearer {asked}",
            },
        )
        for asked in (foreign, unknown, gate.tokens[scope])
    ]
    assert [answer[0] for answer in answers] == [403, 401, 200]


# ------------------------------------------------------------------------------------ SCIM and OAuth


@BOTH
def test_what_a_source_of_another_tenant_pushed_is_nothing_to_ones_own(
    gate: FurnishedTenants, scope: TenantScope
) -> None:
    pushed = {}
    for each in OTHER:
        name = f"pushed-{gate.ids[each]['source']}-by-{scope.tenant}"
        body = {"schemas": [SCIM_USER], "userName": name, "externalId": name, "displayName": CANARY[each]}
        headers = keeping(gate, each, **{"content-type": "application/scim+json"})
        answer = gate.sent(each, "POST", "/scim/v2/Users", body, headers)
        assert answer.status == 201, answer.body
        group = {"displayName": f"group-{name}", "members": [{"value": json.loads(answer.body)["id"]}]}
        made = gate.sent(each, "POST", "/scim/v2/Groups", group, headers)
        assert made.status == 201, made.body
        pushed[each] = {"Users": json.loads(answer.body)["id"], "Groups": json.loads(made.body)["id"]}
    before = gate.rows(OTHER[scope])
    patch = {"schemas": [SCIM_PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": "x"}]}
    for kind, foreign in pushed[OTHER[scope]].items():
        made_up = foreign[::-1]
        for method, body in (
            ("GET", None),
            ("PUT", {"userName": "x", "displayName": "x"}),
            ("PATCH", patch),
            ("DELETE", None),
        ):
            answers = [
                told(
                    gate,
                    scope,
                    method,
                    f"/scim/v2/{kind}/{quote(asked, safe='')}",
                    asked,
                    body,
                    keeping(gate, scope),
                )
                for asked in (foreign, made_up)
            ]
            assert answers[0] == answers[1], (kind, method)
            assert answers[0][0] == 404, (kind, method, answers[0])
        name = "userName" if kind == "Users" else "displayName"
        for asked in (f'{name} sw "pushed"', f'id eq "{foreign}"'):
            found = told(
                gate,
                scope,
                "GET",
                f"/scim/v2/{kind}?filter={quote(asked)}",
                "nothing",
                None,
                keeping(gate, scope),
            )
            assert foreign.encode() not in repr(found).encode(), (kind, asked)
    members = {"schemas": [SCIM_PATCH], "Operations": []}
    answers = []
    for asked in (pushed[OTHER[scope]]["Users"], pushed[OTHER[scope]]["Users"][::-1]):
        members["Operations"] = [{"op": "add", "path": "members", "value": [{"value": asked}]}]
        path = f"/scim/v2/Groups/{quote(pushed[scope]['Groups'], safe='')}"
        answers.append(told(gate, scope, "PATCH", path, asked, members, keeping(gate, scope)))
    assert answers[0] == answers[1]
    assert gate.rows(OTHER[scope]) == before


def test_no_client_learns_which_tenants_and_clients_there_are(gate: FurnishedTenants) -> None:
    secret = gate.tokens[NORTH]
    answers = []
    for client in (
        "north/service-far",
        "north/service-non",
        "nowhere/service-far",
        "service-far",
        "service-non",
    ):
        basic = "Basic " + b64encode(f"{quote(client, safe='')}:{secret}".encode()).decode()
        form = urlencode({"grant_type": "client_credentials"}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded", "content-length": str(len(form))}
        answers.append(
            gate.in_words(
                gate.posted(None, "/oauth2/token", form, {**headers, "authorization": basic}), client
            )
        )
    assert [answer for answer in answers if answer != answers[0]] == []
    assert answers[0][0] in {400, 401}
