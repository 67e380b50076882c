"""Whether an object that somebody brings along may be sent on to another archive.

It is decided by what it says of itself, and by what is known of its study if the archive has that: else one
could take an object out that one may only look at, by bringing it back.

Called by the Orthanc door; calls the engine and the index.
"""

from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow, Deny
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.policy.facts import ResourceFacts
from pacsgate.services.freshness import Freshness
from pacsgate.services.judge_store import incoming_facts


def judge_export(
    freshness: Freshness, scope: TenantScope, archive: ArchiveName, summary: InstanceSummary, bound: Bound
) -> Allow | Deny:
    """The decision on exporting the object: the first that denies, or what allows.  Raises `ArchiveError`."""
    incoming = incoming_facts(bound.policy, summary, {})
    decision = bound.decide(Action.EXPORT, incoming)
    for study in freshness.studies(scope, archive, summary.study_instance_uid).studies:
        known = [part for part in study.series if part.series_instance_uid == summary.series_instance_uid]
        facts = [study.facts_of(part) for part in known] or [ResourceFacts(study.facts, incoming.series)]
        for each in facts:
            if isinstance(decision, Deny):
                return decision
            decision = bound.decide(Action.EXPORT, each)
    return decision
