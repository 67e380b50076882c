"""Questions to an index, and short answers."""

from pacsgate.dicom.attributes import tag_of
from pacsgate.dicom.query import Query
from pacsgate.model.resource import Level, TenantName, TenantScope
from pacsgate.policy.ir import (
    SERIES_MODALITY,
    Attribute,
    Compare,
    Comparison,
    Formula,
    Scope,
    ValueType,
)
from pacsgate.ports import Match, StudyEntry, StudyIndex
from tests.support.indexing import EVERYTHING, MAIN, SCOPE, within

DEPARTMENT = Attribute(Scope.STUDY, "department", ValueType.STRING)
OTHER_TENANT = TenantScope(TenantName("other"))
STUDIES = Query(Level.STUDY)


def is_(attribute: Attribute, value: str) -> Formula:
    return Compare(attribute, Comparison.EQ, value)


def found(index: StudyIndex, formula: Formula, query: Query = STUDIES) -> list[str]:
    return [str(match.key) for match in index.search(SCOPE, MAIN, query, within(formula)).matches]


def all_found(index: StudyIndex, query: Query) -> list[str]:
    return [str(match.key) for match in index.search(SCOPE, MAIN, query, EVERYTHING).matches]


def the_study(index: StudyIndex, uid: str = "1.2.1") -> StudyEntry:
    (study,) = index.studies(SCOPE, MAIN, uid)
    return study


def value(match: Match, keyword: str) -> object:
    return match.attributes[tag_of(keyword)].get("Value")


def department(*values: str) -> dict[str, frozenset[str]]:
    return {"department": frozenset(values)}


CT_ONLY = is_(SERIES_MODALITY, "CT")
