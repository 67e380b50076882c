"""Which of the named objects may be sent, and why the others are not.

What goes to the requester itself needs its `retrieve`; what goes to somebody else, its
`export` (which includes that) and the receiver's own `retrieve`.  What either may not
have is left out and not counted; the requester is told of a refusal only where nothing
is left, and then of one about what it may search anyway.

Called by the DICOM door for C-MOVE and C-GET.

Invariants:
- every object in `parts` was allowed to the requester and, where there is one, to the receiver;
- a mask of either hides.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow, Deny, Reason
from pacsgate.policy.engine import Bound
from pacsgate.ports import StudyEntry
from pacsgate.services.resolve import Answer, Part, Reach, Refusal
from pacsgate.services.resolve_many import ResolveMany, UniqueKeys

MAX_OBJECTS = 65_535
"""What the counters of sub-operations can say (PS3.7 table 9.3-11: VR US)."""


class TooManyObjectsError(Exception):
    """More is named than one request may take."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a request comes to."""

    action: Action
    parts: tuple[Part, ...]
    reasons: tuple[Reason, ...]
    refusals: Mapping[str, Refusal]
    """By UID, each named study of which the requester may have nothing: hidden and missing ones too."""
    withheld: tuple[Deny, ...]
    """One for each part that the requester may have, and the receiver may not."""

    @property
    def count(self) -> int:
        """How many objects are sent."""
        return sum(len(part.instances) for part in self.parts)

    @property
    def refused(self) -> Refusal | None:
        """Of what the requester may search, the first refusal."""
        return next((each for each in self.refusals.values() if each.answer is not Answer.NOT_FOUND), None)


def judge_transfer(
    resolve: ResolveMany,
    keys: UniqueKeys,
    action: Action,
    receiver: Bound | None,
    go_on: Callable[[], None],
) -> Transfer:
    """Judge all that the keys name.  `receiver` is `None` where the requester itself receives.

    `go_on` is called before each study, and raises what should end this.
    Raises `TooManyObjectsError`, `RequestError`, `ArchiveError`.
    """
    found: list[Part] = []
    reasons: dict[Reason, None] = {}
    refusals: dict[str, Refusal] = {}
    withheld: list[Deny] = []
    count = 0
    for wanted in resolve.wanted(keys):
        go_on()
        reach = resolve.reach(wanted, action)
        if isinstance(reach, Refusal):
            refusals[wanted.study_instance_uid] = reach
            continue
        parts, denied = _received(reach, receiver)
        found += parts
        withheld += denied
        reasons.update(dict.fromkeys(reach.reasons))
        count += sum(len(part.instances) for part in parts)
        if count > MAX_OBJECTS:
            raise TooManyObjectsError
    return Transfer(action, tuple(found), tuple(reasons), refusals, tuple(withheld))


def may_still_receive(receiver: Bound, held: Sequence[StudyEntry], part: Part) -> bool:
    """Whether somebody else may still receive a part, by what is known of its study now."""
    uid = part.instances[0].sop_instance_uid
    return any(
        isinstance(receiver.decide(Action.RETRIEVE, study.facts_of(series)), Allow)
        for study in held
        if study.patient_id == part.study.patient_id
        for series in study.series
        if any(instance.sop_instance_uid == uid for instance in series.instances)
    )


def _received(reach: Reach, receiver: Bound | None) -> tuple[Sequence[Part], Sequence[Deny]]:
    """What of a reach the receiver may have, and why it may not have the rest."""
    if receiver is None:
        return reach.parts, ()
    parts: list[Part] = []
    denied: list[Deny] = []
    for part in reach.parts:
        match receiver.decide(Action.RETRIEVE, part.study.facts_of(part.series)):
            case Allow(mask=mask):
                parts.append(replace(part, mask=part.mask | mask))
            case Deny() as no:
                denied.append(no)
    return parts, denied
