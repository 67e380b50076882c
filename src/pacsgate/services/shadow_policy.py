"""A candidate policy that answers beside the live one, unheard.

Requests that were decided are noted in passing and answered a second time, by both policies, at leisure: the
same part of the same study, the same page of the same search.  Where the answers differ, the difference is
counted under who asked for what, with the newest study as a sample.

A note costs an append to a bounded queue.  What does not fit is passed over and counted as such.  Candidates
are looked for in the tenants whose people ask here.

Noted by `shadowed`; compared by a thread of `bootstrap`, which says how fast.

Invariants:
- no decision, answer or event of a request depends on the shadow, whatever happens to it;
- what the report counts as compared was answered by both policies on the same index and grants.
"""

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pacsgate.dicom.query import Query
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Decision, Deny, Reason
from pacsgate.model.errors import PacsgateError
from pacsgate.model.grant import Grant
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.policy.policy import Policy
from pacsgate.policy.reach import reached
from pacsgate.ports import Directory, StudyEntry, StudyIndex
from pacsgate.ports.candidates import Candidate, CandidateStore, ShadowDifference

WAITING = 512
"""Requests that wait to be compared; more are passed over."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that the live policy has answered."""

    scope: TenantScope
    archive: ArchiveName
    action: Action
    bound: Bound
    context: Context
    """The request's own: that of `bound` may be an earlier one in which the live rules see no difference."""
    key: ResourceKey | None = None
    query: Query | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one policy answers, and why."""

    outcome: str
    """Equal when somebody who asked could not tell the answers apart, as far as they were compared."""
    reasons: tuple[Reason, ...] = ()
    found: int | None = None
    """Of a search, how many it finds."""

    def __str__(self) -> str:
        return f"{self.outcome} ({', '.join(map(str, self.reasons))})" if self.reasons else self.outcome


@dataclass(frozen=True, slots=True)
class _Cast:
    """The shadow of one tenant, while it has one."""

    candidate: Candidate
    policy: Policy
    grants: tuple[Grant, ...]


@dataclass(slots=True)
class _Counts:
    compared: int = 0
    passed_over: int = 0
    differences: dict[tuple[str, ArchiveName, Action, str, str], ShadowDifference] = field(
        default_factory=dict
    )


class ShadowPolicy:
    """The shadow of one process."""

    def __init__(
        self,
        scope: TenantScope,
        candidates: CandidateStore,
        directory: Directory,
        index: StudyIndex,
    ) -> None:
        """`scope` is the tenant in which a candidate is looked for before anybody has asked."""
        self._scopes = {scope}
        self._candidates = candidates
        self._directory = directory
        self._index = index
        self._waiting: deque[Asked] = deque(maxlen=WAITING)
        self._casts: dict[TenantScope, _Cast] = {}
        self._counts: dict[TenantScope, _Counts] = {}
        self._heard = threading.local()

    def hear(self, subject: Subject, context: Context) -> None:
        """Remember in which circumstances this thread now asks for a subject."""
        self._scopes.add(TenantScope(subject.tenant))
        self._heard.last = (subject, context)

    def context_of(self, bound: Bound) -> Context:
        """The circumstances in which this thread asks, as far as it said so."""
        heard: tuple[Subject, Context] | None = getattr(self._heard, "last", None)
        return heard[1] if heard is not None and heard[0] is bound.subject else bound.context

    def note(self, asked: Asked) -> None:
        """Remember a request to be compared; never waits and never fails."""
        counts = self._counts.get(asked.scope)
        if counts is None:
            return
        if len(self._waiting) >= WAITING:
            counts.passed_over += 1
        else:
            self._waiting.append(asked)

    @property
    def is_casting(self) -> bool:
        """Whether there is a candidate to compare with."""
        return bool(self._casts)

    @property
    def has_waiting(self) -> bool:
        """Whether any request waits to be compared."""
        return bool(self._waiting)

    def next(self) -> Asked | None:
        """The request that has waited longest, if any waits; it waits no more."""
        return self._waiting.popleft() if self._waiting else None

    def round(self, noted: Iterable[Asked]) -> None:
        """Look for candidates, compare these, and keep what was counted.

        The requests are taken one by one once the candidates are known.  Raises what was wrong with a
        candidate, after all else is done.
        """
        failed: PacsgateError | None = None
        for scope in tuple(self._scopes):
            try:
                self._refresh(scope)
            except PacsgateError as error:
                failed = error
        for asked in noted:
            self._compare(asked)
        for scope in tuple(self._casts):
            self._flush(scope)
        if failed is not None:
            raise failed

    def _refresh(self, scope: TenantScope) -> None:
        candidate, cast = self._candidates.shadow(scope), self._casts.get(scope)
        if cast is not None and cast.candidate == candidate:
            self._casts[scope] = replace(cast, grants=self._directory.granted(scope))
        elif cast is not None or candidate is not None:
            self._begin(scope, candidate)

    def _begin(self, scope: TenantScope, candidate: Candidate | None) -> None:
        """Compare with this candidate from now on; with none for `None`."""
        self._counts.pop(scope, None)
        self._casts.pop(scope, None)
        for _ in range(len(self._waiting)):  # others go on noting meanwhile
            asked = self._waiting.popleft()
            if asked.scope != scope:
                self._waiting.append(asked)
        if candidate is not None:
            policy = load_policy(candidate.sources, self._directory.roles(scope))
            self._casts[scope] = _Cast(candidate, policy, self._directory.granted(scope))
            self._counts[scope] = _Counts()

    def _compare(self, asked: Asked) -> None:
        """Let the candidate answer what the live policy has answered."""
        cast, counts = self._casts.get(asked.scope), self._counts.get(asked.scope)
        if cast is None or counts is None:
            return
        live = asked.bound
        shadow = bind(cast.policy, live.subject, asked.context, asked.archive, cast.grants)
        one, other = self._answer(asked, live), self._answer(asked, shadow)
        counts.compared += 1
        if (one.outcome, one.found) != (other.outcome, other.found):
            key = (live.subject.name, asked.archive, asked.action, str(one), _beside(one, other))
            before = counts.differences.get(key)
            counts.differences[key] = ShadowDifference(
                *key,
                requests=1 if before is None else before.requests + 1,
                study_instance_uid=None if asked.key is None else asked.key.study_instance_uid,
                last_at=asked.context.now,
            )

    def _answer(self, asked: Asked, bound: Bound) -> _Answer:
        never = bound.could(asked.action)
        if never is not None:
            return _Answer("refused", never.reasons)
        if asked.query is not None:
            return self._found(asked, asked.query, bound)
        if asked.key is None:
            return _Answer("nothing named")
        studies = self._index.studies(asked.scope, asked.archive, asked.key.study_instance_uid)
        answers = [_reach(study, asked.key, asked.action, bound) for study in studies]
        return _Answer(
            ", ".join(answer.outcome for answer in answers) or "as if absent",
            tuple(dict.fromkeys(reason for answer in answers for reason in answer.reasons)),
        )

    def _found(self, asked: Asked, query: Query, bound: Bound) -> _Answer:
        keys = frozenset(keyword for key in query.match for keyword in key.path)
        constraint = bound.constraint(Action.SEARCH, keys)
        if isinstance(constraint, Deny):
            return _Answer("refused", constraint.reasons)
        page = self._index.search(asked.scope, asked.archive, query, constraint)
        return _Answer("finds", found=len(page.matches) + page.remaining)

    def _flush(self, scope: TenantScope) -> None:
        counts, self._counts[scope] = self._counts[scope], _Counts()
        if counts.compared or counts.passed_over:
            self._candidates.note_shadow(
                scope,
                self._casts[scope].candidate.revision,
                compared=counts.compared,
                passed_over=counts.passed_over,
                differences=tuple(counts.differences.values()),
            )


def _beside(one: _Answer, other: _Answer) -> str:
    """The other answer in words; of searches only which finds more, lest every number be counted apart."""
    if one.found is None or other.found is None:
        return str(other)
    return "finds more" if other.found > one.found else "finds fewer"


def _reach(study: StudyEntry, key: ResourceKey, action: Action, bound: Bound) -> _Answer:
    """What an action reaches of the named part of one study."""
    parts = [
        study.facts_of(series)
        for series in study.series
        if key.series_instance_uid in {None, series.series_instance_uid}
    ]
    places = reached(bound, action, parts)
    if places:
        decisions = [bound.decide(action, parts[place]) for place in places]
        much = "all of it" if len(places) == len(parts) else f"{len(places)} of {len(parts)} parts"
        return _Answer(much, _reasons(decisions))
    if not reached(bound, Action.SEARCH, parts):
        return _Answer("as if absent", _reasons(bound.decide(Action.SEARCH, facts) for facts in parts))
    return _Answer("refused", _reasons(bound.decide(action, facts) for facts in parts))


def _reasons(decisions: Iterable[Decision]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(reason for decision in decisions for reason in decision.reasons))
