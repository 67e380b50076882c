"""The intermediate form: what every condition, in whatever language it was written, becomes.

A formula is a tree of `And`, `Or` and `Not` over typed atoms.  An atom compares
*one* attribute with literals or, before binding, with an attribute of the user
or the environment.  The form is total: evaluation always ends, never raises,
and has three outcomes.

**Three outcomes.**  An attribute holds a set of values: one when the
instances of a study agree, several when they disagree, none when it is
missing.  An atom is `TRUE` if it is true for every value held (and there is at
least one), `FALSE` if it is false for every value held (likewise), and
`UNKNOWN` otherwise.  Connectives follow Kleene's strong logic.  A permit
applies when its condition is `TRUE`; a forbid applies unless its condition is
`FALSE`.  So a permit needs every value to match and a forbid any, a missing
attribute never permits, and an unreadable forbid forbids.

An attribute of type `SET` has one value, the set itself; the empty set is a
value, and membership in it is `FALSE`.  It is missing only if its name is
absent from the facts.

A scalar whose name is there and which holds nothing was looked for and not found; one whose name is
absent was not looked for yet.  Only `Has` sees the difference: it is `FALSE` of the one and `UNKNOWN`
of the other.

Readers: `pacsgate.policy.truth` (what it means), `pacsgate.stores.kind_sets` (of all kinds
of study at once) and `pacsgate.stores.constraint_sql` (the same in SQL).  Each matches
exhaustively on `Formula` and closes with `assert_never`, so that a node which a reader
forgets is a type error.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

from pacsgate.model.subject import Scalar


class Truth(Enum):
    """An outcome of evaluation (Kleene's strong three-valued logic)."""

    TRUE = 1
    UNKNOWN = 0
    FALSE = -1

    def __bool__(self) -> bool:
        raise TypeError("three-valued: compare with Truth.TRUE, Truth.FALSE or Truth.UNKNOWN")


class Scope(StrEnum):
    """Whose attribute it is; the word before the dot in a condition."""

    STUDY = "study"
    SERIES = "series"
    USER = "user"
    ENV = "env"


class ValueType(StrEnum):
    """The type of an attribute.  A `DATE` is a string of eight digits, compared as written (PS3.5 6.2 DA)."""

    STRING = "string"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    SET = "set"
    """A set of strings, such as labels."""


@dataclass(frozen=True, slots=True, order=True)
class Attribute:
    """A declared attribute: `study.department`, `user.clearance`, `env.network`."""

    scope: Scope
    name: str
    type: ValueType

    def __str__(self) -> str:
        return f"{self.scope}.{self.name}"


class Comparison(StrEnum):
    """An ordering or equality between one attribute value and one literal."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


@dataclass(frozen=True, slots=True)
class Const:
    """A formula whose outcome is settled."""

    truth: Truth


@dataclass(frozen=True, slots=True)
class Compare:
    """`attribute op operand`.  The operand is an attribute of the user or environment until bound."""

    attribute: Attribute
    op: Comparison
    operand: "Scalar | Attribute"


@dataclass(frozen=True, slots=True)
class OneOf:
    """`attribute in [a, b, …]`, or `attribute in user.sites` until bound.  The attribute is not a `SET`."""

    attribute: Attribute
    options: "frozenset[Scalar] | Attribute"


@dataclass(frozen=True, slots=True)
class Contains:
    """`'VIP' in study.labels`, or `user.site in study.sites` until bound.  The attribute is a `SET`."""

    attribute: Attribute
    element: "str | Attribute"


@dataclass(frozen=True, slots=True)
class Like:
    """The whole string matches a pattern in which `*` stands for any run of characters.

    Case counts.  There is no escape: a literal asterisk cannot be asked for.
    """

    attribute: Attribute
    pattern: str


@dataclass(frozen=True, slots=True)
class Has:
    """The attribute holds at least one value (a `SET`: its name is known).

    Of a study or series whose attribute nobody has looked for yet, so that its name is absent from the
    facts, this is `UNKNOWN`; of the user and the environment it never is.
    """

    attribute: Attribute


@dataclass(frozen=True, slots=True)
class Not:
    """Kleene negation."""

    formula: "Formula"


@dataclass(frozen=True, slots=True)
class And:
    """Kleene conjunction; empty is `TRUE`."""

    formulas: tuple["Formula", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Kleene disjunction; empty is `FALSE`."""

    formulas: tuple["Formula", ...]


Atom = Compare | OneOf | Contains | Like | Has
Formula = Const | Atom | Not | And | Or

TRUE = Const(Truth.TRUE)
FALSE = Const(Truth.FALSE)
UNKNOWN = Const(Truth.UNKNOWN)

STUDY_UID = Attribute(Scope.STUDY, "uid", ValueType.STRING)
"""StudyInstanceUID; a column of the index, always known."""
PATIENT_ID = Attribute(Scope.STUDY, "patient_id", ValueType.STRING)
"""`issuer|PatientID`, or `PatientID` alone without an issuer; a column of the index, always known."""
SERIES_UID = Attribute(Scope.SERIES, "uid", ValueType.STRING)
"""SeriesInstanceUID; a column of the index, always known."""
MODALITIES = Attribute(Scope.STUDY, "modalities", ValueType.SET)
LABELS = Attribute(Scope.STUDY, "labels", ValueType.SET)
COLLECTIONS = Attribute(Scope.STUDY, "collections", ValueType.SET)
PERMITTED = Attribute(Scope.STUDY, "permitted", ValueType.SET)
"""The study permissions of roles and groups, each as its `Holding`.  Like `PERMITTED_USERS` it is missing
from a study that has none, and no condition names it: only the engine asks, for what it does hold."""
PERMITTED_USERS = Attribute(Scope.STUDY, "permitted_users", ValueType.SET)
"""Those of users: so many that no kind of study is told by them; rows hold them, found by value."""
INGEST_PRINCIPAL = Attribute(Scope.STUDY, "ingest_principal", ValueType.STRING)
"""Name of the authenticated subject that stored the study through the gate; missing for what was synced."""
CALLING_AE_TITLE = Attribute(Scope.STUDY, "calling_ae_title", ValueType.STRING)
"""AE title of the peer that stored the study through the gate over DIMSE; missing for all others."""
CALLED_AE_TITLE = Attribute(Scope.STUDY, "called_ae_title", ValueType.STRING)
"""AE title of ours that it was stored to; likewise."""
DERIVED_LABELS = Attribute(Scope.STUDY, "derived_labels", ValueType.SET)
"""Labels that the policy's patterns found in the study's headers; `LABELS` are those that people gave it."""
DEPARTMENT = "study.department"
"""The attribute that grants on departments name, if the policy declares it."""
STUDY_DATE = Attribute(Scope.STUDY, "date", ValueType.DATE)
"""StudyDate."""
READ_AT = Attribute(Scope.STUDY, "read_at", ValueType.DATE)
"""The dates of the reports that the study holds; missing while nobody has read it."""
SERIES_MODALITY = Attribute(Scope.SERIES, "modality", ValueType.STRING)
SERIES_DESCRIPTION = Attribute(Scope.SERIES, "description", ValueType.STRING)
IS_REPORT = Attribute(Scope.SERIES, "is_report", ValueType.BOOLEAN)
"""Whether the series holds documents: structured reports, key object selections, encapsulated documents."""

FILTERS = Attribute(Scope.SERIES, "filters", ValueType.SET)
"""The instance filters of the policy that the instances of this part of a series match, by the filter's
identifier.  Computed from each instance's data set; missing until it has been.  Rules write the query."""
FILTERS_ASKED = Attribute(Scope.SERIES, "filters_asked", ValueType.SET)
"""The instance filters that they were asked, whether they match or not.  No condition names it; where it does
not hold a filter, `binding` takes that a part does not match it for unknown."""
INSTANCE_FACTS = (FILTERS, FILTERS_ASKED)
"""Facts by which the instances of one series may differ, so that each part of it has its own."""

KEY_ATTRIBUTES = frozenset({STUDY_UID, PATIENT_ID, SERIES_UID})
"""Attributes that the index holds as columns of their own; all others are facts."""
ORIGIN = (INGEST_PRINCIPAL, CALLING_AE_TITLE, CALLED_AE_TITLE)
"""What the gate itself witnessed when it stored the study, and no object can overrule."""
MANY_VALUED = frozenset({STUDY_DATE, READ_AT})
"""Built-in facts with too many different values to tell kinds of studies apart by."""
BUILT_IN_FACTS = (
    MODALITIES,
    LABELS,
    DERIVED_LABELS,
    COLLECTIONS,
    *ORIGIN,
    STUDY_DATE,
    READ_AT,
    SERIES_MODALITY,
    SERIES_DESCRIPTION,
    IS_REPORT,
)
"""Facts that exist without being declared by a policy."""
