"""Whatever `/api/v1` and `/ais/v1` are sent, they answer as their document says: never by breaking.

What is made up mostly names nothing.  So everything is asked once more about things that there are, and four of five
operations are seen to succeed.
"""

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.support.administered_gate import EVERYTHING, AdministeredGate
from tests.support.api_operations import Operation, operations
from tests.support.furnished_tenants import OWN, furnished_tenants

pytestmark = pytest.mark.long
TREES = ("/api/v1/", "/ais/v1/")
ABOUT_THINGS = settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=True,
)

EXAMPLES = {GenerationMode.POSITIVE: 6, GenerationMode.NEGATIVE: 3}
"""Of each operation, within its document and outside it: some 450 requests for each of the two who ask."""


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("who", ["an administrator", "nobody in particular"])
def test_every_operation_answers_as_its_document_says(
    gate: AdministeredGate, who: str, mode: GenerationMode
) -> None:
    name = gate.holder(*EVERYTHING) if who == "an administrator" else gate.holder()
    headers = {"Authorization": f"Bearer {gate.tokens[name]}"}
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", gate.opened.app, headers=headers)
    statuses: set[int] = set()

    for found in schema.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (
            operation.query or operation.path_parameters or operation.body
        ):
            continue  # nothing in it can be wrong

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=EXAMPLES[mode],
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        def ask(case: Any) -> None:
            response = case.call(headers=headers)
            statuses.add(response.status_code)
            case.validate_response(
                response,
                checks=[not_a_server_error, status_code_conformance, response_schema_conformance],
            )

        ask()
    assert 503 not in statuses
    if mode is GenerationMode.POSITIVE:
        assert statuses & ({200, 201, 204} if who == "an administrator" else {403})


def _last_what_removes(operation: Operation) -> tuple[bool, int]:
    """First all else, then from the inside out."""
    return operation.method == "DELETE", -operation.path.count("/")


def _statuses(generated: Any, places: dict[str, str], headers: dict[str, str]) -> set[int]:
    """What some requests to one operation are answered with, each as the document says."""
    statuses: set[int] = set()

    @given(case=generated.as_strategy(generation_mode=GenerationMode.POSITIVE))
    @ABOUT_THINGS
    def ask(case: Any) -> None:
        case.path_parameters = places or case.path_parameters
        response = case.call(headers=headers)
        statuses.add(response.status_code)
        checks = [status_code_conformance, response_schema_conformance]
        if response.status_code != 501:  # which an archive of files says of policies
            checks.append(not_a_server_error)
        case.validate_response(response, checks=checks)

    ask()
    return statuses


def test_every_operation_on_things_that_there_are_answers_as_its_document_says(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """But for those that wait for a message: they have tests of their own."""
    seen: dict[Operation, set[int]] = {}
    with furnished_tenants(tmp_path_factory.mktemp("things")) as gate:
        document = json.loads(gate.sent(OWN, "GET", "/api/v1/openapi.json").body)
        administrator = {"Authorization": f"Bearer {gate.tokens[OWN]}"}
        agent = {"Authorization": f"Bearer {gate.agents[OWN]}"}
        schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", gate.app, headers=administrator)
        every = [found.ok() for found in schema.get_all_operations()]
        generated = {(one.method.upper(), one.path): one for one in every}
        for operation in sorted(operations(document), key=_last_what_removes):
            if not operation.waits:
                own = gate.own(OWN)
                places = {name: own.get(kind, "user") for name, kind in operation.places.items()}
                headers = agent if operation.is_for_agents else administrator
                one = generated[operation.method, operation.path]
                seen[operation] = _statuses(one, places, headers)
    for tree in TREES:
        asked = [operation for operation in seen if operation.path.startswith(tree)]
        succeeded = [operation for operation in asked if {200, 201, 202, 204} & seen[operation]]
        assert len(succeeded) / len(asked) > 0.8, set(asked) - set(succeeded)
        assert all(401 not in seen[operation] for operation in asked)
