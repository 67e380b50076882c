"""A query's matching keys, by who can answer them, and whether they bound a search for instances.

Called by `search`.
"""

from dataclasses import dataclass, field

from pacsgate.dicom.matching import is_universal
from pacsgate.dicom.query import MatchKey, Query, SingleValue, UidList
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.stores.constraint_sql import Sql
from pacsgate.stores.dialects import Flavour
from pacsgate.stores.query_sql import modalities_clause, series_clause, study_clause
from pacsgate.stores.said import KEYS_OF_THE_ROW

INSTANCE_SEARCH_KEYS = frozenset({"StudyInstanceUID", "SeriesInstanceUID", "PatientID", "AccessionNumber"})
"""Keys with an index that bound a search for instances when its path names no parent."""


@dataclass(slots=True)
class Keys:
    """A query's matching keys, by who can answer them."""

    of_study: list[Sql] = field(default_factory=list)
    said: list[tuple[MatchKey, Sql]] = field(default_factory=list)
    of_series: list[Sql] = field(default_factory=list)
    of_any_series: list[Sql] = field(default_factory=list)
    residual: list[MatchKey] = field(default_factory=list)

    def sort_in(self, key: MatchKey, query: Query, flavour: Flavour) -> None:
        """Put one key where it can be answered soonest."""
        clause = study_clause(key, flavour, fuzzy=query.fuzzy)
        if clause is not None and (key.keyword in KEYS_OF_THE_ROW or is_universal(key.matching)):
            self.of_study.append(clause)
        elif clause is not None:
            self.said.append((key, clause))
        elif (
            query.level is not Level.STUDY
            and (clause := series_clause(key, flavour, fuzzy=query.fuzzy)) is not None
        ):
            self.of_series.append(clause)
        elif query.level is Level.STUDY and (clause := modalities_clause(key, flavour)) is not None:
            self.of_any_series.append(clause)
        else:
            self.residual.append(key)


def require_bound(query: Query) -> None:
    """Raise `RequestError` (413) unless an index bounds the series whose instances must be looked through."""
    if query.study_instance_uid is not None or query.series_instance_uid is not None:
        return
    for key in query.match:
        if key.keyword in INSTANCE_SEARCH_KEYS and isinstance(key.matching, SingleValue | UidList):
            return
    keys = ", ".join(f"`{key}`" for key in sorted(INSTANCE_SEARCH_KEYS))
    raise RequestError(
        f"a search for instances needs a study or series in its path, or one of {keys}", status=413
    )
