"""Objects enter the study index: with the facts that the live policy declares.

Called by `store_instances`, `sync_index` and `freshness`; calls the index.

Invariants:
- an object is indexed with the facts of the policy that is live at that moment;
  `refill_declared` brings the rows up to date when a policy declares new ones;
- a disagreement between instances about a fact is an event;
- what an archive made from another study has its labels first.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial

from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome, StudyObject
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.subject import Attributes
from pacsgate.policy.declared import declared_facts
from pacsgate.policy.instance_facts import instance_facts
from pacsgate.policy.ir import ORIGIN
from pacsgate.policy.naming import many_facts, reads_origin, set_facts
from pacsgate.policy.policy import Policy
from pacsgate.ports import Arrival, Clock, Ingested, StudyIndex, Trail
from pacsgate.services.inherit_labels import InheritLabels
from pacsgate.services.live_policy import LivePolicy

_GATE = Actor("pacsgate", verified=True)


class ObjectIndexer:
    """Turns arrivals into index rows."""

    def __init__(
        self,
        index: StudyIndex,
        policies: LivePolicy,
        trail: Trail,
        clock: Clock,
        labels: InheritLabels | None = None,
    ) -> None:
        self._index = index
        self._labels = labels
        self._policies = policies
        self._trail = trail
        self._clock = clock

    def add(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        arrivals: Iterable[Arrival],
        origin: Attributes | None = None,
    ) -> None:
        """Index objects in one transaction; with an `origin` if they were stored through the gate.

        Raises `ArchiveError`, for where labels are inherited from is asked of the archive.
        """
        items = self.prepared(scope, archive, arrivals, origin)
        if self._labels is not None and origin is None:
            self._labels.for_new(scope, archive, (item.summary for item in items))
        if items:
            self.ingest(scope, archive, items)

    def prepared(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        arrivals: Iterable[Arrival],
        origin: Attributes | None,
    ) -> list[Ingested]:
        """The objects with the facts that the live policy declares, ready for `ingest`."""
        policy = self._policies.current(scope)
        sets, many = set_facts(policy), many_facts(policy)
        witnessed = self._witnessed(scope, archive, policy, origin)
        items: list[Ingested] = []
        for arrival in arrivals:
            known = witnessed(arrival.summary.study_instance_uid)
            study_facts, series_facts = declared_facts(policy, arrival.summary.header, known)
            items.append(
                Ingested(
                    arrival.summary,
                    study_facts,
                    series_facts,
                    size=arrival.size,
                    digest=arrival.digest,
                    origin=origin or {},
                    sets=sets,
                    many=many,
                    instance_facts=instance_facts(policy, arrival.summary),
                )
            )
        return items

    def refill_declared(self, scope: TenantScope, archive: ArchiveName) -> int:
        """Compute the declared facts of every kept header again; returns how many series were refilled."""
        policy = self._policies.current(scope)
        many = many_facts(policy)
        witnessed = self._witnessed(scope, archive, policy, None)
        count = 0
        for study_uid, series_uid, header in self._index.headers(scope, archive):
            facts = declared_facts(policy, header, witnessed(study_uid))
            self._index.refill(scope, archive, study_uid, series_uid, *facts, many=many)
            count += 1
        return count

    def _witnessed(
        self, scope: TenantScope, archive: ArchiveName, policy: Policy, origin: Attributes | None
    ) -> Callable[[str], Attributes | None]:
        """What the gate witnessed of a study: now, or when it was stored, if a policy reads that."""
        if origin is not None or not reads_origin(policy):
            return lambda _study_uid: origin
        return lru_cache(maxsize=16)(partial(self._origin, scope, archive))

    def _origin(self, scope: TenantScope, archive: ArchiveName, study_uid: str) -> Attributes:
        """What the index says of it; of one UID under several patients, what is the same for all."""
        facts = [study.facts for study in self._index.studies(scope, archive, study_uid)]
        if not facts:
            return {}
        held = {attribute.name: {each.get(attribute.name) for each in facts} for attribute in ORIGIN}
        return {name: values for name, (values, *others) in held.items() if values and not others}

    def ingest(self, scope: TenantScope, archive: ArchiveName, items: Sequence[Ingested]) -> None:
        """Put prepared objects into the index, in one transaction."""
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
