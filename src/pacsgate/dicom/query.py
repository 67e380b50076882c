"""A search as DICOM means it, whatever wire it came over.

`protocols` read one of these from QIDO-RS parameters, C-FIND identifiers
and Orthanc's searches; the index answers it within a constraint.  The kinds of matching
are those of PS3.4 C.2.2.2; `pacsgate.dicom.matching` says what each means and
`pacsgate.stores` says the same in SQL.
"""

from dataclasses import dataclass

from pacsgate.model.resource import Level


@dataclass(frozen=True, slots=True)
class SingleValue:
    """Equal, as PS3.4 C.2.2.2.1 says for the attribute's VR (person names: see `dicom.matching`)."""

    value: str


@dataclass(frozen=True, slots=True)
class UidList:
    """Equal to one of the UIDs (PS3.4 C.2.2.2.2); also used for several values of other VRs."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`*` any run of characters, `?` exactly one (PS3.4 C.2.2.2.4)."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, both inclusive, either open (PS3.4 C.2.2.2.5).

    Dates are `YYYYMMDD`; times are compared as padded to `HHMMSS.FFFFFF`.
    """

    low: str | None
    high: str | None


Matching = SingleValue | UidList | Wildcard | Range


@dataclass(frozen=True, slots=True)
class MatchKey:
    """One matching key: a keyword, or a path of keywords into sequences, with what must hold."""

    path: tuple[str, ...]
    matching: Matching

    @property
    def keyword(self) -> str:
        """The top-level keyword."""
        return self.path[0]


@dataclass(frozen=True, slots=True)
class Query:
    """One search.

    `study_instance_uid` and `series_instance_uid` are the parents named in the
    path.  `include` holds keyword paths as keywords; `include_all` is
    `includefield=all`.  `limit` is always set: the dialect applies the gate's
    maximum.  `offset` counts visible matches only.  `any_case` ignores the case of
    letters in every VR, as Orthanc's own searches do; DICOM means that of names only.
    """

    level: Level
    match: tuple[MatchKey, ...] = ()
    study_instance_uid: str | None = None
    series_instance_uid: str | None = None
    include: frozenset[str] = frozenset()
    include_all: bool = False
    limit: int = 100
    offset: int = 0
    fuzzy: bool = False
    any_case: bool = False
