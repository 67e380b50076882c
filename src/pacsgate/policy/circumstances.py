"""The circumstances that some policies tell apart: zones, purposes, hours of the week, kinds of request.

What a policy allows from the hospital's network at noon says nothing about what it allows at night from
outside.  Whoever counts what a policy gives must ask under every set of circumstances that makes a
difference to some rule, and need not ask under any other.  Two are alike when every comparison on `env` has
the same outcome in both, and every `env` value that is compared with something else is the same.

Called by `pacsgate.services.compare_policies`.

Invariants:
- the first is the one asked about; the others are as few as the rules need;
- times are looked at every half hour of a week, which is also the least step of all time zones but three.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice, product
from typing import TypeVar

from pacsgate.model.context import Context, RequestLine
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.subject import Subject
from pacsgate.policy.environment import (
    AUTHENTICATION,
    AUTHENTICATION_AGE,
    CALLED_AE,
    CALLING_AE,
    CREDENTIAL,
    NETWORK,
    PURPOSE,
    RISK,
    environment_attributes,
)
from pacsgate.policy.findings import atoms_of
from pacsgate.policy.ir import Atom, Attribute, Compare, Contains, OneOf, Scope
from pacsgate.policy.policy import Policy
from pacsgate.policy.request_patterns import REQUEST
from pacsgate.policy.truth import outcome

T = TypeVar("T")

MOST = 64
"""More sets of circumstances than this are not asked about; `circumstances` says when it stopped."""

_STEP = timedelta(minutes=30)
_STEPS = 7 * 48
_NOT_OF_TIME = frozenset(
    {
        *(NETWORK, PURPOSE, REQUEST, RISK, CALLING_AE, CALLED_AE),
        *(CREDENTIAL, AUTHENTICATION, AUTHENTICATION_AGE),
    }
)


def circumstances(
    policies: Sequence[Policy], asked: Context, networks: Iterable[str]
) -> tuple[tuple[Context, ...], bool]:
    """Those that the policies tell apart, the one asked about first; and whether these are all."""
    seen: dict[Hashable, Context] = {}
    eyes = [_Eye.of(policy) for policy in policies]
    for context in _candidates(policies, asked, tuple(networks)):
        seen.setdefault(tuple(eye.sees(context) for eye in eyes), context)
        if len(seen) > MOST:
            break
    return tuple(islice(seen.values(), MOST)), len(seen) <= MOST


def _candidates(policies: Sequence[Policy], asked: Context, networks: Sequence[str]) -> Iterator[Context]:
    named = frozenset[Attribute]().union(*(policy.named for policy in policies))
    zones = _first(asked.network, networks if NETWORK in named else ())
    purposes, callers, called = (
        _first(first, _literals(policies, about) if about in named else ())
        for first, about in (
            (asked.purpose, PURPOSE),
            (asked.calling_ae_title, CALLING_AE),
            (asked.called_ae_title, CALLED_AE),
        )
    )
    requests = _first(asked.request, _requests(policies) if REQUEST in named else ())
    reads_clock = any(each.scope is Scope.ENV and each not in _NOT_OF_TIME for each in named)
    instants = [asked.now + step * _STEP for step in range(_STEPS if reads_clock else 1)]
    for now, zone, purpose, request, calling, ours in product(
        instants, zones, purposes, requests, callers, called
    ):
        yield replace(
            asked,
            now=now,
            network=zone,
            purpose=purpose or asked.purpose,
            request=request,
            calling_ae_title=calling,
            called_ae_title=ours,
        )


def _first(first: T, others: Iterable[T]) -> list[T]:
    return [first, *(other for other in others if other != first)]


def _literals(policies: Iterable[Policy], attribute: Attribute) -> list[str]:
    """Every value that some condition compares an attribute with."""
    found: set[str] = set()
    for policy in policies:
        for rule in policy.rules:
            for atom in atoms_of(rule.condition):
                if atom.attribute != attribute:
                    continue
                match atom:
                    case Compare(_, _, str() as value):
                        found.add(value)
                    case OneOf(_, frozenset() as values):
                        found |= {str(value) for value in values}
                    case _:
                        continue
    return sorted(found)


def _requests(policies: Iterable[Policy]) -> Iterator[RequestLine]:
    """A request that each pattern means."""
    for policy in policies:
        for pattern in policy.request_patterns.patterns:
            method, _, path = pattern.text.partition(" ")
            yield RequestLine("GET" if pattern.method == "ANY" else method, path.replace("*", "x"))


@dataclass(frozen=True, slots=True)
class _Eye:
    """What the rules of one policy look at in the environment."""

    policy: Policy
    atoms: tuple[Atom, ...]
    """Those that compare an attribute of the environment with a literal: only their outcome is seen."""
    values: tuple[str, ...]
    """Attributes that are compared with another attribute: their values are seen."""

    @classmethod
    def of(cls, policy: Policy) -> "_Eye":
        atoms: dict[Atom, None] = {}
        values: set[Attribute] = set()
        for rule in policy.rules:
            for atom in atoms_of(rule.condition):
                operand = _operand(atom)
                if operand is not None:
                    values |= {operand, atom.attribute}
                elif atom.attribute.scope is Scope.ENV:
                    atoms[atom] = None
        seen = sorted(each.name for each in values if each.scope is Scope.ENV)
        return cls(policy, tuple(atoms), tuple(seen))

    def sees(self, context: Context) -> Hashable:
        """Everything that some rule can tell of these circumstances."""
        somebody = Subject(DEFAULT_TENANT, "somebody", authenticated_at=context.now)
        held = environment_attributes(somebody, context, self.policy)
        outcomes = tuple(outcome(atom, held.get(atom.attribute.name)) for atom in self.atoms)
        return outcomes, tuple(map(held.get, self.values))


def _operand(atom: Atom) -> Attribute | None:
    """The attribute that an atom compares its own with, if that is no literal."""
    match atom:
        case Compare(_, _, Attribute() as operand):
            return operand
        case OneOf(_, Attribute() as operand) | Contains(_, Attribute() as operand):
            return operand
        case _:
            return None
