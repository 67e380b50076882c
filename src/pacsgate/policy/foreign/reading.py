"""What a reader of a foreign format returns, and how formats are named among the sources of a policy.

A source whose name is `FORMAT:FILE` is in that format; every other is a document of
the native language.  So a revision in the database says by itself how to read it.

Called by the readers beside it and by `pacsgate.policy.document`.

Invariants:
- a reader never raises: what is wrong goes to `Problems`, with file, line and column;
- identifiers of rules and roles begin with the format's prefix, so that they never
  collide with native ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pacsgate.model.errors import Diagnostic
from pacsgate.model.permission import Permission
from pacsgate.model.role import Role
from pacsgate.policy.instance_query.tree import InstanceQuery
from pacsgate.policy.language.problems import Position, Problems
from pacsgate.policy.policy import Place, PolicyAssignment, Rule

ORTHANC_PERMISSIONS = frozenset(
    {
        Permission.REMOTE_QUERY,
        Permission.JOB_ADMINISTER,
        Permission.ARCHIVE_CONFIGURE,
        Permission.ARCHIVE_OPERATE,
    }
)
"""What somebody holds here who could send Orthanc any request there; it knows no path and no label."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """The files of one format, as roles, rules and assignments of our own.

    `role_places` says where the file speaks of each role.  `left` says, a sentence each, what the
    file allows or demands that was not carried over; `left_over` makes one.
    """

    roles: tuple[Role, ...] = ()
    rules: tuple[Rule, ...] = ()
    assignments: tuple[PolicyAssignment, ...] = ()
    role_places: Mapping[str, Place] = field(default_factory=dict)
    left: tuple[Diagnostic, ...] = ()
    filters: Mapping[str, InstanceQuery] = field(default_factory=dict)
    """Instance filters that the rules name, by their identifier."""


Reader = Callable[[Mapping[str, str], Problems], Foreign]
"""From the files of one format (name without the prefix, to text) to what they say."""


def left_over(position: Position, sentence: str, suggestion: str | None = None) -> Diagnostic:
    """Something that was not carried over, with its place and, where there is one, what to do instead."""
    return Diagnostic(position.file, position.line, position.column, sentence, suggestion)


def split_name(source: str) -> tuple[str | None, str]:
    """The format and the file of a source's name; `None` for the native language."""
    name, colon, file = source.partition(":")
    return (name, file) if colon else (None, source)
