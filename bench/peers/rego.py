"""Rego through opa-eval (regorus): one loaded module; the input is JSON text, as the library wants it."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import opa_eval

from bench.peers.question import Question, conjuncts, operands
from pacsgate.model.decision import Effect
from pacsgate.policy.ir import Attribute, Contains, Formula
from pacsgate.policy.policy import Policy, Rule

_HEAD = """\
package gate
import rego.v1
default allow := false
allow if { permitted; not forbidden }
"""


def calls(policy: Policy, questions: list[Question]) -> Iterator[Callable[[], bool]]:
    """One call for each question."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "gate.rego"
        file.write_text(_HEAD + "\n".join(map(_rule, policy.rules)), "utf-8")
        engine = opa_eval.OpaEval(str(file), query="data.gate.allow")
    for question in questions:
        text = json.dumps({**question.plain(policy), "roles": sorted(question.roles)})
        yield _call(engine, text)


def _call(engine, text: str) -> Callable[[], bool]:
    return lambda: engine.evaluate_parsed(text)


def _rule(rule: Rule) -> str:
    lines = [_atom(atom) for atom in conjuncts(rule.condition)]
    if rule.roles:
        lines.insert(
            0, f"some role in input.roles; role in {{{', '.join(map(json.dumps, sorted(rule.roles)))}}}"
        )
    head = "permitted" if rule.effect is Effect.PERMIT else "forbidden"
    return f"{head} if {{ {'; '.join(lines)} }}"


def _atom(atom: Formula) -> str:
    if isinstance(atom, Contains):
        return f"{_term(atom.element)} in {_term(atom.attribute)}"
    about, op, operand = operands(atom)
    return f"{_term(about)} {op} {_term(operand)}"


def _term(term: object) -> str:
    return f"input.{term}" if isinstance(term, Attribute) else json.dumps(term)
