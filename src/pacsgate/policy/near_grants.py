"""The grants that allow something, or would if one or two things about them were otherwise.

Called by `explain`.

Invariants:
- a grant lacks nothing exactly when the engine lets it apply.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from pacsgate.model.actions import Action
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.policy.branches import attribute_of
from pacsgate.policy.engine import Bound
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import Truth
from pacsgate.policy.truth import evaluate, held

_FAR = 3
"""A grant that lacks so much has nothing to do with the question."""
_NEAREST = 10
"""Of those that lack something, so many are named: a study may be permitted to a whole hospital."""


@dataclass(frozen=True, slots=True)
class GrantReading:
    """One grant as it met a question, and what it lacks."""

    grant: Grant
    lacking: tuple[str, ...]

    def __str__(self) -> str:
        grant = self.grant
        if grant.target is GrantTarget.STUDY_PERMISSION:
            action = next(iter(grant.actions))
            return f"study permission to {action} of {grant.grantee_kind} {grant.grantee}"
        until = "" if grant.expires is None else f" until {_instant(grant.expires)}"
        return (
            f"grant `{grant.grant_id}` to {grant.grantee_kind} {grant.grantee} "
            f"on {grant.target} {grant.target_id}{until}"
        )


def near_grants(
    bound: Bound, grants: Iterable[Grant], action: Action, facts: ResourceFacts
) -> tuple[GrantReading, ...]:
    """The grants that apply, or else those that lack least, by their id; `grants` are those of everybody."""
    readings = [GrantReading(grant, tuple(_lacking(grant, bound, action, facts))) for grant in grants]
    least = min((len(reading.lacking) for reading in readings), default=_FAR)
    if least >= _FAR:
        return ()
    near = [reading for reading in readings if len(reading.lacking) == least]
    near.sort(key=lambda reading: reading.grant.grant_id)
    return tuple(near if not least else near[:_NEAREST])


def _lacking(grant: Grant, bound: Bound, action: Action, facts: ResourceFacts) -> Iterator[str]:
    if not _is_made_to(grant, bound, facts):
        yield f"it is made to {grant.grantee_kind} {grant.grantee}"
    elif not _is_under_a_ceiling(grant, bound, action, facts):
        yield f"no role that counts for it may ever {action}"
    if grant.archive is not None and grant.archive != bound.archive:
        yield f"it is for the archive {grant.archive}"
    attribute = attribute_of(grant, bound.policy)
    values = () if attribute is None else held(attribute, facts) or ()
    if grant.target_id not in values:
        yield (
            "this study has no such permission"
            if grant.target is GrantTarget.STUDY_PERMISSION
            else f"it is on {grant.target} {grant.target_id}"
        )
    if action not in grant.actions:
        yield f"it is for {_listed(grant.actions)}"
    if not grant.is_live(bound.context.now):
        yield "it has expired"


def _is_made_to(grant: Grant, bound: Bound, facts: ResourceFacts) -> bool:
    match grant.grantee_kind:
        case GranteeKind.USER:
            return grant.grantee == bound.subject.name
        case GranteeKind.GROUP:
            return grant.grantee in bound.subject.groups
        case GranteeKind.ROLE:
            return evaluate(bound.standing.having(grant.grantee), facts) is Truth.TRUE


def _is_under_a_ceiling(grant: Grant, bound: Bound, action: Action, facts: ResourceFacts) -> bool:
    if grant.grantee_kind is GranteeKind.ROLE:
        return action in bound.policy.roles[grant.grantee].may
    return evaluate(bound.standing.ceiling(action), facts) is Truth.TRUE


def _listed(actions: Iterable[Action]) -> str:
    return ", ".join(sorted(actions)) + " only"


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
