"""What a person looks at on pages: lists of studies, one study, instances by a query.

Pages see what DICOMweb would give the same person, and leave the same record: nothing is
read around the gate.  A study that is hidden and one that does not exist are one answer.

Called by the console; calls the same searches and the same resolver as the doors.

Invariants:
- the event is durable before anything is returned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from pacsgate.audit.events import EventKind
from pacsgate.dicom.query import Query
from pacsgate.model.actions import Action
from pacsgate.model.decision import Deny
from pacsgate.model.errors import NotFoundError
from pacsgate.model.resource import ArchiveName, Level, ResourceKey
from pacsgate.model.tenant_archives import TenantArchives
from pacsgate.policy.engine import Bound
from pacsgate.policy.instance_query.reading import read_query
from pacsgate.ports import StudyEntry, Trail
from pacsgate.services.callers import Caller
from pacsgate.services.freshness import Freshness
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.record import Circumstances, actor_of
from pacsgate.services.resolve import Answer, Refusal, Resolver, reach_among
from pacsgate.services.search import Findings, Found, Search
from pacsgate.services.search_cursor import read_cursor
from pacsgate.services.search_instances import InstanceFindings, SearchInstances

Told = TypeVar("Told", Findings | Refusal, InstanceFindings | Refusal)

_MOST_SERIES = 1000
_NOT_ASKED = frozenset({Action.SEARCH, Action.STORE})
"""Who looks at a study may search it, and nobody can bring it a second time."""
INSTANCE_SECONDS = 5.0
"""Of one search by query: somebody waits in front of an empty page."""


@dataclass(frozen=True, slots=True)
class ActionAnswer:
    """Whether one action is allowed on a study, on how much of what one sees of it, or why it is not."""

    action: Action
    refusal: Refusal | None
    instances: int = 0
    """How many instances it may touch."""


@dataclass(frozen=True, slots=True)
class StudySeen:
    """One study as one person sees it."""

    studies: Sequence[Found]
    """More than one only where two patients share the UID."""
    series: Sequence[Found]
    answers: Sequence[ActionAnswer]
    visible: int
    """How many instances one may know of."""


@dataclass(frozen=True, slots=True)
class BrowseStudies:
    """Answers pages about studies."""

    policies: LivePolicy
    search: Search
    search_instances: SearchInstances
    resolver: Resolver
    freshness: Freshness
    trail: Trail
    archives: TenantArchives

    def archive(self, caller: Caller, name: str) -> ArchiveName:
        """The caller's archive of this name, the main one for none.  Raises `NotFoundError`."""
        if not name:
            return self.archives.main(caller.scope)
        return self._need(caller, ArchiveName(name))

    def is_main(self, caller: Caller, archive: ArchiveName) -> bool:
        """Whether an archive is the one behind `/dicom-web` for the caller."""
        return archive == self.archives.main(caller.scope)

    def _need(self, caller: Caller, archive: ArchiveName) -> ArchiveName:
        """An archive of the caller's tenant, which may have none at all."""
        if not self.archives.has(caller.scope, archive):
            raise NotFoundError("there is no such archive")
        return archive

    def bind(self, caller: Caller, archive: ArchiveName) -> Bound:
        """What the live policy says about somebody in an archive."""
        return self.policies.bind(caller.scope, caller.subject, caller.context, archive)

    def find(self, caller: Caller, archive: ArchiveName, query: Query, written: str) -> Findings | Refusal:
        """One page of studies; `written` is the query as the record keeps it."""
        bound = self.bind(caller, archive)
        shared = _circumstances(caller, archive, bound)
        found = self.search.find(caller.scope, archive, query, bound)
        return self._recorded(found, shared, f"/studies?{written}")

    def find_instances(
        self, caller: Caller, archive: ArchiveName, written: str, *, limit: int, cursor: str | None
    ) -> InstanceFindings | Refusal:
        """One page of instances by the query language.  Raises `RequestError` for a query that is none."""
        query = read_query(written)
        place = None if cursor is None else read_cursor(cursor)
        bound = self.bind(caller, archive)
        shared = _circumstances(caller, archive, bound)
        found = self.search_instances.find(
            caller.scope,
            self._need(caller, archive),
            query,
            bound,
            limit=limit,
            seconds=INSTANCE_SECONDS,
            cursor=place,
        )
        return self._recorded(found, shared, f"/studies?query={written}")

    def look(self, caller: Caller, archive: ArchiveName, uid: str) -> StudySeen | Refusal:
        """A study with its series, and what the caller may do to it."""
        bound = self.bind(caller, archive)
        shared = _circumstances(caller, archive, bound)
        key = ResourceKey(uid)
        reach = self.resolver.reach(caller.scope, self._need(caller, archive), key, Action.SEARCH, bound)
        if isinstance(reach, Refusal):
            self.trail.record(shared.denial(reach.reasons, action=Action.SEARCH, study_instance_uid=uid))
            return reach
        held = self.freshness.studies(caller.scope, archive, uid).studies
        studies = self._rows(caller, archive, Query(Level.STUDY, study_instance_uid=uid), bound)
        series = self._rows(
            caller, archive, Query(Level.SERIES, study_instance_uid=uid, limit=_MOST_SERIES), bound
        )
        self.trail.record(
            shared.event(
                EventKind.QUERY,
                action=Action.SEARCH,
                query=f"/studies/{uid}/series",
                reasons=reach.reasons,
                count=len(series),
            )
        )
        return StudySeen(studies, series, answers(held, key, bound), reach.instance_count)

    def _recorded(self, found: Told, shared: Circumstances, asked: str) -> Told:
        """What was found, or why nothing was looked for, once it is on record."""
        if isinstance(found, Refusal):
            self.trail.record(shared.denial(found.reasons, action=Action.SEARCH))
            return found
        self.trail.record(
            shared.event(
                EventKind.QUERY,
                action=Action.SEARCH,
                query=asked,
                reasons=found.reasons,
                count=len(found.rows),
            )
        )
        return found

    def _rows(self, caller: Caller, archive: ArchiveName, query: Query, bound: Bound) -> tuple[Found, ...]:
        found = self.search.find(caller.scope, archive, query, bound)
        return () if isinstance(found, Refusal) else found.rows


def answers(held: Sequence[StudyEntry], key: ResourceKey, bound: Bound) -> tuple[ActionAnswer, ...]:
    """What may be done to a study that may be searched, one answer for each action on what is there."""
    asked = (action for action in Action if action not in _NOT_ASKED)
    return tuple(_answer(held, key, action, bound) for action in asked)


def _answer(held: Sequence[StudyEntry], key: ResourceKey, action: Action, bound: Bound) -> ActionAnswer:
    never = bound.could(action)
    if never is not None:
        return ActionAnswer(action, refusal_of(never))
    found = reach_among(held, key, action, bound)
    return (
        ActionAnswer(action, found)
        if isinstance(found, Refusal)
        else ActionAnswer(action, None, found.instance_count)
    )


def refusal_of(denied: Deny) -> Refusal:
    """What nothing whatever could allow."""
    return Refusal(Answer.FORBIDDEN, denied.reasons, denied.revision, denied.message)


def _circumstances(caller: Caller, archive: ArchiveName, bound: Bound) -> Circumstances:
    actor = actor_of(caller.subject, caller.context, bound.roles)
    return Circumstances(caller.context, actor, caller.subject.tenant, archive, bound.revision)
