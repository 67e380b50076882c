"""What a policy says, once it has been read: roles, rules, assignments, declared attributes.

Plain values with the place in the text that each came from.  A rule applies to
a subject who has one of its `roles`, is in one of its `groups` and is one of its
`users`, each as far as the rule names any; in one of its `archives`, likewise.

Built by `document.load_policy`; read by `engine`, `reference`, `explain`,
`examine` and `declared`.

Invariants:
- a permit names at least one role, and no action outside the `may` of any of them;
- rules are sorted by their id, so that no answer depends on their order;
- obligations other than `mask` are kept as `unsupported`; the engine does not
  let such a permit allow anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pacsgate.model.actions import Action
from pacsgate.model.decision import Effect, Revision
from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment, Role
from pacsgate.model.subject import Scalar
from pacsgate.policy.ir import TRUE, Attribute, Formula


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a policy's text something stands; lines count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One permit or forbid.  `actions` `None` is all: for a permit, all of each role's `may`."""

    rule_id: str
    effect: Effect
    place: Place
    condition: Formula = TRUE
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    archives: frozenset[ArchiveName] = frozenset()
    actions: frozenset[Action] | None = None
    message: str | None = None
    mask: Mask = NO_MASK
    unsupported: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyAssignment:
    """A role that the policy itself gives, to everybody who is one of `users` or in one of `groups`."""

    users: frozenset[str]
    groups: frozenset[str]
    assignment: Assignment
    place: Place


@dataclass(frozen=True, slots=True)
class Declaration:
    """A declared attribute and where its value comes from.

    `path` leads to the DICOM element: eight-digit tags, all but the last of
    sequences; it is empty for an attribute of the user.  With a `table`, a
    value that the table lacks is unreadable.
    """

    attribute: Attribute
    place: Place
    path: tuple[str, ...] = ()
    table: Mapping[str, Scalar] | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """One published, validated policy set."""

    revision: Revision
    roles: Mapping[str, Role] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    assignments: tuple[PolicyAssignment, ...] = ()
    declarations: Mapping[str, Declaration] = field(default_factory=dict)
    """By the name that conditions use, such as `study.department`."""
    role_places: Mapping[str, Place] = field(default_factory=dict)
    """Where each role of the files is defined; roles of the database have no entry."""
    sources: Mapping[str, str] = field(default_factory=dict)
