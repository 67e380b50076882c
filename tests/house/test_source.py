"""Rules about the source that a linter does not know.  Each failure says where, and the rule's reason is its name."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "pacsgate"
MODULES = sorted(PACKAGE.rglob("*.py"))

BROAD_EXCEPT_EDGES = (
    "gateway/",
    "admin/",
    "agent/agent.py",
    "agent/execution.py",
    "bootstrap/",
    "cli/main.py",
)
"""Where everything may be caught: per request, command, job and process.  Each such place denies, records and says so."""
LINES_OF_ONE_IDEA = 350


def nodes(module: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(module.read_text("utf-8"), str(module)))


def place(module: Path, node: ast.AST) -> str:
    return f"{module.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def test_no_security_condition_is_an_assert_that_an_option_removes():
    assert not [
        place(module, node) for module in MODULES for node in nodes(module) if isinstance(node, ast.Assert)
    ]


def test_no_text_becomes_code():
    banned = {"eval", "exec", "compile", "__import__"}
    assert not [
        place(module, node)
        for module in MODULES
        for node in nodes(module)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in banned
    ]


def test_everything_is_caught_only_at_the_edges():
    def is_broad(handler: ast.ExceptHandler) -> bool:
        caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        return any(kind is None or ast.unparse(kind) in {"Exception", "BaseException"} for kind in caught)

    broad = [
        place(module, node)
        for module in MODULES
        for node in nodes(module)
        if isinstance(node, ast.ExceptHandler)
        and is_broad(node)
        and not str(module.relative_to(PACKAGE)).startswith(BROAD_EXCEPT_EDGES)
    ]
    assert not broad


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_every_module_says_what_it_is(module):
    tree = ast.parse(module.read_text("utf-8"))
    assert ast.get_docstring(tree), f"{module.relative_to(ROOT)} has no docstring"


def test_no_module_holds_more_than_one_idea():
    long = {str(module.relative_to(ROOT)): len(module.read_text("utf-8").splitlines()) for module in MODULES}
    assert not {name: lines for name, lines in long.items() if lines > LINES_OF_ONE_IDEA}


def test_no_module_is_called_utils():
    assert not [
        module
        for module in MODULES
        if {"utils", "util", "helpers", "common", "misc"} & set(module.with_suffix("").parts)
    ]


def test_nothing_is_left_for_later():
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X:")
    assert not [
        f"{module.relative_to(ROOT)}:{number}"
        for module in MODULES
        for number, line in enumerate(module.read_text("utf-8").splitlines(), start=1)
        if any(mark in line for mark in marks)
    ]


def test_the_floors_hold():
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
