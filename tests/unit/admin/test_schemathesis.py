"""Whatever `/api/v1` is sent, it answers as its document says: never by breaking."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.support.administered_gate import EVERYTHING, AdministeredGate

pytestmark = pytest.mark.long

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
