from hypothesis import given
from hypothesis import strategies as st

from pacsgate.policy.language.problems import Position, Problems
from pacsgate.policy.language.yaml_text import ListNode, MapNode, TextNode, parse_yaml


def value(text: str) -> TextNode:
    problems = Problems()
    root = parse_yaml("p", text, problems)
    assert problems.found == []
    assert isinstance(root, MapNode)
    node = root.entries["k"][1]
    assert isinstance(node, TextNode)
    return node


def character_at(text: str, position: Position) -> str:
    return text.split("\n")[position.line - 1][position.column - 1]


def test_scalars_stay_text() -> None:
    assert value("k: no").text == "no"
    assert value("k: 010").text == "010"
    assert value("k: 2027-01-01").text == "2027-01-01"
    assert value("k: ~").is_null
    assert not value("k: '~'").is_null


def test_every_style_of_writing_leads_back_to_its_characters() -> None:
    styles = [
        "k: a == 'b' && c",
        'k: "a == \'b\' && \\"c\\""',
        "k: 'a == ''b'' && c'",
        "k: >-\n  a == 'b'\n    && c\n",
        "k: |\n\n    a == 'b'\n    && c\n",
        "k:\n  a == 'b'\n  && c\n",
        "x: 1\nk:    a ==   'b'",
    ]
    for text in styles:
        node = value(text)
        for offset, character in enumerate(node.text):
            if not character.isspace():
                assert character_at(text, node.position_at(offset)) == character, (text, offset)


@given(st.text(st.sampled_from("ab'\"\\ =&é日"), min_size=1, max_size=20))
def test_quoted_text_leads_back_to_its_characters(text: str) -> None:
    written = "k: '" + text.replace("'", "''") + "'"
    node = value(written)
    for offset, character in enumerate(node.text):
        if not character.isspace():
            assert character_at(written, node.position_at(offset)) == character


def test_positions_count_characters_and_not_bytes() -> None:
    node = value("'日本': {}\nk: x")
    assert (node.position.line, node.position.column) == (2, 4)
    problems = Problems()
    root = parse_yaml("p", "[日本, x]", problems)
    assert isinstance(root, ListNode)
    assert root.items[1].position == Position("p", 1, 6)


def test_depth_is_bounded_whatever_the_style() -> None:
    for text in ("[" * 100_000, "{a: " * 50_000, "- " * 50_000, "? " * 50_000):
        problems = Problems()
        assert parse_yaml("p", text, problems) is None
        assert len(problems.found) == 1


def test_an_alias_bomb_is_refused_at_its_first_anchor() -> None:
    problems = Problems()
    assert parse_yaml("p", "a: &a [x]\nb: [*a, *a]\n", problems) is None
    assert problems.found[0].message == "anchors (`&name`) are not used in policies"
    problems = Problems()
    assert parse_yaml("p", "b: *a\n", problems) is None
    assert problems.found[0].message == "aliases (`*name`) are not used in policies"


def test_a_byte_order_mark_in_front_is_no_text() -> None:
    problems = Problems()
    marked = parse_yaml("p", "\ufeffversion: 1\n", problems)
    assert marked == parse_yaml("p", "version: 1\n", problems)
    assert not problems.found


def test_a_character_that_readers_of_yaml_disagree_on_is_refused_with_its_place() -> None:
    for unseen in "\ufeff\x85\u2028\u2029":
        problems = Problems()
        assert parse_yaml("p", f"version: 1\nroles:{unseen} {{}}\n", problems) is None
        (problem,) = problems.found
        assert (problem.line, problem.column) == (2, 7)
        assert f"U+{ord(unseen):04X}" in problem.message
