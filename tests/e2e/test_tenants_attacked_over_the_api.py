"""An administrator who may do all in one tenant names another's things in every place of every operation there is.

Each question is put twice: with what the other tenant has, and with what nobody has.  Nothing of the two answers may
differ, nor of the results that they lead to; nothing of the other tenant may be in them; and afterwards every row of
the other tenant is what it was.  What is asked is read from the API's own document, so that a new operation, and a
new field, is attacked or stops the test.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from pacsgate.model.resource import TenantScope
from tests.support.api_operations import FIELDS, NEW_NAMES, TEXTS, Operation, operations, own_body
from tests.support.furnished_tenants import (
    CANARY,
    NORTH,
    OTHER,
    OWN,
    FurnishedTenants,
    furnished_tenants,
)
from tests.support.open_gate import Answer

pytestmark = pytest.mark.long
BOTH = pytest.mark.parametrize("scope", [OWN, NORTH], ids=["default", "north"])
NAMED_FREELY = {"study_instance_uid", "grantee"}
"""What a path may name that there is not (yet): nothing tells whether there is."""
Told = tuple[object, ...]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FurnishedTenants]:
    with furnished_tenants(tmp_path_factory.mktemp("attacked")) as made:
        yield made


@pytest.fixture(scope="module")
def every(gate: FurnishedTenants) -> list[Operation]:
    return list(operations(json.loads(gate.sent(OWN, "GET", "/api/v1/openapi.json").body)))


def seen(scope: TenantScope, answer: Answer, where: object) -> Answer:
    """Looks at every byte of an answer for what is another's."""
    whole = repr(answer.headers).encode() + answer.body
    assert CANARY[OTHER[scope]].encode() not in whole, where
    return answer


def told(
    gate: FurnishedTenants,
    scope: TenantScope,
    method: str,
    path: str,
    asked: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> list[Told]:
    """What an operation answers, and the result that it leads to."""
    answer = seen(scope, gate.sent(scope, method, path, body, headers), (method, path))
    answers = [gate.in_words(answer, asked)]
    if answer.status == 202:
        result = seen(scope, gate.sent(scope, "GET", answer.headers["location"]), (method, path))
        answers.append(gate.in_words(result, asked))
    return answers


def put(
    gate: FurnishedTenants,
    scope: TenantScope,
    operation: Operation,
    number: int,
    asked: str,
    path: Mapping[str, str] = {},
    query: Mapping[str, str] = {},
    body: Mapping[str, Any] = {},
) -> list[Told]:
    """Put an operation as it could be put about one's own, but for what is said otherwise."""
    ids = gate.own(scope)
    places = {name: ids.get(kind, "user") for name, kind in operation.places.items()}
    sent = None if operation.body is None else {**own_body(operation, ids, gate.now, number), **body}
    needed = {name: ids[FIELDS[name]] for name in operation.needs}
    url = operation.filled({**places, **path})
    words = urlencode({**needed, **query})
    headers = {"authorization": f"Bearer {gate.agents[scope]}"} if operation.is_for_agents else None
    return told(gate, scope, operation.method, f"{url}?{words}", asked, sent, headers)


def outcome(answers: list[Told]) -> list[Told]:
    """What is left to compare where a first answer has changed what a second one tells of."""
    return [answer if answer[0] not in {200, 201} else answer[:1] for answer in answers]


def test_every_operation_is_known(every: list[Operation]) -> None:
    assert len(every) > 190
    assert sum(operation.path.startswith("/ais/") for operation in every) > 70
    for operation in every:
        assert operation.places.keys() is not None


@BOTH
def test_what_one_reads_of_ones_own_is_ones_own(
    gate: FurnishedTenants, every: list[Operation], scope: TenantScope
) -> None:
    shown = set()
    for number, operation in enumerate(every):
        is_waiting = "message" in operation.places  # for a result that nobody sends
        if operation.method == "GET" and not operation.is_for_agents and not is_waiting:
            answers = put(gate, scope, operation, number, "nothing")
            assert answers[-1][0] in {200, 404, 409} or operation.path == "/api/v1/search", (
                operation,
                answers,
            )
            whole = repr(answers).encode()
            shown |= {operation.path} if CANARY[scope].encode() in whole else set()
            for kind in ("user", "role", "device", "pacs", "identity", "visit", "unit", "grant", "token"):
                assert gate.ids[OTHER[scope]][kind].encode() not in whole, (operation, kind)
    assert len(shown) > 30, shown  # so that the canaries are where answers would show them


@BOTH
def test_a_path_that_names_a_thing_of_another_tenant_names_none(
    gate: FurnishedTenants, every: list[Operation], scope: TenantScope
) -> None:
    foreign = gate.ids[OTHER[scope]]
    with gate.untouched(OTHER[scope]):
        for number, operation in enumerate(every):
            for place, kind in operation.places.items():
                if kind == "grantee kind":
                    continue
                answers = [
                    put(gate, scope, operation, number, named, {place: named})
                    for named in (foreign[kind], gate.missing(OTHER[scope], kind))
                ]
                assert answers[0] == answers[1], (operation, place)
                if place not in NAMED_FREELY:
                    refused = {404, 403} if operation.is_for_agents else {404}  # whose role is at one PACS
                    assert answers[0][-1][0] in refused, (operation, place, answers[0])


@BOTH
def test_a_question_about_a_thing_of_another_tenant_finds_none(
    gate: FurnishedTenants, every: list[Operation], scope: TenantScope
) -> None:
    foreign, asked = gate.ids[OTHER[scope]], set()
    with gate.untouched(OTHER[scope]):
        for number, operation in enumerate(every):
            for name in operation.query:
                if name not in FIELDS:
                    assert name in TEXTS, (operation, name)
                    continue
                asked.add(name)
                kind = FIELDS[name]
                answers = [
                    put(gate, scope, operation, number, named, query={name: named})
                    for named in (foreign[kind], gate.missing(OTHER[scope], kind))
                ]
                assert answers[0] == answers[1], (operation, name)
    assert asked >= {"role", "group", "source", "grantee", "target_id", "archive", "collection"}


@BOTH
def test_a_body_that_speaks_of_a_thing_of_another_tenant_speaks_of_none(
    gate: FurnishedTenants, every: list[Operation], scope: TenantScope
) -> None:
    foreign, asked = gate.ids[OTHER[scope]], set()
    with gate.untouched(OTHER[scope]):
        for number, operation in enumerate(every):
            for name, schema in operation.fields().items():
                if name not in FIELDS:
                    continue
                asked.add(name)
                kind = FIELDS[name]
                answers = []
                for turn, named in enumerate((foreign[kind], gate.missing(OTHER[scope], kind))):
                    value = [named] if schema.get("type") == "array" else named
                    tried = 10_000 + 2 * number + turn
                    answers.append(outcome(put(gate, scope, operation, tried, named, body={name: value})))
                assert answers[0] == answers[1], (operation, name)
    assert asked >= {"account", "archive", "groups", "host", "owner", "pacsId", "role", "userUid"}


@BOTH
def test_a_name_that_another_tenant_has_is_as_free_as_one_that_nobody_has(
    gate: FurnishedTenants, every: list[Operation], scope: TenantScope
) -> None:
    foreign, asked = gate.ids[OTHER[scope]], set()
    with gate.untouched(OTHER[scope]):
        for number, operation in enumerate(every):
            for name in operation.fields().keys() & NEW_NAMES.keys():
                if operation.method != "POST" or (
                    name == "name" and len(operation.fields().keys() & NEW_NAMES.keys()) > 1
                ):
                    continue
                kind = NEW_NAMES[name]
                answers = [
                    put(gate, scope, operation, number, named, body={name: named})
                    for named in (foreign[kind], gate.missing(OTHER[scope], kind))
                ]
                asked.add(name)
                assert answers[0] == answers[1], (operation, name)
    assert asked == NEW_NAMES.keys()
