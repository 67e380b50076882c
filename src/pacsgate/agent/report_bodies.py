"""What an agent hands in besides responses, as JSON: features, events, lines of its log.

Called by `gate_client`; the gate's API reads it.

Invariants:
- a body is never longer than the gate takes, however much there is to tell.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from pacsgate.ports.pacs_adapters import Json, PacsEvent, PacsFeatures
from pacsgate.ports.pacs_reports import LogEntry
from pacsgate.protocols.agent.reports import LONGEST_LINE, MOST_BYTES, MOST_DETAILS, MOST_TOLD_AT_ONCE
from pacsgate.protocols.strict_json import write_json

_What = TypeVar("_What")


def features_form(features: PacsFeatures) -> Json:
    """Features."""
    return {"features": sorted(features.features), "constraints": dict(features.constraints)}


def event_form(event: PacsEvent) -> Json:
    """An event."""
    return {
        "eventId": event.event_id,
        "kind": event.kind,
        "at": event.at.isoformat(),
        "holder": event.holder,
        "account": event.account,
        "zone": event.zone,
        "details": _details(event.details),
    }


def entry_form(entry: LogEntry) -> Json:
    """A line of a log."""
    return {
        "entryId": entry.entry_id,
        "at": entry.at.isoformat(),
        "level": entry.level,
        "event": _line(entry.event),
        "details": _details(entry.details),
    }


def that_fits(what: Sequence[_What], form: Callable[[_What], Json]) -> Sequence[Json]:
    """The forms of the first of some, as many as fit into one request; at least one."""
    forms: list[Json] = []
    left = MOST_BYTES
    for each in what[:MOST_TOLD_AT_ONCE]:
        made = form(each)
        left -= len(write_json(made)) + 1
        if left < 0 and forms:
            break
        forms.append(made)
    return forms


def _details(details: Mapping[str, str]) -> dict[str, str]:
    return {name: _line(text) for name, text in list(details.items())[:MOST_DETAILS]}


def _line(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return plain if len(plain) <= LONGEST_LINE else f"{plain[: LONGEST_LINE - 1]}…"
