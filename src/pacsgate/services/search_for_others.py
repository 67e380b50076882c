"""Lists for another enforcement point: who may, to what, and what may they do?

Every result is one that an evaluation allows: what the index finds within the
constraint is asked about once more, by itself.  So a list equals what the subject
would find by searching, as far as it may do what was asked for.

A patient is listed with the newest of its studies that the subject may do this to,
so that each is listed once without remembering the others.

Called by the AuthZEN door; calls `other_subjects` and the index.

Invariants:
- each page is on record before it is answered: who asked, for whom, how many results.
"""

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

from pacsgate.audit.events import EventKind
from pacsgate.dicom.query import Query
from pacsgate.model.actions import Action
from pacsgate.model.decision import Deny
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ArchiveName, Level
from pacsgate.policy.binding import all_of
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.engine import Bound
from pacsgate.policy.ir import PATIENT_ID, Compare, Comparison, Formula
from pacsgate.ports import Match, Trail
from pacsgate.protocols.authzen.entities import (
    ActionSearch,
    PageRequest,
    Resource,
    ResourceKind,
    ResourceSearch,
    SubjectSearch,
)
from pacsgate.services.evaluate_for_others import Enquirer, EvaluateForOthers, circumstances, details_of
from pacsgate.services.other_subjects import ACTIONS, KINDS, OtherSubjects
from pacsgate.services.resolve import Reach, Refusal

MAX_EXAMINED = 500
"""Accounts looked at for one page; a page may be short of its limit and yet not be the last."""

_POSITION = re.compile(r"[0-9]{1,15}", re.ASCII)
"""Of a row; a database counts no further than some eighteen digits."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Listed(Generic[Result]):
    """One page of results, and where the next begins; `None` if this is the last."""

    results: tuple[Result, ...] = ()
    next_position: str | None = None


class SearchForOthers:
    """Lists subjects, resources and actions for an enforcement point."""

    def __init__(self, others: OtherSubjects, evaluate: EvaluateForOthers, trail: Trail) -> None:
        self._others = others
        self._evaluate = evaluate
        self._trail = trail

    def subjects(self, enquirer: Enquirer, search: SubjectSearch) -> Listed[str] | Refusal:
        """The names of the accounts of one kind that may do this to that, in their order."""
        archive = self._others.archive(enquirer.scope, search.resource.archive)
        refused = self._evaluate.refuse(enquirer, archive)
        if refused is not None:
            return refused
        listed = self._subjects(enquirer, search, archive)
        what = f"who may {search.action} {search.resource.type} {search.resource.key or search.resource.id}"
        self._record(enquirer, archive, what, listed, {"subject type": search.type})
        return listed

    def resources(self, enquirer: Enquirer, search: ResourceSearch) -> Listed[Resource] | Refusal:
        """The resources of one kind to which somebody may do this, newest study first."""
        archive = self._others.archive(enquirer.scope, search.kind.archive)
        refused = self._evaluate.refuse(enquirer, archive)
        if refused is not None:
            return refused
        bound = self._others.bind(enquirer.scope, search.subject, search.claims, enquirer.context, archive)
        listed: Listed[Resource] = Listed()
        if not isinstance(bound, Refusal):
            listed = self._resources(enquirer, bound, search, archive)
        what = f"to which {search.kind.level.value} {search.action}"
        about = {"subject": search.subject.id, "subject type": search.subject.type}
        self._record(enquirer, archive, what, listed, about)
        return listed

    def actions(self, enquirer: Enquirer, search: ActionSearch) -> Listed[Action] | Refusal:
        """What somebody may do to a resource."""
        archive = self._others.archive(enquirer.scope, search.resource.archive)
        refused = self._evaluate.refuse(enquirer, archive)
        if refused is not None:
            return refused
        bound = self._others.bind(enquirer.scope, search.subject, search.claims, enquirer.context, archive)
        listed: Listed[Action] = Listed()
        if not isinstance(bound, Refusal):
            allowed = (action for action in Action if self._reaches(bound, action, search.resource))
            listed = _page_of(tuple(allowed), search.page)
        what = f"what to {search.resource.type} {search.resource.key or search.resource.id}"
        about = {"subject": search.subject.id, "subject type": search.subject.type}
        self._record(enquirer, archive, what, listed, about)
        return listed

    def _subjects(self, enquirer: Enquirer, search: SubjectSearch, archive: ArchiveName) -> Listed[str]:
        kind = KINDS.get(search.type)
        if kind is None:
            return Listed()
        last, found = search.page.position or "", list[str]()
        accounts = self._others.accounts.after(enquirer.scope, kind, last, enquirer.context.now)
        for examined, subject in enumerate(accounts):
            if len(found) == search.page.limit or examined == MAX_EXAMINED:
                return Listed(tuple(found), last)
            last = subject.name
            bound = self._others.bind_subject(
                enquirer.scope, subject, None, search.claims, enquirer.context, archive
            )
            if not isinstance(bound, Refusal) and self._reaches(bound, search.action, search.resource):
                found.append(subject.name)
        return Listed(tuple(found))

    def _resources(
        self, enquirer: Enquirer, bound: Bound, search: ResourceSearch, archive: ArchiveName
    ) -> Listed[Resource]:
        formula = _searchable(bound, ACTIONS.get(search.action))
        if formula is None or not self._others.archives.has(enquirer.scope, archive):
            return Listed()
        kind, offset = search.kind, _offset(search.page)
        level = Level.STUDY if kind.level is Level.PATIENT else kind.level
        query = Query(
            level,
            study_instance_uid=kind.study_instance_uid,
            series_instance_uid=kind.series_instance_uid,
            limit=search.page.limit,
            offset=offset,
        )
        page = self._others.index.search(enquirer.scope, archive, query, Constraint(formula, bound.revision))
        listed = (self._listed(enquirer, match, formula, bound, kind, archive) for match in page.matches)
        found = tuple(
            resource
            for resource in listed
            if resource is not None and self._reaches(bound, search.action, resource)
        )
        return Listed(found, str(offset + len(page.matches)) if page.remaining else None)

    def _listed(
        self,
        enquirer: Enquirer,
        match: Match,
        formula: Formula,
        bound: Bound,
        kind: ResourceKind,
        archive: ArchiveName,
    ) -> Resource | None:
        """What is listed for one row: the row itself, or, for its newest row only, its patient."""
        if kind.level is not Level.PATIENT:
            return Resource(kind.level.value, str(match.key), kind.level, match.key, kind.archive)
        (patient,) = match.facts[0].study[PATIENT_ID.name]
        theirs = all_of(formula, Compare(PATIENT_ID, Comparison.EQ, patient))
        newest = self._others.index.search(
            enquirer.scope, archive, Query(Level.STUDY, limit=1), Constraint(theirs, bound.revision)
        )
        if newest.matches and newest.matches[0].key != match.key:
            return None
        return Resource(kind.level.value, str(patient), kind.level, None, kind.archive)

    def _reaches(self, bound: Bound, action: str, resource: Resource) -> bool:
        return isinstance(self._others.reach(bound, action, resource), Reach)

    def _record(
        self,
        enquirer: Enquirer,
        archive: ArchiveName,
        query: str,
        listed: Listed[Result],
        about: dict[str, str],
    ) -> None:
        own = self._others.policies.bind(enquirer.scope, enquirer.subject, enquirer.context, archive)
        event = circumstances(enquirer, own, archive).event(
            EventKind.EVALUATED,
            query=query,
            count=len(listed.results),
            details={**details_of(enquirer), **about},
        )
        self._trail.record(event)


def _searchable(bound: Bound, action: Action | None) -> Formula | None:
    """Where somebody may search and do this; `None` if nowhere."""
    if action is None:
        return None
    found, doable = bound.constraint(Action.SEARCH), bound.constraint(action)
    if isinstance(found, Deny) or isinstance(doable, Deny):
        return None
    return all_of(found.formula, doable.formula)


def _offset(page: PageRequest) -> int:
    position = page.position or "0"
    if not _POSITION.fullmatch(position):
        raise RequestError("`page.token` is not one that this gate gave out")
    return int(position)


def _page_of(results: tuple[Result, ...], page: PageRequest) -> Listed[Result]:
    begin = _offset(page)
    end = begin + page.limit
    return Listed(results[begin:end], str(end) if end < len(results) else None)
