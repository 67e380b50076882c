"""What a row of the table of Orthanc's REST API says: what is done for it, and what that needs.

The rows are in the modules `route_…`, by theme; `table` puts them together.  A row that says
`since` a version later than 1.10 was not seen running here; it is served by the same code as its
neighbours or not at all.

Read by the gateway, the documentation and the tests.

Invariants:
- no row is without a need: neither `actions`, `any_of` nor `permissions` can all be empty.

Standard: Orthanc's OpenAPI document (1.10.1) and the sources of 1.11 to 1.13; the DICOMweb plugin.
"""

from dataclasses import dataclass
from enum import StrEnum

from pacsgate.model.actions import ALL_ACTIONS, Action
from pacsgate.model.permission import Permission
from pacsgate.model.resource import Level


class Handler(StrEnum):
    """What is done for a row; the gateway has one function for each."""

    LIST = "list"
    RESOURCE = "resource"
    RELATIVES = "relatives"
    TAGS = "tags"
    MODULE = "module"
    SLICES = "slices"
    FRAMES = "frames"
    FIND = "find"
    LOOKUP = "lookup"
    COUNT = "count"
    BULK_CONTENT = "bulk-content"
    CHANGES = "changes"
    STATISTICS = "statistics"
    RESOURCE_STATISTICS = "resource-statistics"
    METADATA = "metadata"
    LABELS = "labels"
    SYSTEM = "system"
    OPERATIONS = "operations"
    STATIC = "static"

    FILE = "file"
    MODIFIED_FILE = "modified-file"
    """An instance is not modified in the archive: what comes back is a modified copy of its file."""
    IMAGE = "image"
    ATTACHMENT = "attachment"
    ARCHIVE = "archive"
    WADO_URI = "wado-uri"

    UPLOAD = "upload"
    CREATE = "create"
    DELETE = "delete"
    BULK_DELETE = "bulk-delete"
    WRITE_METADATA = "write-metadata"
    WRITE_LABEL = "write-label"
    WRITE_ATTACHMENT = "write-attachment"
    PROTECTION = "protection"
    MODIFY = "modify"
    BULK_MODIFY = "bulk-modify"
    MERGE = "merge"
    SPLIT = "split"
    RECONSTRUCT = "reconstruct"

    SEND = "send"
    SEND_STRAIGHT = "send-straight"
    COMMITMENT = "commitment"
    PARTNERS = "partners"
    REMOTE = "remote"
    QUERY = "query"
    JOB = "job"

    CONFIGURE = "configure"
    OPERATE = "operate"
    EXPORTS = "exports"
    DENIED = "denied"
    """A row that is there to say why nobody reaches it."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Each of `actions` and one of `any_of`, if any, on what is named; or one of `permissions` instead."""

    actions: frozenset[Action] = frozenset()
    any_of: frozenset[Action] = frozenset()
    permissions: frozenset[Permission] = frozenset()

    def __post_init__(self) -> None:
        if not self.actions and not self.any_of and not self.permissions:
            raise ValueError("a route that needs nothing would be open to everybody")

    @property
    def any_image_action(self) -> bool:
        """Whether whoever may do anything at all may ask, because the answer tells of no patient."""
        return self.any_of == ALL_ACTIONS


@dataclass(frozen=True, slots=True)
class Route:
    """One row.  `level` is that of the resource named, or of what a list holds.

    `note` says, for a row that nobody reaches, why; `since` is the first version that has it: of Orthanc,
    or of the plugin that it names.
    """

    route_id: str
    method: str
    template: str
    needs: Needs
    level: Level | None
    handler: Handler
    since: str = "1.10"
    note: str = ""


LEVELS: tuple[tuple[str, Level], ...] = (
    ("patients", Level.PATIENT),
    ("studies", Level.STUDY),
    ("series", Level.SERIES),
    ("instances", Level.INSTANCE),
)
"""Orthanc's word for each level in paths, top first."""


def on(*actions: Action) -> Needs:
    """Every one of the actions."""
    return Needs(actions=frozenset(actions))


def held(*permissions: Permission) -> Needs:
    """One of the permissions, whatever one may do to images."""
    return Needs(permissions=frozenset(permissions))


SEARCH = on(Action.SEARCH)
VIEW = on(Action.VIEW)
RETRIEVE = on(Action.RETRIEVE)
UPDATE = on(Action.UPDATE)
DELETE = on(Action.DELETE)
TAKE_AWAY = on(Action.RETRIEVE, Action.EXPORT)
BRING = Needs(any_of=frozenset({Action.STORE, Action.APPEND, Action.ANNOTATE}))
"""Which of the three it is, the service decides for each instance."""
ANYTHING = Needs(any_of=ALL_ACTIONS)
CONFIGURE = held(Permission.ARCHIVE_CONFIGURE)
OPERATE = held(Permission.ARCHIVE_OPERATE)
REMOTE = held(Permission.REMOTE_QUERY)
