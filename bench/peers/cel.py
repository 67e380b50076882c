"""CEL through cel-expr-python: an expression for each set of roles, an activation for each question.

The expression merges all rules that concern the roles, as a caller would who keeps one per kind of session.
"""

import json
from collections.abc import Callable, Iterator

from cel_expr_python import cel

from bench.peers.question import Question, conjuncts, operands
from pacsgate.model.decision import Effect
from pacsgate.policy.ir import Contains, Formula, Scope
from pacsgate.policy.policy import Policy, Rule

_RECORD = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)


def calls(policy: Policy, questions: list[Question]) -> Iterator[Callable[[], bool]]:
    """One call for each question."""
    env = cel.NewEnv(variables={scope.value: _RECORD for scope in Scope})
    compiled = {}
    for question in questions:
        if question.roles not in compiled:
            compiled[question.roles] = env.compile(_merged(policy, question.roles))
        yield _call(compiled[question.roles], env.Activation(question.plain(policy)))


def _call(expression, activation) -> Callable[[], bool]:
    return lambda: expression.eval(activation).value()


def _merged(policy: Policy, roles: frozenset[str]) -> str:
    mine = [rule for rule in policy.rules if not rule.roles or rule.roles & roles]
    permits = " || ".join(map(_condition, (rule for rule in mine if rule.effect is Effect.PERMIT)))
    forbids = " || ".join(map(_condition, (rule for rule in mine if rule.effect is Effect.FORBID)))
    return f"!({forbids or 'false'}) && ({permits or 'false'})"


def _condition(rule: Rule) -> str:
    return f"({' && '.join(map(_atom, conjuncts(rule.condition)))})"


def _atom(atom: Formula) -> str:
    if isinstance(atom, Contains):
        return f"{_term(atom.element)} in {atom.attribute}"
    about, op, operand = operands(atom)
    return f"{about} {op} {_term(operand)}"


def _term(term: object) -> str:
    return json.dumps(term) if isinstance(term, str | int | float) else str(term)
