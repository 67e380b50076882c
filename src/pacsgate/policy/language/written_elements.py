"""Two sets whose elements the rules themselves write out: request patterns and instance filters.

| written | means |
| --- | --- |
| `'GET /studies/**' in env.request` | the pattern means this request |
| `'Modality StrEquals CT' in series.filters` | the query matches the instances |

Called by `conditions`.
"""

from lark import Token, Tree
from pydicom.datadict import keyword_dict

from pacsgate.policy.instance_query.reading import QueryError, read_query
from pacsgate.policy.instance_query.tree import InstanceQuery, query_id, unknown_names
from pacsgate.policy.ir import FILTERS, Attribute
from pacsgate.policy.language.limits import PATTERN_LENGTH
from pacsgate.policy.language.problems import did_you_mean, quoted
from pacsgate.policy.language.terms import RefusedError
from pacsgate.policy.request_patterns import REQUEST, read_pattern

WRITTEN = frozenset({REQUEST, FILTERS})
"""The sets; nothing but a string can be asked for in them."""

_PATTERN_HINT = "write a method and a path, as in `'GET /studies/**'`"


def element_of(
    container: Attribute, written: str, tree: "Tree[Token]", queries: dict[str, InstanceQuery]
) -> str:
    """What the set would hold; a query is noted among the `queries` under its identifier."""
    if container == REQUEST:
        return _pattern(written, tree)
    if container == FILTERS:
        query = _query(written, tree)
        queries[query_id(query)] = query
        return query_id(query)
    return written


def _pattern(written: str, tree: "Tree[Token]") -> str:
    if len(written) > PATTERN_LENGTH:
        raise RefusedError(tree, f"the pattern is longer than {PATTERN_LENGTH} characters")
    if read_pattern(written) is None:
        raise RefusedError(tree, f"{quoted(written)} is no request pattern", _PATTERN_HINT)
    return written


def _query(written: str, tree: "Tree[Token]") -> InstanceQuery:
    try:
        query = read_query(written)
    except QueryError as error:
        raise RefusedError(tree, error.message) from error
    for name in unknown_names(query):
        hint = did_you_mean(name, keyword_dict)
        raise RefusedError(tree, f"no DICOM attribute has the keyword {quoted(name)}", hint)
    return query
