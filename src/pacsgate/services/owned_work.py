"""Work that was decided once and goes on, or is fetched, later: it is decided again then.

A job of an archive outlives the request that started it, and the right to it.  So what it is about is
kept with its owner, instance by instance, and asked again when its output is fetched or it goes on.

Called by the Orthanc door; calls the resolver.

Invariants:
- one instance that is not allowed any more, or not there any more, refuses the whole: an output cannot be
  cut down afterwards.
"""

from dataclasses import replace

from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.resource import ResourceKey, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.ports.handles import OwnedHandle
from pacsgate.services.resolve import Answer, Part, Reach, Refusal, Resolver
from pacsgate.services.united_reach import united


def reach_again(resolver: Resolver, scope: TenantScope, owned: OwnedHandle, bound: Bound) -> Reach | Refusal:
    """What the work is about, if all of it may be touched now.  Raises `ArchiveError`."""
    missing = Refusal(Answer.NOT_FOUND, (Reason(ReasonCode.NOT_FOUND),), bound.revision)
    if owned.action is None or not owned.keys:
        return missing
    studies = dict.fromkeys(
        ResourceKey(key.study_instance_uid, patient_id=key.patient_id) for key in owned.keys
    )
    found: list[Reach] = []
    for study in studies:
        reach = resolver.reach(scope, owned.archive, study, owned.action, bound)
        if isinstance(reach, Refusal):
            return reach
        found.append(reach)
    reach, wanted = united(found), frozenset(owned.keys)
    parts = tuple(part for whole in reach.parts for part in _only(whole, wanted))
    if sum(len(part.instances) for part in parts) < len(wanted):
        return replace(missing, reasons=(Reason(ReasonCode.PARTLY_VISIBLE),))
    return replace(reach, parts=parts)


def _only(part: Part, wanted: frozenset[ResourceKey]) -> tuple[Part, ...]:
    instances = tuple(instance for instance in part.instances if part.key_of(instance) in wanted)
    return (replace(part, instances=instances),) if instances else ()
