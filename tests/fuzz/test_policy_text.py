"""No policy text whatever raises anything but `PolicyError`, or takes long over saying so."""

import re
from contextlib import suppress

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
