"""Lists of Orthanc's identifiers in a body, in every shape that Orthanc takes.

One identifier as plain text or as a JSON text, a list of them, or an object with `Resources`.  They
are texts that claim to be identifiers: whether there is such a resource, and of which level, is
asked of the index, so that a malformed one is answered like any that does not exist.

Called by the gateway for `bulk-delete`, `bulk-content` and `lookup`, and by other readers of this package.

Invariants: the list is not empty and names nothing twice.

Standard: Orthanc's OpenAPI document and the sources of 1.13.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.find_body import read_body_form, read_level
from pacsgate.protocols.orthanc.identifiers import is_orthanc_id
from pacsgate.protocols.orthanc.json_body import Fields, read_json, texts
from pacsgate.protocols.orthanc.tag_forms import TagsForm

RESOURCES = "Resources"
_LONGEST_IDENTIFIER = 256
"""A PatientID has 64 characters, in at most four bytes each."""


def read_resources_and(
    raw: bytes, known: Collection[str], refused: Mapping[str, str] | None = None
) -> tuple[tuple[str, ...], Fields]:
    """Read a list and the `known` fields that may stand beside it."""
    plain = raw.strip().decode("ascii", errors="replace")
    if is_orthanc_id(plain):
        return (plain,), Fields({}, known)
    decoded = read_json(raw)
    if isinstance(decoded, str):
        return (decoded,), Fields({}, known)
    if isinstance(decoded, list):
        return listed(texts(decoded, "the list of resources")), Fields({}, known)
    fields = Fields(decoded, (RESOURCES, *known), refused)
    return listed(fields.texts(RESOURCES)), fields


def listed(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return each name once; none at all is refused."""
    if not names:
        raise RequestError(f"field `{RESOURCES}` must name at least one resource")
    return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class BulkDelete:
    """What is to be removed; `level` is what the client says that it all is."""

    resources: tuple[str, ...]
    level: Level | None


def read_bulk_delete(raw: bytes) -> BulkDelete:
    """Read the body of `/tools/bulk-delete`: since 1.13 also objects with `ID` and `Level`."""
    decoded = read_json(raw) if raw.lstrip().startswith(b"{") else None
    named = decoded.get(RESOURCES) if isinstance(decoded, dict) else None
    if not isinstance(named, list) or not any(isinstance(each, dict) for each in named):
        resources, fields = read_resources_and(raw, ("Level",))
        return BulkDelete(resources, read_level(fields.text("Level")) if "Level" in fields else None)
    Fields(decoded, (RESOURCES,))
    each = [Fields(value, ("ID", "Level")) for value in named]
    levels = {read_level(fields.text("Level")) for fields in each}
    if len(levels) > 1:
        raise RequestError(f"field `{RESOURCES}` must name resources of one level")
    return BulkDelete(listed(tuple(fields.text("ID") or "" for fields in each)), levels.pop())


@dataclass(frozen=True, slots=True)
class BulkContent:
    """What `/tools/bulk-content` asks for: the documents of all, or of what they have at another level."""

    resources: tuple[str, ...]
    level: Level | None
    metadata: bool
    form: TagsForm


def read_bulk_content(raw: bytes) -> BulkContent:
    """Read the body of `/tools/bulk-content`."""
    known = ("Level", "Metadata", "Simplify", "Short", "Full")
    resources, fields = read_resources_and(raw, known)
    return BulkContent(
        resources,
        read_level(fields.text("Level")) if "Level" in fields else None,
        fields.flag("Metadata", default=True),
        read_body_form(fields, TagsForm.HUMAN),
    )


def read_lookup(raw: bytes) -> str:
    """Read the body of `/tools/lookup`: a PatientID or a UID, as plain text."""
    try:
        text = raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise RequestError("body is not text in UTF-8") from None
    if not text or len(text) > _LONGEST_IDENTIFIER or not text.isprintable():
        raise RequestError("body must be one identifier: a PatientID or a UID")
    return text
