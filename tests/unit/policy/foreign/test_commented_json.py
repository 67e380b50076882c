"""JSON with comments: the same as JSON without them, and every mistake with its place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.policy.foreign.commented_json import parse_commented_json
from pacsgate.policy.language.problems import Problems
from pacsgate.policy.language.yaml_text import ListNode, MapNode, Node, TextNode

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def read(text: str) -> tuple[Node | None, list[str]]:
    problems = Problems()
    node = parse_commented_json("f", text, problems)
    return node, [str(each) for each in problems.found]


def value(node: Node | None) -> object:
    match node:
        case MapNode():
            return {name: value(inner) for name, (_, inner) in node.entries.items()}
        case ListNode():
            return [value(inner) for inner in node.items]
        case TextNode(plain=False):
            return node.text
        case TextNode():
            return json.loads(node.text)
        case None:
            return None


@given(VALUES, st.sampled_from(["", " ", '// { " [\n', '/* } " ] **/', "\r\n\t", "/**/ // x\n"]))
def test_what_json_writes_is_read_as_json_reads_it_with_comments_anywhere(
    written: object, comment: str
) -> None:
    plain = json.dumps(written, separators=(f",{comment}", f"{comment}:{comment}"))
    node, problems = read(f"{comment}{plain}{comment}")
    assert problems == []
    assert value(node) == written


def test_a_comma_may_stand_before_a_closing_bracket() -> None:
    assert value(read('{"a": [1, 2,], }')[0]) == {"a": [1, 2]}


def test_what_looks_like_a_comment_in_a_string_is_text() -> None:
    assert value(read('["http://x", "/* y */"]')[0]) == ["http://x", "/* y */"]


def test_nodes_know_where_they_stand() -> None:
    node, _ = read('{\n  // one\n  "a": /* two */ "b"}')
    assert isinstance(node, MapNode)
    key, found = node.entries["a"]
    assert (key.position.line, key.position.column) == (3, 3)
    assert (found.position.line, found.position.column) == (3, 18)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "f:1:1: not JSON: expected a value"),
        ("{", "f:1:2: not JSON: expected a string in double quotes"),
        ('{"a" 1}', "f:1:6: not JSON: expected `:` after the key"),
        ('{"a": 1 "b": 2}', "f:1:9: not JSON: expected `,` or `}`"),
        ("[1 2]", "f:1:4: not JSON: expected `,` or `]`"),
        ('{"a": 1}\nx', "f:2:1: not JSON: something follows the end"),
        ("{'a': 1}", "f:1:2: not JSON: expected a string in double quotes"),
        ('["a\n"]', "f:1:2: not JSON: expected a string in double quotes"),
        (r'["\x"]', "not JSON: a string with an escape that JSON lacks"),
        ("[yes]", "f:1:2: not JSON: expected a value; texts stand in double quotes"),
        ("[01]", "f:1:2: not JSON: expected a value"),
        ("/* [1]", "f:1:1: not JSON: expected a value"),
        ('{"a": 1,\n"a": 2}', "f:2:1: `a` is here twice; first in line 1"),
        ("[" * 40, "nested more than 12 deep"),
    ],
)
def test_every_mistake_is_named_with_its_place(text: str, said: str) -> None:
    _, problems = read(text)
    assert any(said in each for each in problems), problems


@given(st.text(alphabet='{}[]",:/*\\ \n\u00e91a', max_size=40))
def test_no_text_raises(text: str) -> None:
    node, problems = read(text)
    assert (node is None) is (problems != []) or node is not None
