"""Objects enter the study index: with the facts that the live policy declares.

Called by `store_instances`, `sync_index` and `freshness`; calls the index.

Invariants:
- an object is indexed with the facts of the policy that is live at that moment;
  `refill_declared` brings the rows up to date when a policy declares new ones;
- a disagreement between instances about a fact is an event.
"""

from collections.abc import Iterable

from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome, StudyObject
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.policy.declared import declared_facts, set_facts
from pacsgate.ports import Arrival, Clock, Ingested, StudyIndex, Trail
from pacsgate.services.live_policy import LivePolicy

_GATE = Actor("pacsgate", verified=True)


class ObjectIndexer:
    """Turns arrivals into index rows."""

    def __init__(self, index: StudyIndex, policies: LivePolicy, trail: Trail, clock: Clock) -> None:
        self._index = index
        self._policies = policies
        self._trail = trail
        self._clock = clock

    def add(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        arrivals: Iterable[Arrival],
        ingest_principal: str | None = None,
    ) -> None:
        """Index objects in one transaction.  `ingest_principal` names who stored them through the gate."""
        policy = self._policies.current(scope)
        sets = set_facts(policy)
        items: list[Ingested] = []
        for arrival in arrivals:
            study_facts, series_facts = declared_facts(policy, arrival.summary.header)
            items.append(
                Ingested(
                    arrival.summary,
                    study_facts,
                    series_facts,
                    size=arrival.size,
                    digest=arrival.digest,
                    ingest_principal=ingest_principal,
                    sets=sets,
                )
            )
        if items:
            self._ingest(scope, archive, items)

    def refill_declared(self, scope: TenantScope, archive: ArchiveName) -> int:
        """Compute the declared facts of every kept header again; returns how many series were refilled."""
        policy = self._policies.current(scope)
        count = 0
        for study_uid, series_uid, header in self._index.headers(scope, archive):
            self._index.refill(scope, archive, study_uid, series_uid, *declared_facts(policy, header))
            count += 1
        return count

    def _ingest(self, scope: TenantScope, archive: ArchiveName, items: list[Ingested]) -> None:
        now = self._clock.now()
        for study_uid in self._index.ingest(scope, archive, items, now):
            self._trail.record(
                AuditEvent(
                    EventKind.ATTRIBUTES_DISAGREE,
                    now,
                    _GATE,
                    Outcome.MINOR,
                    tenant=scope.tenant,
                    archive=archive,
                    study=StudyObject(study_uid),
                )
            )
