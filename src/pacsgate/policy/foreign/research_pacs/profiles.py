"""What a profile permits, as a role and its rules.

| profile | permits | where |
| --- | --- | --- |
| with a filter | reading the instances that match | everywhere |
| with neither filter nor patterns, or an empty filter | reading all instances | everywhere |
| with patterns | reading all instances | where no path is known; over DICOMweb, but for denied paths |
| with patterns | whatever the request does | where an allowed pattern matches the path and no denied one |

*Reading* is `search`, `view`, `retrieve` and `export`: what the portal of Research
PACS offers on every instance that a user may see (search, preview, download, export of
the results).

*Where.*  There, a filter opens the portal only, since Orthanc behind it cannot filter;
here every door filters down to the instance, so a filter opens every door.  Patterns imply
access to all instances through the portal.  The gate's own doors stand in for it: those that
know no path (its API, DIMSE) and DICOMweb, which the gate answers itself, instance by
instance.  Otherwise who may see everything could open less than who may see a part.  Orthanc's
own API has patterns and nothing else.

*Union.*  A path profile beside filters lifts them where it implies access, as there:
nobody gains an instance over one door that another withholds.  Elsewhere each profile
permits what it permits: a path is open through the profile that allows it, and a filter
stays a filter on every path that only it opens.

*Deny* takes away within its own profile, never from another.

*The server itself* (its stations, jobs and settings) is opened by permissions, which know no
paths.  So only a profile that allows every request and denies none has them.

Called by `reader`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pacsgate.model.actions import Action
from pacsgate.model.decision import Effect
from pacsgate.model.errors import Diagnostic
from pacsgate.model.role import Role
from pacsgate.policy.binding import all_of, any_of
from pacsgate.policy.foreign.reading import ORTHANC_PERMISSIONS, left_over
from pacsgate.policy.foreign.research_pacs.patterns import PathPatterns
from pacsgate.policy.instance_query.tree import EVERY_INSTANCE, InstanceQuery, query_id
from pacsgate.policy.ir import FILTERS, TRUE, Contains, Formula, Has, Not
from pacsgate.policy.language.problems import Position, quoted
from pacsgate.policy.policy import Rule
from pacsgate.policy.request_patterns import REQUEST

PREFIX = "research-pacs:"
"""Of roles and rules; no name of our own language holds a colon."""

READING = frozenset({Action.SEARCH, Action.VIEW, Action.RETRIEVE, Action.EXPORT})
_BY_PATH = frozenset(Action) - {Action.SHARE}
"""What a request to Orthanc can amount to; links and grants are the gate's own."""
_WHOLE_API = frozenset({"any **", "any /**"})
"""Patterns, in lower case, that every request to Orthanc matches."""
_DICOMWEB = ("ANY /dicom-web", "ANY /dicom-web/**")


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile of a permissions file."""

    name: str
    position: Position
    description: str | None
    patterns: PathPatterns | None
    filter: InstanceQuery | None

    @property
    def filter_id(self) -> str:
        """The identifier of its filter."""
        return query_id(self.filter or EVERY_INSTANCE)

    @property
    def allows_every_request(self) -> bool:
        """Whether some pattern means the whole API, less what `Deny` takes away."""
        return self.patterns is not None and any(one.lower() in _WHOLE_API for one in self.patterns.allow)


def role_of(profile: Profile) -> Role:
    """The role that having the profile is."""
    may = _BY_PATH if profile.patterns is not None and profile.patterns.allow else READING
    denies = profile.patterns is not None and bool(profile.patterns.deny)
    permissions = ORTHANC_PERMISSIONS if profile.allows_every_request and not denies else frozenset()
    return Role(PREFIX + profile.name, may, permissions, description=profile.description)


def rules_of(profile: Profile) -> Iterator[Rule]:
    """The permits of one profile."""
    patterns = profile.patterns
    if patterns is None:
        matching = TRUE if profile.filter is None else Contains(FILTERS, profile.filter_id)
        yield _permit(profile, "instances", matching, READING)
        return
    yield _permit(profile, "instances", any_of(Not(Has(REQUEST)), _on(_DICOMWEB, patterns.deny)), READING)
    if patterns.allow:
        yield _permit(profile, "paths", _on(patterns.allow, patterns.deny), _BY_PATH)


def left_of(profile: Profile) -> Iterator[Diagnostic]:
    """What an administrator should know who brings this profile over."""
    if profile.patterns is None:
        return
    yield left_over(
        profile.position,
        f"profile {quoted(profile.name)} has path patterns, which imply access to every instance: "
        "whoever has it is bound by no filter of another profile",
    )
    if not role_of(profile).permissions:
        yield left_over(
            profile.position,
            f"profile {quoted(profile.name)} opens nothing of the server itself (stations, jobs, settings), "
            "whatever its patterns",
            "give a role of your own what docs/permissions.md lists",
        )


def _permit(profile: Profile, what: str, condition: Formula, actions: frozenset[Action]) -> Rule:
    return Rule(
        rule_id=f"{PREFIX}{profile.name}/{what}",
        effect=Effect.PERMIT,
        place=profile.position.place,
        condition=condition,
        roles=frozenset({role_of(profile).name}),
        actions=actions,
    )


def _on(allowed: tuple[str, ...], denied: tuple[str, ...]) -> Formula:
    """Requests that some allowed pattern means and no denied one.

    To these patterns `HEAD` is not `GET`, but its answer is about the same resource: who is denied the one
    would learn from the other that there is something, and how long.  So a denied `GET` is a denied `HEAD`.
    """
    some = any_of(*(Contains(REQUEST, pattern) for pattern in allowed))
    heads = (
        f"HEAD {path}"
        for method, _, path in (one.partition(" ") for one in denied)
        if method.upper() == "GET"
    )
    return all_of(some, *(Not(Contains(REQUEST, pattern)) for pattern in (*denied, *heads)))
