"""Questions about a policy as a whole: what is odd in it, who can, what can.

`check` names what loads but is probably not meant.  `who_can` and `what_can` ask the
engine about every pair of somebody and something, and count series, because
a study may be allowed in part.

Called by the command line and the console.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow
from pacsgate.model.errors import Diagnostic
from pacsgate.model.grant import Grant
from pacsgate.model.resource import ArchiveName
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import Bound, bind
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.findings import attributes_of
from pacsgate.policy.policy import Place, Policy


@dataclass(frozen=True, slots=True)
class Access:
    """What one subject may do with one study: for each action, on how many of its series."""

    subject: str
    study: str
    series: int
    allowed: Mapping[Action, int]
    """Actions allowed on no series are left out."""


def check(policy: Policy) -> tuple[Diagnostic, ...]:
    """Warnings, in the order of the text."""
    found = [*_unusable(policy), *_ownerless(policy), *_idle_roles(policy), *_idle_attributes(policy)]
    return tuple(sorted(found, key=lambda each: (each.file, each.line, each.message)))


def who_can(
    policy: Policy,
    subjects: Iterable[Subject],
    context: Context,
    archive: ArchiveName,
    grants: Sequence[Grant],
    *,
    study: str,
    series: Sequence[ResourceFacts],
) -> Iterator[Access]:
    """For each subject, what it may do with one study; those who may do nothing are left out."""
    for subject in subjects:
        access = _access(bind(policy, subject, context, archive, grants), study, series)
        if access.allowed:
            yield access


def what_can(
    policy: Policy,
    subject: Subject,
    context: Context,
    archive: ArchiveName,
    grants: Sequence[Grant],
    *,
    studies: Iterable[tuple[str, Sequence[ResourceFacts]]],
) -> Iterator[Access]:
    """For each study, what the subject may do with it; studies of which it may do nothing are left out."""
    bound = bind(policy, subject, context, archive, grants)
    for study, series in studies:
        access = _access(bound, study, series)
        if access.allowed:
            yield access


def _access(bound: Bound, study: str, series: Sequence[ResourceFacts]) -> Access:
    counts = {
        action: sum(isinstance(bound.decide(action, facts), Allow) for facts in series) for action in Action
    }
    allowed = {action: count for action, count in counts.items() if count}
    return Access(bound.subject.name, study, len(series), allowed)


def _warning(place: Place, message: str, suggestion: str | None = None) -> Diagnostic:
    return Diagnostic(place.file, place.line, 1, message, suggestion)


def _unusable(policy: Policy) -> Iterator[Diagnostic]:
    for rule in policy.rules:
        if rule.unsupported:
            named = ", ".join(f"`{obligation}`" for obligation in rule.unsupported)
            yield _warning(
                rule.place,
                f"permit `{rule.rule_id}` allows nothing: the gate cannot carry out {named} yet",
            )


def _ownerless(policy: Policy) -> Iterator[Diagnostic]:
    for name, place in policy.role_places.items():
        if policy.roles[name].owner is None:
            yield _warning(place, f"role `{name}` has no owner", "say with `owner` who answers for it")


def _idle_roles(policy: Policy) -> Iterator[Diagnostic]:
    used = {role for rule in policy.rules for role in rule.roles}
    used |= {given.assignment.role for given in policy.assignments}
    for name, place in policy.role_places.items():
        if name not in used and not policy.roles[name].permissions:
            yield _warning(place, f"role `{name}` is named by no rule and no assignment")


def _idle_attributes(policy: Policy) -> Iterator[Diagnostic]:
    used = {attribute for rule in policy.rules for attribute in attributes_of(rule.condition)}
    for name, declaration in policy.declarations.items():
        if declaration.attribute not in used:
            yield _warning(declaration.place, f"attribute `{name}` is in no condition")
