"""An event as one flat JSON object per line: for SIEMs, spreadsheets and `jq`.

Nested fields become dotted names (`actor.name`, `study.patient_id`,
`details.rule`); the DICOM codes of the kind are spelled out beside its name.
The `id` names segment and position, by which a record is found again in the trail.
"""

from collections.abc import Mapping

from pacsgate.audit.canonical import canonical, encode_time
from pacsgate.audit.events import AuditEvent

FlatValue = str | int | bool | list[str]


def flatten(event: AuditEvent) -> Mapping[str, FlatValue]:
    """The fields of an event that are known, under dotted names."""
    kind, actor, study = event.kind, event.actor, event.study
    fields: dict[str, FlatValue | None] = {
        "at": encode_time(event.at),
        "kind": kind.name,
        "event.code": kind.event_id.value,
        "event.meaning": kind.event_id.meaning,
        "event.type.code": kind.event_type.value if kind.event_type else None,
        "event.type.meaning": kind.event_type.meaning if kind.event_type else None,
        "event.action": kind.action.value,
        "outcome": int(event.outcome),
        "actor.name": actor.name,
        "actor.verified": actor.verified,
        "actor.credential": actor.credential,
        "actor.credential_id": actor.credential_id,
        "actor.roles": list(actor.roles) or None,
        "actor.address": actor.address,
        "tenant": event.tenant,
        "archive": event.archive,
        "action": event.action,
        "study.study_instance_uid": study.study_instance_uid if study else None,
        "study.patient_id": study.patient_id if study else None,
        "study.instances": study.instances if study else None,
        "query": event.query,
        "reasons": list(event.reasons) or None,
        "revision": event.revision,
        "purpose": event.purpose,
        "request_id": event.request_id,
        "window": event.window,
        "count": event.count,
        "bytes_sent": event.bytes_sent,
        "recipient": event.recipient,
    }
    if study:
        fields |= {f"study.sop_classes.{uid}": count for uid, count in study.sop_classes.items()}
        fields |= {f"study.evidence.{name}": source for name, source in study.evidence.items()}
    fields |= {f"details.{name}": value for name, value in event.details.items()}
    return {name: value for name, value in fields.items() if value is not None}


def to_json(event: AuditEvent, record_id: str) -> str:
    """One line of JSON, ASCII only, without its line feed."""
    return canonical({"id": record_id, **flatten(event)}).decode("ascii")
