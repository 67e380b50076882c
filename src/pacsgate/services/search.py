"""A search, answered with exactly what a check would allow.

Called by the DICOMweb door; calls the engine for a constraint and the index
for a page within it.

Invariants:
- a row is in the answer exactly when the engine would allow `search` on it;
- a key that the subject may not see, also inside a sequence, never decides which rows are found;
- a masked attribute is gone from the row before the door sees it.

Standard: PS3.18 section 10.6 (Search Transaction).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pacsgate.dicom.masking import mask_json
from pacsgate.dicom.query import Query
from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow, Deny, Reason, Revision
from pacsgate.model.mask import Mask
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.ports import Match, StudyIndex
from pacsgate.services.resolve import Answer, Refusal


@dataclass(frozen=True, slots=True)
class Found:
    """One row of an answer, already masked."""

    key: ResourceKey
    attributes: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Findings:
    """The answer to a search: a page of rows, how many more there are, and why it was allowed."""

    rows: tuple[Found, ...]
    remaining: int
    reasons: tuple[Reason, ...]
    revision: Revision


class Search:
    """Answers queries within what a subject may search."""

    def __init__(self, index: StudyIndex) -> None:
        self._index = index

    def find(
        self, scope: TenantScope, archive: ArchiveName, query: Query, bound: Bound
    ) -> Findings | Refusal:
        """One page of matches, or the refusal if the subject may never search or asks by a masked key."""
        never = bound.could(Action.SEARCH)
        if never is not None:
            return Refusal(Answer.FORBIDDEN, never.reasons, never.revision, never.message)
        keys = frozenset(keyword for key in query.match for keyword in key.path)
        constraint = bound.constraint(Action.SEARCH, keys)
        if isinstance(constraint, Deny):
            return Refusal(Answer.FORBIDDEN, constraint.reasons, constraint.revision, constraint.message)
        page = self._index.search(scope, archive, query, constraint)
        allowed: dict[int, Allow] = {}
        rows = tuple(self._masked(match, bound, allowed) for match in page.matches)
        reasons = dict.fromkeys(reason for decision in allowed.values() for reason in decision.reasons)
        return Findings(rows, page.remaining, tuple(reasons), bound.revision)

    def _masked(self, match: Match, bound: Bound, allowed: dict[int, Allow]) -> Found:
        mask = shown_through(match, bound, allowed)
        return Found(match.key, match.attributes if mask.hides_nothing else mask_json(match.attributes, mask))


def shown_through(match: Match, bound: Bound, allowed: dict[int, Allow]) -> Mask:
    """What of a row must stay hidden: what every part of it hides.

    The decisions of its parts join `allowed`, each object once.
    """
    mask: Mask | None = None
    for facts in match.facts:
        decision = bound.decide(Action.SEARCH, facts)
        if isinstance(decision, Allow):
            # The engine answers alike with the same object, so a page has few.
            allowed[id(decision)] = decision
            if mask is not decision.mask:
                mask = decision.mask if mask is None else mask & decision.mask
    # Where list and check agree, one is allowed; otherwise the row shows nothing.
    return Mask(all_but=True) if mask is None else mask
