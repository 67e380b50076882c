"""Audit events for tests: one plain, and a strategy for any."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome, StudyObject
from pacsgate.model.resource import ArchiveName, TenantName

READ = AuditEvent(
    kind=EventKind.INSTANCES_ACCESSED,
    at=datetime(2026, 3, 1, 9, 0, 0, 125000, tzinfo=UTC),
    actor=Actor("rad1", verified=True, credential="token", roles=("radiologist",), address="10.0.0.7"),
    tenant=TenantName("default"),
    archive=ArchiveName("main"),
    action="view",
    study=StudyObject("1.2.826.0.1.3680043.10.1", patient_id="P1"),
    reasons=("permitted-by-rule:radiologists-read",),
    revision="0123456789ab",
    purpose="TREAT",
    request_id="r1",
)

FORGERY = (
    'DOE^JANE\n<85>1 2026-03-01T09:00:00Z gate pacsgate - - - "all is well"\x1b[2J\u202egnp.\r\u2028\x9b'
)
"""A name that tries to end its line, to forge the next, to clear a terminal and to turn text round."""


def numbered(number: int) -> AuditEvent:
    return replace(READ, request_id=f"r{number}", at=READ.at + timedelta(milliseconds=number))


texts = st.text(st.characters(), max_size=12) | st.just(FORGERY)
counts = st.integers(min_value=0, max_value=2**53)
times = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2200, 1, 1),  # noqa: DTZ001 - likewise
    timezones=st.just(UTC),
).map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))
actors = st.builds(
    Actor,
    name=texts,
    verified=st.booleans(),
    credential=st.none() | texts,
    credential_id=st.none() | texts,
    roles=st.lists(texts, max_size=3).map(tuple),
    address=st.none() | texts,
)
studies = st.builds(
    StudyObject,
    study_instance_uid=texts,
    patient_id=st.none() | texts,
    sop_classes=st.dictionaries(texts, counts, max_size=3),
    instances=st.none() | counts,
    evidence=st.dictionaries(texts, texts, max_size=2),
)
events = st.builds(
    AuditEvent,
    kind=st.sampled_from(EventKind),
    at=times,
    actor=actors,
    outcome=st.sampled_from(Outcome),
    tenant=st.none() | texts,
    archive=st.none() | texts,
    action=st.none() | texts,
    study=st.none() | studies,
    query=st.none() | texts,
    reasons=st.lists(texts, max_size=3).map(tuple),
    revision=st.none() | texts,
    purpose=st.none() | texts,
    request_id=st.none() | texts,
    window=st.none() | texts,
    count=st.none() | counts,
    bytes_sent=st.none() | counts,
    recipient=st.none() | texts,
    details=st.dictionaries(texts, texts, max_size=3),
)
