import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.audit.canonical import canonical, decode_event, decode_time, encode_event, encode_time
from pacsgate.audit.events import AuditEvent
from pacsgate.model.errors import RecordError
from tests.support.events import FORGERY, READ, events, texts

json_values = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(events)
def test_an_event_survives_being_written_and_read(event: AuditEvent) -> None:
    assert decode_event(encode_event(event)) == event


@given(events)
def test_nothing_in_an_event_leaves_its_line_or_acts_on_a_terminal(event: AuditEvent) -> None:
    assert all(0x20 <= byte < 0x7F for byte in encode_event(event))


@given(json_values)
def test_both_encoders_write_the_same_bytes(value: object) -> None:
    slow = json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    assert canonical(value) == slow.encode("ascii")


def test_the_forged_name_is_kept_exactly() -> None:
    event = replace(READ, query=FORGERY)
    written = encode_event(event)
    assert b"\n" not in written
    assert decode_event(written).query == FORGERY


def test_a_time_is_written_in_utc_with_milliseconds() -> None:
    at = datetime(2026, 3, 1, 10, 30, 0, 999999, tzinfo=timezone(timedelta(hours=1)))
    assert encode_time(at) == "2026-03-01T09:30:00.999Z"
    assert decode_time("2026-03-01T09:30:00.999Z").microsecond == 999000


def test_an_event_without_a_time_zone_is_not_recorded() -> None:
    with pytest.raises(RecordError, match="time zone"):
        encode_event(replace(READ, at=READ.at.replace(tzinfo=None)))


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw | {"extra": 1},
        lambda raw: raw | {"kind": "NO_SUCH_KIND"},
        lambda raw: raw | {"outcome": 3},
        lambda raw: raw | {"at": "2026-03-01T09:00:00Z"},
        lambda raw: raw | {"tenant": None},
        lambda raw: raw | {"actor": {"name": "x"}},
        lambda raw: raw | {"actor": []},
        lambda raw: raw | {"study": {"study_instance_uid": "1", "colour": "red"}},
        lambda raw: {name: value for name, value in raw.items() if name != "kind"},
        lambda raw: [raw],
    ],
)
def test_what_is_not_exactly_an_event_is_refused(change) -> None:
    raw = json.loads(encode_event(READ))
    with pytest.raises(ValueError):
        decode_event(canonical(change(raw)))


def test_another_spelling_of_the_same_event_is_refused() -> None:
    with pytest.raises(ValueError, match="canonical"):
        decode_event(encode_event(READ).replace(b",", b", ", 1))
