from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.errors import RequestError
from pacsgate.protocols.agent.messages import (
    LONGEST_RESPONSE,
    AgentMessage,
    AgentResponse,
    read_message,
    read_response,
    write_message,
    write_response,
)

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
BODIES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
MOMENTS = st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1))  # noqa: DTZ001 - hypothesis adds the zone
MESSAGES = st.builds(
    AgentMessage,
    message_id=NAMES,
    operation=NAMES,
    tenant=NAMES,
    pacs=NAMES,
    ids=st.dictionaries(NAMES, NAMES, max_size=3),
    parameters=st.dictionaries(NAMES, NAMES, max_size=3),
    body=BODIES,
    requested_by=NAMES,
    requested_at=MOMENTS,
    expires_at=MOMENTS,
    attempt=st.integers(1, 9),
    lease=NAMES,
)


@given(MESSAGES)
def test_the_agent_reads_what_the_gate_has_written(message: AgentMessage) -> None:
    assert read_message(write_message(message)) == message


@given(
    st.builds(AgentResponse, lease=NAMES, status=st.sampled_from([200, 204, 400, 409, 501, 599]), body=BODIES)
)
def test_the_gate_reads_what_the_agent_has_written(response: AgentResponse) -> None:
    assert read_response(write_response(response)) == response


@given(st.binary(max_size=60))
def test_bytes_that_are_no_response_are_refused_and_nothing_else_happens(raw: bytes) -> None:
    with pytest.raises(RequestError):
        read_response(raw)


@pytest.mark.parametrize("status", [0, 100, 199, 300, 307, 401, 600, -200])
def test_an_agent_answers_with_nothing_that_would_send_a_client_elsewhere(status: int) -> None:
    with pytest.raises(RequestError, match="`status`"):
        read_response(write_response(AgentResponse("lease", status)))


def test_a_response_has_so_many_bytes_at_most() -> None:
    around = len(write_response(AgentResponse("lease", 200, "")))
    fits = write_response(AgentResponse("lease", 200, "x" * (LONGEST_RESPONSE - around)))
    assert read_response(fits).status == 200
    with pytest.raises(RequestError) as refused:
        read_response(fits + b" ")
    assert refused.value.status == 413


def test_what_is_wrong_is_told_without_what_was_sent() -> None:
    with pytest.raises(RequestError) as refused:
        read_response(b'{"lease": "SECRET", "status": "SECRET"}')
    assert "SECRET" not in refused.value.public
    assert "status" in refused.value.public
