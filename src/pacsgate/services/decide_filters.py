"""Instances that have not been asked a filter of the live policy are asked now.

A policy may bring a filter that instances have never been asked.  Until they have,
it permits nothing on them.  They are found by the facts of their kinds of study, and
their studies are read again from the archive, the newest of each kind first;
indexing an object asks it everything.

Called by the background process, for each archive, and by `pacsgate index status`.

Invariants:
- each study is read at most once in a run, whatever comes of it;
- an archive that fails again and again is left alone until the next run.
"""

from collections.abc import Callable

from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.policy.instance_facts import undecided
from pacsgate.policy.policy import Policy
from pacsgate.ports import StudyIndex
from pacsgate.services.freshness import Freshness
from pacsgate.services.live_policy import LivePolicy

_BATCH = 200
"""Studies looked up at a time, as in a sync."""
_FAILURES = 5
"""In a row; one damaged study fails by itself, an archive that is down fails for all."""


class DecideFilters:
    """Brings the instance facts of one installation up to its live policy."""

    def __init__(self, index: StudyIndex, policies: LivePolicy, freshness: Freshness) -> None:
        self._index = index
        self._policies = policies
        self._freshness = freshness

    def run(
        self, scope: TenantScope, archive: ArchiveName, report: Callable[[int], None] = lambda _done: None
    ) -> int:
        """Read every study with undecided instances again; returns how many there were.

        `report` is called after each with their number so far, and may raise in order to
        stop.  Raises `ArchiveError`.
        """
        done = failures = 0
        unsettled: set[str] = set()
        while studies := self._undecided(scope, archive, unsettled):
            for study_uid in studies:
                try:
                    self._freshness.look_again(scope, archive, study_uid)
                    failures = 0
                except (ArchiveError, RequestError):
                    failures += 1
                    if failures == _FAILURES:
                        raise
                if self._is_undecided(scope, archive, study_uid):
                    unsettled.add(study_uid)
                done += 1
                report(done)
        return done

    def left(self, scope: TenantScope, archive: ArchiveName) -> int:
        """How many studies have instances that some filter of the live policy has not been asked."""
        policy = self._policies.current(scope)
        return sum(
            kind.studies
            for kind in self._index.kinds(scope, archive)
            if any(undecided(policy, part) for part in kind.parts)
        )

    def _undecided(self, scope: TenantScope, archive: ArchiveName, unsettled: set[str]) -> tuple[str, ...]:
        """Some studies with undecided instances that were not read yet."""
        policy = self._policies.current(scope)
        if not policy.filters:
            return ()
        for kind in self._index.kinds(scope, archive):
            if any(undecided(policy, part) for part in kind.parts):
                found = self._index.of_kind(scope, archive, kind.number, _BATCH + len(unsettled))
                left = tuple(dict.fromkeys(uid for uid in found if uid not in unsettled))
                if left:
                    return left
        return ()

    def _is_undecided(self, scope: TenantScope, archive: ArchiveName, study_uid: str) -> bool:
        policy: Policy = self._policies.current(scope)
        return any(
            undecided(policy, part.facts)
            for study in self._index.studies(scope, archive, study_uid)
            for part in study.series
        )
