"""From an Orthanc identifier to the parts of what it names that one action may reach, or to the refusal.

The questions are those of `resolve`, in its order.  A patient is as much of it as is visible: its
studies are asked about one by one, and those that are hidden do not exist.  What changes or removes a patient
needs every part of every one of its studies, so those that Orthanc has got meanwhile are indexed first.

Called by the Orthanc door and the services behind it; calls `orthanc_names`, `freshness` and `resolve`.

Invariants:
- hidden and missing are the one `NOT_FOUND`, after the same question to Orthanc and as much deciding.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pacsgate.model.actions import Action
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.resource import ArchiveName, Level, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.services.freshness import Freshness
from pacsgate.services.orthanc_names import NamedResource, OrthancNames
from pacsgate.services.resolve import NEEDS_EVERY_PART, Answer, Reach, Refusal, Resolver, reach_among


@dataclass(frozen=True, slots=True)
class OrthancReach:
    """Resolves identifiers and decides."""

    names: OrthancNames
    resolver: Resolver
    freshness: Freshness
    _hidden: dict[tuple[TenantScope, ArchiveName, Level], NamedResource] = field(
        init=False, default_factory=dict
    )
    """What was hidden from somebody last: what is missing costs a decision about that."""

    def reach_named(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        level: Level | None,
        orthanc_id: str,
        action: Action,
        bound: Bound,
    ) -> Reach | Refusal:
        """The parts of what is named on which `action` is allowed, or why there are none.

        Raises `ArchiveError`.
        """
        never = bound.could(action)
        if never is not None:
            return Refusal(Answer.FORBIDDEN, never.reasons, never.revision, never.message)
        name = self.names.find(scope, archive, level, orthanc_id)
        if name.named is None:
            self.names.ask_anyway(scope, archive, level, asked=name.asked)
            self._decide_anyway(scope, archive, level, action, bound)
            return Refusal(Answer.NOT_FOUND, (Reason(ReasonCode.NOT_FOUND),), bound.revision)
        named = name.named
        found = self.among_studies(scope, archive, named, action, bound)
        if isinstance(found, Reach) and named.level is Level.PATIENT and action in NEEDS_EVERY_PART:
            named = self.names.whole_patient(scope, archive, named)
            found = self.among_studies(scope, archive, named, action, bound)
        if isinstance(found, Refusal) and found.answer is Answer.NOT_FOUND:
            self.names.ask_anyway(scope, archive, level, asked=name.asked)
            self._hidden[scope, archive, named.level] = named
        return found

    def recall_named(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        level: Level | None,
        orthanc_id: str,
        action: Action,
        bound: Bound,
    ) -> Reach | None:
        """What `reach_named` would allow on an instance, from memory alone; `None` says not even no."""
        named = self.names.recall(scope, archive, level, orthanc_id)
        if named is None or named.level is not Level.INSTANCE:
            return None
        (key,) = named.keys
        return self.resolver.recall(scope, archive, key, action, bound)

    def _decide_anyway(
        self, scope: TenantScope, archive: ArchiveName, level: Level | None, action: Action, bound: Bound
    ) -> None:
        """Spend what it takes to find something and to decide that it is hidden."""
        place = (scope, archive, level or Level.STUDY)
        other = self._hidden.get(place)
        if other is None:
            return
        found = self.names.find(scope, archive, other.level, other.orthanc_id).named
        if found is not None:
            OrthancReach.among_studies(self, scope, archive, found, action, bound)
        else:  # it has gone, and to look for it costs more
            self._hidden.pop(place, None)

    def among_studies(
        self, scope: TenantScope, archive: ArchiveName, named: NamedResource, action: Action, bound: Bound
    ) -> Reach | Refusal:
        """The answers about the studies of a patient, or about the one study of anything else, as one."""
        return _joined(
            [
                reach_among(
                    self.freshness.studies(scope, archive, key.study_instance_uid).studies, key, action, bound
                )
                for key in named.keys
            ],
            action,
        )


def _joined(answers: Sequence[Reach | Refusal], action: Action) -> Reach | Refusal:
    reached = [found for found in answers if isinstance(found, Reach)]
    refused = [found for found in answers if isinstance(found, Refusal)]
    forbidden = [found for found in refused if found.answer is not Answer.NOT_FOUND]
    if not reached and not forbidden:
        return refused[0]
    if len(answers) == 1:
        return answers[0]
    if action in NEEDS_EVERY_PART and refused:
        # The same words whichever study it was, as in `resolve`.
        reasons = (Reason(ReasonCode.PARTLY_VISIBLE), *(reason for one in refused for reason in one.reasons))
        return Refusal(Answer.FORBIDDEN, tuple(dict.fromkeys(reasons)), refused[0].revision)
    if not reached:
        return forbidden[0]
    return Reach(
        action,
        tuple(part for found in reached for part in found.parts),
        tuple(dict.fromkeys(reason for found in reached for reason in found.reasons)),
        reached[0].revision,
    )
