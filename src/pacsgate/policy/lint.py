"""What is odd in a policy as a whole: what loads, and is probably not meant.

A rule that can never apply, a permit that another makes idle or that a forbid always beats, a forbid that
forbids everything, a permit without a bound, a role that nobody answers for.  Where conditions are compared,
`implication` answers for all values there can be, so that what is said here is so.

Called by the command line and the console.

Invariants:
- a finding about conditions is never wrong; one may be missing where a table would be too large.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from pacsgate.model.errors import Diagnostic
from pacsgate.policy import lint_grants, lint_pairs, lint_rules
from pacsgate.policy.lint_census import Census, concerning_nobody, held_for_good
from pacsgate.policy.lint_findings import LintFinding
from pacsgate.policy.policy import Policy

_Look = Callable[[Policy], Iterator[LintFinding]]

_QUICK: tuple[_Look, ...] = (
    lint_rules.unusable,
    lint_rules.ownerless,
    lint_rules.unused_roles,
    lint_rules.unused_attributes,
    lint_grants.unheard,
)
_ALL: tuple[_Look, ...] = (
    *_QUICK,
    lint_rules.unapproved,
    lint_rules.never_applying,
    lint_grants.never_giving,
    lint_rules.forbidding_everything,
    lint_rules.unbounded,
    lint_pairs.shadowed,
    lint_pairs.always_forbidden,
)
_BESIDE_PEOPLE = (concerning_nobody, held_for_good)


def lint(policy: Policy, census: Census | None = None) -> tuple[LintFinding, ...]:
    """Everything that is odd, in the order of the text; with a census also what shows beside people."""
    if census is None:
        return _found(policy, _ALL)
    return _found(policy, (*_ALL, *(partial(look, census=census) for look in _BESIDE_PEOPLE)))


def check(policy: Policy) -> tuple[Diagnostic, ...]:
    """What every `policy check` warns of: what can be said without comparing rules with each other."""
    return tuple(found.diagnostic for found in _found(policy, _QUICK))


def _found(policy: Policy, looks: Iterable[_Look]) -> tuple[LintFinding, ...]:
    found = (each for look in looks for each in look(policy))
    return tuple(sorted(found, key=lambda each: (each.diagnostic.file, each.diagnostic.line, str(each))))
