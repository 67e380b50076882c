"""A question for a list: its filter, and which page of the answer.

Called by `pacsgate.admin.scim`.

Invariants:
- reading a filter costs no more than its length, which is bounded.

Standard: RFC 7644 3.4.2.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from scim2_models import (
    Context,
    InvalidFilterException,
    ListResponse,
    Resource,
    ResponseParameters,
    ScimFilter,
    SearchRequest,
)
from scim2_models.path import CompareOperator, Comparison

from pacsgate.protocols.scim.resources import LENIENT

MOST_RESULTS = 200
LONGEST_FILTER = 2000
_DEEPEST_FILTER = 20

Found = TypeVar("Found", bound=Resource[Any])


@dataclass(frozen=True, slots=True)
class Question(Generic[Found]):
    """What a client wants of a list."""

    model: type[Found]
    filter: ScimFilter[Found] | None
    start: int
    stop: int
    shown: ResponseParameters[Found]
    """Which attributes of them."""

    def equals(self, attribute: str) -> str | None:
        """The text that this attribute must equal, if that is the whole of the filter."""
        ast = None if self.filter is None else self.filter.ast
        if not isinstance(ast, Comparison) or ast.op is not CompareOperator.eq:
            return None
        is_it = str(ast.attr_path).rpartition(":")[2].lower() == attribute.lower()
        return ast.value if is_it and isinstance(ast.value, str) else None

    def answer(self, resources: Iterable[Found]) -> dict[str, Any]:
        """One page of those that match."""
        found = [each for each in resources if self.filter is None or self.filter.match(each)]
        page = found[self.start : self.stop]
        listing = ListResponse[self.model](  # type: ignore[name-defined]  # which resources it lists is known now
            total_results=len(found),
            start_index=self.start + 1,
            items_per_page=len(page),
            resources=page,
        )
        answer: dict[str, Any] = listing.model_dump(
            scim_ctx=Context.RESOURCE_QUERY_RESPONSE,
            response_parameters=self.shown,
        )
        return answer


def read_shown(model: type[Found], parameters: Mapping[str, Any]) -> ResponseParameters[Found]:
    """Read which attributes of one resource are wanted.  Raises Pydantic's `ValidationError`."""
    named = {name: parameters[name] for name in ("attributes", "excludedAttributes") if name in parameters}
    return ResponseParameters[model].model_validate(named)  # type: ignore[valid-type]  # as above


def read_question(model: type[Found], parameters: Mapping[str, Any]) -> Question[Found]:
    """Read the parameters of a list.  Raises `ScimException` or Pydantic's `ValidationError`."""
    text = parameters.get("filter")
    if text is not None and (not isinstance(text, str) or len(text) > LONGEST_FILTER or _is_deep(text)):
        raise InvalidFilterException(detail="the filter is too long, or its brackets stand too deep")
    asked = SearchRequest[model].model_validate(  # type: ignore[valid-type]  # as above
        dict(parameters), scim_ctx=Context.SEARCH_REQUEST, scim_policy=LENIENT
    )
    start = (asked.start_index or 1) - 1
    count = MOST_RESULTS if asked.count is None else min(asked.count, MOST_RESULTS)
    return Question(model, asked.filter, start, start + count, asked)


def _is_deep(text: str) -> bool:
    return text.count("(") + text.count("[") > _DEEPEST_FILTER
