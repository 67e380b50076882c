"""No policy text whatever raises anything but `PolicyError`, or takes long over saying so."""

import re
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.errors import PolicyError
from pacsgate.policy.document import load_policy
from pacsgate.policy.environment import BUILT_INS
from pacsgate.policy.language.conditions import read_condition
from pacsgate.policy.language.expectations import load_expectations
from pacsgate.policy.language.problems import Position, Problems
from pacsgate.policy.language.yaml_text import TextNode
from pacsgate.policy.policy import Policy
from tests.fuzz import yaml_nodes
from tests.properties.policy_text import policy_text
from tests.properties.worlds import NOW, world
from tests.unit.policy.hospital import POLICY

NAMES = {str(attribute): attribute for attribute in BUILT_INS}
BASES = (POLICY, *(policy_text(world(seed).policy) for seed in range(4)))
TOKENS = sorted({token for text in BASES for token in re.findall(r"\w+|[^\w\s]", text)})
WORDS = st.sampled_from(
    [*TOKENS, "&a", "*a", "!!str", "<<", "---", "...", "|", ">", "\t", "\x00", "\ufeff", "%YAML 1.1", "? ", "\\x", "\\U7fffffff"]
)  # fmt: skip


def read(text: str) -> Policy | None:
    with suppress(PolicyError):
        return load_policy({"p.yaml": text})
    return None


@given(st.text())
def test_random_text(text: str) -> None:
    read(text)


@given(st.lists(WORDS | st.sampled_from([" ", "\n", "\n  ", ": ", "- "]), max_size=80).map("".join))
def test_random_words_of_the_language(text: str) -> None:
    read(text)


@given(st.sampled_from(BASES), st.data())
def test_mutated_policies(text: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        text = text[:start] + data.draw(WORDS | st.text(max_size=3)) + text[end:]
    read(text)


@given(st.sampled_from(BASES), st.data())
def test_what_both_yaml_readers_take_they_read_alike(text: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(0, 3))):
        start = data.draw(st.integers(0, len(text)))
        text = text[:start] + data.draw(WORDS | st.text(max_size=3)) + text[start:]
    quick, slow = yaml_nodes.read(text, pure=False), yaml_nodes.read(text, pure=True)
    assert quick is None or slow is None or quick == slow


@given(st.sampled_from(BASES), st.data())
def test_a_policy_that_was_cut_off(text: str, data: st.DataObject) -> None:
    read(text[: data.draw(st.integers(0, len(text)))])


@given(st.binary(max_size=40))
def test_any_bytes_as_a_table(table: bytes) -> None:
    text = "version: 1\nattributes: {study.d: {type: number, from: StudyID, map: t.yaml}}\n"
    with suppress(PolicyError):
        load_policy({"p.yaml": text, "t.yaml": table.decode("utf-8", "surrogateescape")})


@given(st.lists(st.sampled_from([*NAMES, "'a'", '"', "(", ")", "[", "]", ",", "!", "&&", "||", "==", "<", "in", "has", ".like", "1", "-", ".", "true", "\\", "\n", " ", "é"]), max_size=40).map(" ".join) | st.text())  # fmt: skip
def test_random_conditions(text: str) -> None:
    node = TextNode(text, plain=True, position=Position("p", 1, 1), raw=text)
    with suppress(PolicyError):
        read_condition(node, NAMES, Problems())


@given(st.lists(WORDS | st.sampled_from(["tests:", "\n  - ", "name: ", "study: {", "}", ", ", "expect: ", " "]), max_size=60).map("".join))  # fmt: skip
def test_random_expectations(text: str) -> None:
    with suppress(PolicyError):
        load_expectations("t.yaml", text, load_policy({"p.yaml": POLICY}), NOW)


def test_reading_stays_quick_on_what_is_made_to_be_slow() -> None:
    for text in ("(" * 15_000, "a" * 15_000, "'a' in [" + "'a'," * 3000, "! " * 7000, "'" + "\\'" * 7000):
        node = TextNode(text, plain=True, position=Position("p", 1, 1), raw=text)
        problems = Problems()
        read_condition(node, NAMES, problems)
        assert problems.found


def broken(random: Random) -> str:
    """A policy in which some words were changed, lost, doubled or put elsewhere."""
    text = random.choice(BASES)
    pieces = re.findall(r"\w+|\s+|[^\w\s]", text)
    for _ in range(random.choice((1, 1, 2, 5, 20))):
        at = random.randrange(len(pieces))
        match random.randrange(5):
            case 0:
                pieces[at] = random.choice(TOKENS)
            case 1:
                pieces[at] = ""
            case 2:
                pieces.insert(at, random.choice(BROKEN))
            case 3:
                other = random.randrange(len(pieces))
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case _:
                pieces[at : at + 3] = pieces[at : at + 3] * random.choice((2, 2, 300))
    return "".join(pieces)


BROKEN = (
    "\x00",
    "\ud800",
    "&a",
    "*a",
    "!!str",
    "<<",
    "---",
    "|",
    "? ",
    "{",
    "[",
    "'",
    '"',
    "\t",
    "\u2028",
    "9" * 400,
    "(" * 60,
)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "count", [pytest.param(300, id="300"), pytest.param(10_000, marks=pytest.mark.long, id="10000")]
)
def test_broken_policies_raise_nothing_but_our_own_error(count: int) -> None:
    random = Random(20261122)  # noqa: S311 - policies, not secrets
    sound = sum(read(broken(random)) is not None for _ in range(count))
    assert 0 < sound < count / 2, "most of them are broken, and some are not"
