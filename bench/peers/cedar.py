"""Cedar through cedarpy: one parsed policy set, one parsed entity set for each question.

Attributes are plain values and need no guards, for none is missing in this workload.
"""

import json
from collections.abc import Callable, Iterator

import cedarpy

from bench.peers.question import Question, conjuncts, operands
from pacsgate.model.decision import Effect
from pacsgate.policy.ir import Attribute, Contains, Formula, Scope
from pacsgate.policy.policy import Policy, Rule

_PLACES = {Scope.STUDY: "resource", Scope.USER: "principal", Scope.ENV: "context"}


def calls(policy: Policy, questions: list[Question]) -> Iterator[Callable[[], bool]]:
    """One call for each question."""
    policies = cedarpy.PolicySet.from_str("\n".join(map(_policy, policy.rules)))
    for question in questions:
        plain = question.plain(policy)
        parents = [{"type": "Role", "id": role} for role in sorted(question.roles)]
        entities = cedarpy.Entities.from_json_str(
            json.dumps(
                [
                    {"uid": {"type": "User", "id": "u"}, "attrs": plain["user"], "parents": parents},
                    {"uid": {"type": "Study", "id": "s"}, "attrs": plain["study"], "parents": []},
                ]
            )
        )
        request = {
            "principal": 'User::"u"',
            "action": f'Action::"{question.action}"',
            "resource": 'Study::"s"',
            "context": plain["env"],
        }
        yield _call(request, policies, entities)


def _call(request, policies, entities) -> Callable[[], bool]:
    allow = cedarpy.Decision.Allow
    return lambda: cedarpy.is_authorized(request, policies, entities).decision is allow


def _policy(rule: Rule) -> str:
    conditions = [_atom(atom) for atom in conjuncts(rule.condition)]
    if rule.roles:
        roles = ", ".join(f'Role::"{role}"' for role in sorted(rule.roles))
        conditions.insert(0, f"principal in [{roles}]")
    effect = "permit" if rule.effect is Effect.PERMIT else "forbid"
    return f"{effect}(principal, action, resource) when {{ {' && '.join(conditions)} }};"


def _atom(atom: Formula) -> str:
    if isinstance(atom, Contains):
        return f"{_term(atom.attribute)}.contains({_term(atom.element)})"
    about, op, operand = operands(atom)
    if op == "in":
        return f"{_term(operand)}.contains({_term(about)})"
    return f"{_term(about)} {op} {_term(operand)}"


def _term(term: object) -> str:
    return f"{_PLACES[term.scope]}.{term.name}" if isinstance(term, Attribute) else json.dumps(term)
