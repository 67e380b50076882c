"""The body of `/tools/create-dicom`: one new object from tags, perhaps with an image or a document in it.

Called by the gateway, which decides on it like a store.

Invariants: `parent` is a claim to be resolved; nothing else in the body names a stored resource.

Standard: Orthanc's OpenAPI document; the Orthanc Book, "Creating DICOM instances".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pacsgate.model.errors import RequestError
from pacsgate.protocols.orthanc.json_body import Fields, read_json
from pacsgate.protocols.orthanc.tag_places import Value, read_values

_FLAGS = ("Encapsulate", "Force", "InterpretBinaryTags")


@dataclass(frozen=True, slots=True)
class NewObject:
    """One object to be made.  `content` is a data URI."""

    tags: Mapping[str, Value]
    parent: str | None
    content: str | None
    private_creator: str | None
    flags: Mapping[str, bool]

    def upstream(self) -> dict[str, Any]:
        """The body for Orthanc."""
        given = {"Parent": self.parent, "Content": self.content, "PrivateCreator": self.private_creator}
        return {
            "Tags": dict(self.tags),
            **{name: value for name, value in given.items() if value is not None},
            **self.flags,
        }


def read_new_object(raw: bytes) -> NewObject:
    """Read the body.  Several objects at once, or tags without the field `Tags`, are refused."""
    fields = Fields(read_json(raw), (*_FLAGS, "Tags", "Content", "Parent", "PrivateCreator"))
    if "Tags" not in fields:
        raise RequestError("field `Tags` is missing: the attributes of the object, or `{}`")
    if isinstance(fields.anything("Content"), list):
        raise RequestError("field `Content` must be one text: objects are created one at a time")
    content = fields.text("Content")
    if content is not None and not content.startswith("data:"):
        raise RequestError("field `Content` must be a data URI")
    return NewObject(
        read_values(fields.mapping("Tags"), "Tags"),
        fields.text("Parent"),
        content,
        fields.text("PrivateCreator"),
        {name: fields.flag(name) for name in _FLAGS if name in fields},
    )
