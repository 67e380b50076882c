"""An event as one line for people: when, what, how it ended, who, on which study and why.

A value that holds more than one word is quoted, so that no name or query can
pretend to be a field of its own.
"""

import re

from pacsgate.audit.canonical import encode_time
from pacsgate.audit.events import AuditEvent, Outcome
from pacsgate.audit.renderings.visible import visible

_WORD = re.compile(r"""[^\s"'=]+""")


def to_line(event: AuditEvent) -> str:
    """One line without its line feed."""
    actor, study = event.actor, event.study
    name = _quoted(actor.name or "nobody")
    facts: tuple[tuple[str, str | int | None], ...] = (
        ("from", actor.address),
        ("archive", event.archive),
        ("patient", study.patient_id if study else None),
        ("study", study.study_instance_uid if study else None),
        ("query", event.query),
        ("to", event.recipient),
        ("count", event.count),
        ("bytes", event.bytes_sent),
        ("why", ", ".join(event.reasons) or None),
        *event.details.items(),
        ("window", event.window),
        ("request", event.request_id),
    )
    words = [
        encode_time(event.at),
        event.kind.name.lower().replace("_", "-"),
        "ok" if event.outcome is Outcome.SUCCESS else event.outcome.name.lower(),
        name if actor.verified else f"{name} (not verified)",
    ]
    if event.action is not None:
        words.append(event.action)
    words.extend(f"{label}={_quoted(str(value))}" for label, value in facts if value is not None)
    return visible("  ".join(words))


def _quoted(value: str) -> str:
    return value if _WORD.fullmatch(value) else '"' + value.replace('"', '\\"') + '"'
