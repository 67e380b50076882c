"""One matching key as a condition in SQL, for keys that have a column.

What each kind of matching means is said by `pacsgate.dicom.matching`; this says
the same of the index's columns, or says that it cannot and leaves the key to
`matching.matches` over what the index keeps.

A condition is text, the same for keys of the same shape, so that the driver
keeps one prepared statement for all of them; values travel as parameters.

Called by `search_keys`.

Invariants:
- a condition selects exactly the rows whose kept attributes `matching.matches`
  accepts; `tests/properties/test_query_sql_agrees.py` holds the two together.

Standard: PS3.4 section C.2.2.2.
"""

from collections.abc import Iterable, Mapping
from typing import assert_never

from pacsgate.dicom.matching import (
    WILDCARD_VRS,
    in_one_case,
    is_ascii,
    is_universal,
    range_keys,
    text_key,
)
from pacsgate.dicom.person_names import NameQuery, name_query
from pacsgate.dicom.query import Matching, MatchKey, Range, SingleValue, UidList, Wildcard
from pacsgate.dicom.temporal import date_key, time_key
from pacsgate.stores.dialects import Flavour, fixed_start, lower_case, wildcard_text
from pacsgate.stores.match_columns import STUDY_COLUMNS, Form, MatchColumn, moment_text
from pacsgate.stores.storable import storable_text

NEVER = "0 = 1"
ALWAYS = "1 = 1"

_STUDY: Mapping[str, MatchColumn] = {column.keyword: column for column in STUDY_COLUMNS}

_FIRST_MOMENT = "0"
"""Sorts before every date and time and after whatever is none."""


class Conditions:
    """Conditions that are put together for one statement, with their parameters."""

    def __init__(self, flavour: Flavour) -> None:
        self._flavour = flavour
        self.parameters: dict[str, object] = {}

    def of_study(self, key: MatchKey, *, fuzzy: bool) -> str | None:
        """The key as a condition on `study`, or `None` if it has no column there."""
        column = _STUDY.get(key.keyword) if len(key.path) == 1 else None
        if column is None:
            return None
        if is_universal(key.matching):
            return ALWAYS
        if column.form is Form.NAME:
            return None if fuzzy else self._on_name(column, key.matching)
        return self._on_text(column, key.matching)

    def in_any_case(self, key: MatchKey) -> str | None:
        """A condition on `study` that every match of the key meets in either case; `None` if there is none.

        It folds letters of ASCII only, so others meet it too: the key is still to be asked of what is found.
        """
        column = _STUDY.get(key.keyword) if len(key.path) == 1 else None
        folded = in_one_case(key.matching)
        if column is None or column.form is not Form.TEXT or not is_ascii(folded):
            return None
        (target,) = (each.name for each in column.columns)
        return self._on_one_text(column, lower_case(self._flavour, target), folded)

    def _bind(self, value: str) -> str:
        name = f"k{len(self.parameters)}"
        self.parameters[name] = value
        return f":{name}"

    def _on_text(self, column: MatchColumn, matching: Matching) -> str | None:
        (target,) = (each.name for each in column.columns)
        return self._on_one_text(column, target, matching)

    def _on_one_text(self, column: MatchColumn, target: str, matching: Matching) -> str | None:
        match matching:
            case SingleValue(value):
                return f"{target} = {self._bind(_text(column, value))}"
            case UidList(values):
                texts = sorted({_text(column, value) for value in values})
                # An empty value among several asks for objects whose value is present and empty;
                # a column cannot tell that from a missing one.
                return None if "" in texts else self._one_of(target, texts)
            case Wildcard(pattern):
                text = _text(column, pattern)
                if column.vr in WILDCARD_VRS:
                    return self._wildcard(target, text)
                return f"{target} = {self._bind(text)}"
            case Range():
                return self._in_range(column, target, matching)
            case _:
                assert_never(matching)

    def _one_of(self, target: str, texts: Iterable[str]) -> str:
        bound = ", ".join(self._bind(text) for text in texts)
        return f"{target} IN ({bound})" if bound else NEVER

    def _wildcard(self, target: str, pattern: str) -> str:
        """A pattern; what it begins with bounds it, so that an index can be used."""
        low, beyond = fixed_start(pattern)
        matching = wildcard_text(self._flavour, target, self._bind, pattern)
        bounds = [f"{target} >= {self._bind(low)}"] if low else []
        bounds += [f"{target} < {self._bind(beyond)}"] if beyond else []
        return "(" + " AND ".join([*bounds, matching]) + ")"

    def _in_range(self, column: MatchColumn, target: str, bounds: Range) -> str:
        keys = range_keys(bounds, column.vr) if column.form in {Form.DATE, Form.TIME} else None
        if keys is None:
            return NEVER
        low, high = keys
        until = f" AND {target} <= {self._bind(high)}" if high is not None else ""
        return f"{target} >= {self._bind(low or _FIRST_MOMENT)}{until}"

    def _on_name(self, column: MatchColumn, matching: Matching) -> str | None:
        match matching:
            case SingleValue(text):
                return self._name_is_like(column, name_query(storable_text(text), wild=False))
            case Wildcard(text):
                return self._name_is_like(column, name_query(storable_text(text), wild=True))
            case UidList(texts):
                queries = [name_query(storable_text(text), wild=False) for text in texts]
                if not all(any(query.groups) for query in queries):
                    # As above: an empty name among several asks for objects that have a name.
                    return None
                return _any(self._name_is_like(column, query) for query in queries)
            case Range():
                return NEVER
            case _:
                assert_never(matching)

    def _name_is_like(self, column: MatchColumn, query: NameQuery) -> str:
        if not any(query.groups):
            return ALWAYS
        groups = [group.name for group in column.columns]
        if len(query.groups) == 1:
            return _any(self._group_is_like(group, query.groups[0], wild=query.wild) for group in groups)
        return " AND ".join(
            self._group_is_like(group, alternatives, wild=query.wild)
            for alternatives, group in zip(query.groups, groups, strict=False)
            if alternatives
        )

    def _group_is_like(self, group: str, alternatives: tuple[str, ...], *, wild: bool) -> str:
        if wild:
            like = _any(self._wildcard(group, alternative) for alternative in alternatives)
            begins = all(fixed_start(alternative)[0] for alternative in alternatives)
        else:
            like = self._one_of(group, alternatives)
            begins = all(alternatives)
        # So that an index of the names that have this group can be used.
        return f"({group} != '' AND {like})" if begins else like


def _any(conditions: Iterable[str]) -> str:
    return "(" + (" OR ".join(conditions) or NEVER) + ")"


def _text(column: MatchColumn, value: str) -> str:
    text = storable_text(text_key(value, column.vr))
    match column.form:
        case Form.DATE:
            return moment_text(text, date_key)
        case Form.TIME:
            return moment_text(text, time_key)
        case Form.TEXT | Form.NAME:
            return text
        case _:
            assert_never(column.form)
