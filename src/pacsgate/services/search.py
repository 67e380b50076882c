"""A search, answered with exactly what a check would allow.

Called by the DICOMweb door, `find_all` and `orthanc_walk`; calls the engine for a constraint and the index
for a page within it.

Invariants:
- a row is in the answer exactly when the engine would allow `search` on it;
- a key that the subject may not see, also inside a sequence, never decides which rows are found;
- a masked attribute is gone from the row before the door sees it.

Standard: PS3.18 section 10.6 (Search Transaction).
"""

from collections.abc import Hashable
from dataclasses import dataclass

from pacsgate.dicom.masking import mask_json
from pacsgate.dicom.query import Query
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow, Deny, Reason, Revision
from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.ports import Match, StudyIndex
from pacsgate.services.resolve import Answer, Refusal

_REMEMBERED = 1000
"""Sorts of rows of which is remembered what a subject may know of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """One row of an answer, already masked."""

    key: ResourceKey
    attributes: DicomJson
    patient_id: str
    mask: Mask = NO_MASK
    """What was taken out, so that a page can say that it is hidden and not merely empty."""


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
        masks = Masks(bound)
        rows = tuple(_found(match, masks.of(match)) for match in page.matches)
        return Findings(rows, page.remaining, masks.reasons, masks.revision)


def _found(match: Match, mask: Mask) -> Found:
    attributes = match.attributes if mask.hides_nothing else mask_json(match.attributes, mask)
    return Found(match.key, attributes, match.patient_id, mask)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What the decisions on a row's series come to."""

    mask: Mask
    allowed: tuple[Allow, ...]


class Masks:
    """What of each row of a subject's list must stay hidden, and why the rows may be shown.

    Rows that are alike (`ports.Match`) are decided once, for this list and later ones.
    """

    def __init__(self, bound: Bound) -> None:
        self._bound = bound
        self._alike: dict[Hashable, _Judged] = bound.memory.setdefault(Masks, {})
        self._allowed: dict[int, Allow] = {}
        """By identity: the engine answers alike with the same object, so a page has few."""

    def of(self, match: Match) -> Mask:
        """What every admitted part of the row hides."""
        judged = self._judged(match)
        for decision in judged.allowed:
            self._allowed[id(decision)] = decision
        return judged.mask

    def _judged(self, match: Match) -> _Judged:
        if match.alike is None:
            return self._decided(match)
        judged = self._alike.get(match.alike)
        if judged is None:
            if len(self._alike) >= _REMEMBERED:
                self._alike.clear()
            judged = self._alike[match.alike] = self._decided(match)
        return judged

    def _decided(self, match: Match) -> _Judged:
        mask: Mask | None = None
        allowed: list[Allow] = []
        for facts in match.facts:
            decision = self._bound.decide(Action.SEARCH, facts)
            if isinstance(decision, Allow):
                allowed.append(decision)
                if mask is not decision.mask:
                    mask = decision.mask if mask is None else mask & decision.mask
        # Where list and check agree, one is allowed; otherwise the row shows nothing.
        return _Judged(Mask(all_but=True) if mask is None else mask, tuple(allowed))

    @property
    def revision(self) -> Revision:
        """The revision that every decision names."""
        return self._bound.revision

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why the rows asked about may be shown, each reason once."""
        return tuple(dict.fromkeys(reason for each in self._allowed.values() for reason in each.reasons))
