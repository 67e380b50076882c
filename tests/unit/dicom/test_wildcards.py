import fnmatch
import re
import time

from hypothesis import given
from hypothesis import strategies as st

from pacsgate.dicom.wildcards import glob_matches

_TEXT = st.text("ab^", max_size=12)
_PATTERN = st.text("ab^*?", max_size=10)


@given(_PATTERN, _TEXT)
def test_it_agrees_with_the_standard_library(pattern: str, text: str) -> None:
    assert glob_matches(pattern, text) == (re.fullmatch(fnmatch.translate(pattern), text) is not None)


@given(st.text(max_size=20))
def test_a_literal_matches_itself_and_a_star_matches_anything(text: str) -> None:
    literal = text.replace("*", "").replace("?", "")
    assert glob_matches(literal, literal)
    assert glob_matches("*", text)
    assert glob_matches("?" * len(text), text)
    assert not glob_matches("?" * (len(text) + 1), text)


def test_brackets_are_ordinary_characters() -> None:
    assert glob_matches("[a]", "[a]")
    assert not glob_matches("[a]", "a")


def test_a_hostile_pattern_takes_no_longer_than_a_plain_one() -> None:
    started = time.process_time()
    assert not glob_matches("a*" * 200 + "b", "a" * 2000)
    assert time.process_time() - started < 2
