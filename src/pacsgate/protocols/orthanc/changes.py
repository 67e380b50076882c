"""Pages of changes, and identifiers as `/tools/lookup` answers them.

Called by the gateway.

Invariants: a change names only a resource that its reader may search.

Standard: Orthanc's REST API (1.10.1).
"""

from collections.abc import Mapping
from typing import Any

from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.allowed_fields import only
from pacsgate.protocols.orthanc.routes import LEVELS

Document = Mapping[str, Any]

_CHANGE = ("ChangeType", "Date", "ID", "Path", "ResourceType", "Seq")
_NEW = "New"
"""So begin the types of changes that tell of an arrival."""
CHANGED_LEVELS: Mapping[str, Level] = {level.value.capitalize(): level for level in Level}
"""The `ResourceType` of changes and looked-up identifiers."""


_WORDS = {level: word for word, level in LEVELS}


def reduced_changes(page: Document, searchable: Mapping[str, bool]) -> dict[str, Any]:
    """Return a page of changes with those of searchable resources; one goes on from its `Last` as ever.

    `searchable` says of each whether all of it is.  Of one of which something is hidden, it is told that it
    came and no more: whatever happened to it later may have happened to what is hidden.
    """
    return {
        "Changes": [only(change, _CHANGE) for change in page["Changes"] if _is_told(change, searchable)],
        "Done": bool(page["Done"]),
        "Last": page["Last"],
    }


def _is_told(change: Document, searchable: Mapping[str, bool]) -> bool:
    is_whole = searchable.get(str(change.get("ID")))
    return is_whole is not None and (is_whole or str(change.get("ChangeType")).startswith(_NEW))


def changed_resources(page: Document) -> tuple[tuple[Level, str], ...]:
    """Return what a page of changes is about, each resource once, to be decided."""
    return tuple(
        dict.fromkeys(
            (CHANGED_LEVELS[change["ResourceType"]], change["ID"])
            for change in page["Changes"]
            if change.get("ResourceType") in CHANGED_LEVELS and isinstance(change.get("ID"), str)
        )
    )


def found_identifier(level: Level, orthanc_id: str) -> dict[str, str]:
    """Return one answer of `/tools/lookup`."""
    return {"ID": orthanc_id, "Path": resource_path(level, orthanc_id), "Type": level.value.capitalize()}


def resource_path(level: Level, orthanc_id: str) -> str:
    """Return the path of a resource, as `Path` fields have it."""
    return f"/{_WORDS[level]}/{orthanc_id}"
