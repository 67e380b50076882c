"""pycasbin with rules that are expressions, each evaluated in turn: its way of attribute-based control."""

import logging
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import casbin

from bench.peers.question import Question, conjuncts, operands
from pacsgate.model.decision import Effect
from pacsgate.policy.ir import Attribute, Contains, Formula
from pacsgate.policy.policy import Policy, Rule

_MODEL = """
[request_definition]
r = study, user, env
[policy_definition]
p = rule, eft
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = eval(p.rule)
"""


def calls(policy: Policy, questions: list[Question]) -> Iterator[Callable[[], bool]]:
    """One call for each question."""
    logging.getLogger("casbin").setLevel(logging.ERROR)
    model = casbin.Enforcer.new_model(text=_MODEL)
    enforcer = casbin.Enforcer(model, enable_log=False)
    enforcer.add_policies([_rule(rule) for rule in policy.rules])
    for question in questions:
        plain = question.plain(policy)
        user = SimpleNamespace(**plain["user"], roles=sorted(question.roles))
        yield _call(enforcer, SimpleNamespace(**plain["study"]), user, SimpleNamespace(**plain["env"]))


def _call(enforcer, *request) -> Callable[[], bool]:
    return lambda: enforcer.enforce(*request)


def _rule(rule: Rule) -> list[str]:
    parts = [_atom(atom) for atom in conjuncts(rule.condition)]
    if rule.roles:
        parts.insert(0, f"({' || '.join(f'{role!r} in r.user.roles' for role in sorted(rule.roles))})")
    return [" && ".join(parts), "allow" if rule.effect is Effect.PERMIT else "deny"]


def _atom(atom: Formula) -> str:
    if isinstance(atom, Contains):
        return f"{_term(atom.element)} in {_term(atom.attribute)}"
    about, op, operand = operands(atom)
    return f"{_term(about)} {op} {_term(operand)}"


def _term(term: object) -> str:
    return f"r.{term}" if isinstance(term, Attribute) else repr(term)
