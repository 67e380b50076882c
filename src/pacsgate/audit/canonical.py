"""One event as bytes, always the same bytes for the same event, and back.

The canonical form is JSON: keys sorted, no spaces, kinds by name, outcomes by
number, times as UTC milliseconds.  What an event leaves at its default (`None`,
an empty mapping or tuple) is left out, so absent means "not known" and an empty
string stays an empty string.

Only ASCII is written; everything else is escaped.  So nothing that a patient's
name or a query may hold (a line feed, an escape sequence of a terminal, a
right-to-left override, half a surrogate pair) can end a record early, forge
another one, or act on whoever looks at the file.

Called by `sinks.segments` and by the outbox in `stores`; read by
`sinks.trail_reader`.

Invariants:
- `decode_event(encode_event(e)) == e` for every `e` whose time has whole milliseconds;
- `encode_event(decode_event(b)) == b` for every `b` that `decode_event` accepts.

Standard: ASVS 5.0 16.4.1 (log injection).
"""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome, StudyObject
from pacsgate.model.errors import RecordError
from pacsgate.model.resource import ArchiveName, TenantName

_encode_any = json.JSONEncoder(
    ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode
_encode_plain = msgspec.json.Encoder(order="sorted").encode

_EVENT_KEYS = frozenset(AuditEvent.__dataclass_fields__)
_ACTOR_KEYS = frozenset(Actor.__dataclass_fields__)
_STUDY_KEYS = frozenset(StudyObject.__dataclass_fields__)


def canonical(value: Any) -> bytes:
    """Any JSON value in the canonical form.

    Nearly all are plain ASCII, for which msgspec writes the same bytes as the
    standard library in an eighth of the time; it does not escape the others.
    """
    try:
        plain = _encode_plain(value)
    except UnicodeEncodeError:  # half a surrogate pair
        return _encode_any(value).encode("ascii")
    if plain.isascii() and b"\x7f" not in plain:
        return plain
    return _encode_any(value).encode("ascii")


def encode_event(event: AuditEvent) -> bytes:
    """The canonical bytes of an event.  Raises `RecordError` when its time is not aware."""
    present: dict[str, Any] = {
        "kind": event.kind.name,
        "at": encode_time(event.at),
        "actor": _encode_actor(event.actor),
        "outcome": int(event.outcome),
    }
    for name in (
        "tenant", "archive", "action", "query", "revision", "purpose", "request_id", "window", "count",
        "bytes_sent", "recipient",
    ):  # fmt: skip
        value = getattr(event, name)
        if value is not None:
            present[name] = value
    if event.study is not None:
        present["study"] = _encode_study(event.study)
    if event.reasons:
        present["reasons"] = event.reasons
    if event.details:
        present["details"] = dict(event.details)
    return canonical(present)


def decode_event(data: bytes) -> AuditEvent:
    """The event that these canonical bytes say.  Raises `ValueError` for anything else."""
    try:
        event = _decode_event(json.loads(data))
    except (AttributeError, KeyError, TypeError, RecursionError) as problem:
        raise ValueError("not an audit event") from problem
    if encode_event(event) != data:
        raise ValueError("an audit event, but not in canonical form")
    return event


def encode_time(at: datetime) -> str:
    """An aware time as UTC with milliseconds: `2026-11-21T17:02:11.123Z`."""
    if at.tzinfo is None:
        raise RecordError("an event cannot be recorded without its time zone")
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def decode_time(text: str) -> datetime:
    """The reverse of `encode_time`.  Raises `ValueError`."""
    at = datetime.fromisoformat(text)
    if encode_time(at) != text:
        raise ValueError(f"`{text}` is not a UTC time with milliseconds")
    return at


def _encode_actor(actor: Actor) -> dict[str, Any]:
    present: dict[str, Any] = {"name": actor.name, "verified": actor.verified}
    for name in ("credential", "credential_id", "address"):
        value = getattr(actor, name)
        if value is not None:
            present[name] = value
    if actor.roles:
        present["roles"] = actor.roles
    return present


def _encode_study(study: StudyObject) -> dict[str, Any]:
    present: dict[str, Any] = {"study_instance_uid": study.study_instance_uid}
    if study.patient_id is not None:
        present["patient_id"] = study.patient_id
    if study.instances is not None:
        present["instances"] = study.instances
    if study.sop_classes:
        present["sop_classes"] = dict(study.sop_classes)
    if study.evidence:
        present["evidence"] = dict(study.evidence)
    return present


def _decode_event(raw: dict[str, Any]) -> AuditEvent:
    fields = _known(raw, _EVENT_KEYS)
    fields["kind"] = EventKind[raw["kind"]]
    fields["at"] = decode_time(raw["at"])
    fields["outcome"] = Outcome(raw["outcome"])
    actor = _known(raw["actor"], _ACTOR_KEYS)
    fields["actor"] = Actor(**actor | {"roles": tuple(actor.get("roles", ()))})
    fields["reasons"] = tuple(raw.get("reasons", ()))
    if "study" in raw:
        fields["study"] = StudyObject(**_known(raw["study"], _STUDY_KEYS))
    if "tenant" in raw:
        fields["tenant"] = TenantName(raw["tenant"])
    if "archive" in raw:
        fields["archive"] = ArchiveName(raw["archive"])
    return AuditEvent(**fields)


def _known(raw: dict[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    unknown = raw.keys() - keys
    if unknown:
        raise ValueError(f"unknown field `{min(unknown)}` in an audit event")
    return dict(raw)
