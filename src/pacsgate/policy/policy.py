"""What a policy says, once it has been read: roles, rules, assignments, declared attributes.

Plain values with the place in the text that each came from.  A rule applies to
a subject who has one of its `roles`, is in one of its `groups` and is one of its
`users`, each as far as the rule names any; in one of its `archives`, likewise.

Built by `document.load_policy`; read by `engine`, `reference`, `explain`,
`examine` and `declared`.

Invariants:
- a permit names at least one role, and no action outside the `may` of any of them;
- rules are sorted by their id, so that no answer depends on their order;
- obligations that no door can carry out yet are kept as `unsupported`; the engine
  does not let such a permit allow anything;
- a role's `may` and `permissions` hold what it inherits, its `longest` is the shortest of all of them,
  and its `extends` holds every role that it inherits from, however far away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo
from typing import Any

from pacsgate.model.actions import Action
from pacsgate.model.built_in_roles import BUILT_IN_ROLES
from pacsgate.model.decision import Effect, Revision
from pacsgate.model.errors import Diagnostic
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.occurrence import OccurrenceKind
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment, Role
from pacsgate.model.strength import Strength
from pacsgate.model.subject import Scalar
from pacsgate.policy.findings import attributes_of
from pacsgate.policy.instance_query.tree import InstanceQuery
from pacsgate.policy.ir import TRUE, Attribute, Formula
from pacsgate.policy.request_patterns import RequestPatterns, patterns_named_in


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a policy's text something stands; lines count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One permit or forbid.  `actions` `None` is all: for a permit, all of each role's `may`.

    A permit that `needs_reason` applies to requests that give one.  A forbid with
    `break_glass` is one that an emergency may lift, once the gate can do that.
    """

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
    needs_reason: bool = False
    step_up: Strength | None = None
    """What a permit asks of whoever uses it to have proven."""
    break_glass: bool = False


@dataclass(frozen=True, slots=True)
class StrengthRule:
    """Who must have proven what before it may do something.

    Whom: everybody, or who has one of `roles`, is in one of `groups` and asks from one of `networks`, as far
    as the rule names any.  What for: these `actions` and `permissions`, or for anything if it names none.
    """

    place: Place
    strength: Strength
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    networks: frozenset[str] = frozenset()
    actions: frozenset[Action] = frozenset()
    permissions: frozenset[Permission] = frozenset()

    @property
    def is_for_anything(self) -> bool:
        """Whether it concerns whatever is asked for."""
        return not self.actions and not self.permissions


@dataclass(frozen=True, slots=True)
class PolicyAssignment:
    """A role that the policy itself gives, to everybody who is one of `users` or in one of `groups`."""

    users: frozenset[str]
    groups: frozenset[str]
    assignment: Assignment
    place: Place


@dataclass(frozen=True, slots=True)
class GrantRule:
    """Gives or takes back study permissions when something happens of which its condition is `TRUE`.

    On the study that it happened to, or on all that its patient has then; with `lasting`, for so long, by a
    grant that reaches the patient's later studies too.
    """

    rule_id: str
    place: Place
    on: frozenset[OccurrenceKind]
    condition: Formula
    grantees: tuple[tuple[GranteeKind, str], ...]
    actions: frozenset[Action]
    to: GrantTarget = GrantTarget.STUDY
    lasting: timedelta | None = None
    takes_back: bool = False


EVIDENCE = "_source"
"""What the name of the evidence for an attribute ends with."""


@dataclass(frozen=True, slots=True)
class Source:
    """An element that an attribute may take its value from, and the table that the value goes through."""

    path: tuple[str, ...]
    table: Mapping[str, Scalar] | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """A declared attribute and where its value comes from.

    `path` leads to the DICOM element: eight-digit tags, all but the last of
    sequences; it is empty for an attribute of the user.  With a `table`, a
    value that the table lacks is unreadable.  Where the element has no value,
    those of `otherwise` are asked in turn.  `many` says that there are too many
    different values to tell kinds of studies apart by.
    """

    attribute: Attribute
    place: Place
    path: tuple[str, ...] = ()
    table: Mapping[str, Scalar] | None = None
    otherwise: tuple[Source, ...] = ()
    many: bool = False
    evidence_for: Attribute | None = None
    """The attribute with several sources of which this one holds the source that had the value."""

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source, in the order in which they are asked."""
        return (Source(self.path, self.table), *self.otherwise) if self.path else ()


@dataclass(frozen=True, slots=True)
class LabelPattern:
    """A label that a study gets while some object's element matches a pattern; case does not count."""

    label: str
    path: tuple[str, ...]
    patterns: tuple[str, ...]
    place: Place


SITE = "0.site.0"
"""What stands in a template's values for the name of the site."""


@dataclass(frozen=True, slots=True)
class Template:
    """Roles, and whom they are given to, for any site."""

    name: str
    roles: tuple[Role, ...]
    assignments: tuple[PolicyAssignment, ...]
    place: Place


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
    timezone: tzinfo = UTC
    """The zone of the clock that conditions read."""
    label_patterns: tuple[LabelPattern, ...] = ()
    templates: Mapping[str, Template] = field(default_factory=dict)
    filters: Mapping[str, InstanceQuery] = field(default_factory=dict)
    """The instance filters that rules ask `FILTERS` for, by their identifier."""
    grant_rules: tuple[GrantRule, ...] = ()
    """Sorted by their id."""
    authentication: tuple[StrengthRule, ...] = ()
    left: tuple[Diagnostic, ...] = ()
    """What foreign files allow or demand that was not carried over."""
    request_patterns: RequestPatterns = field(init=False, repr=False, compare=False)
    """Every pattern that the condition of some rule asks `env.request` for."""
    named: frozenset[Attribute] = field(init=False, repr=False, compare=False)
    """Every attribute that the condition of some rule names."""
    memory: dict[object, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What the engine has worked out of this policy already; no part of what it says."""

    def __post_init__(self) -> None:
        named = frozenset(attribute for rule in self.rules for attribute in attributes_of(rule.condition))
        object.__setattr__(self, "named", named)
        patterns = patterns_named_in(rule.condition for rule in self.rules)
        object.__setattr__(self, "request_patterns", patterns)

    @property
    def own_roles(self) -> Mapping[str, Role]:
        """The roles but for those that every policy has."""
        return {name: role for name, role in self.roles.items() if name not in BUILT_IN_ROLES}
