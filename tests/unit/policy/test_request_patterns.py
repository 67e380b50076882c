"""Which requests a pattern means: the table of Research PACS, and the same said by a regular expression."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.context import RequestLine
from pacsgate.policy.ir import And, Contains, Not, Or
from pacsgate.policy.request_patterns import REQUEST, RequestPatterns, patterns_named_in, read_pattern


def matches(pattern: str, method: str, path: str) -> bool:
    read = read_pattern(pattern)
    assert read is not None
    return read.matches(RequestLine(method, path))


@pytest.mark.parametrize(
    ("pattern", "request_line", "expected"),
    [
        ("GET /studies/*", "GET /studies/abc", True),
        ("GET /studies/*", "GET /studies/", True),
        ("GET /studies/*", "GET /studies/abc/series", False),
        ("GET /studies/**", "GET /studies/abc/series", True),
        ("GET /studies/**", "GET /studies/", True),
        ("GET /studies/**", "GET /studies", False),
        ("any /APP/**", "DELETE /app/x", True),
        ("ANY **", "PUT /x/y", True),
        ("GET /studies", "HEAD /studies", False),
        ("GET /studies*", "GET /studies-x", True),
        ("GET /**/archive", "GET /studies/1/archive", True),
        ("GET /a.c", "GET /abc", False),
    ],
)
def test_every_row_of_the_table_of_research_pacs(pattern: str, request_line: str, expected: bool) -> None:
    method, _, path = request_line.partition(" ")
    assert matches(pattern, method, path) is expected


@pytest.mark.parametrize("text", ["", "GET", "GET ", " /studies", "GET /a b", "GET  /a", "a b c"])
def test_a_pattern_has_one_blank_between_a_method_and_a_path(text: str) -> None:
    assert read_pattern(text) is None


def as_regular_expression(path: str) -> "re.Pattern[str]":
    """The definition: all is literal, but for `**` and then `*`."""
    parts = re.split(r"(\*\*|\*)", path)
    said = {"**": ".*", "*": "[^/]*"}
    return re.compile("".join(said.get(part, re.escape(part)) for part in parts), re.IGNORECASE | re.DOTALL)


@given(st.text(alphabet="ab/*", max_size=9), st.text(alphabet="aB/", max_size=12))
def test_a_pattern_matches_what_its_regular_expression_matches(pattern: str, path: str) -> None:
    read = read_pattern(f"GET /{pattern}")
    assert read is not None
    expected = as_regular_expression(f"/{pattern}").fullmatch(f"/{path}") is not None
    assert read.matches(RequestLine("get", f"/{path}")) is expected


@given(st.lists(st.sampled_from(["a", "b", "/", "*", "**", "ab"]), max_size=12), st.text("ab/", max_size=16))
def test_so_it_does_when_stars_crowd(parts: list[str], path: str) -> None:
    pattern = "".join(parts)
    read = read_pattern(f"ANY x{pattern}")
    assert read is not None
    expected = as_regular_expression(f"x{pattern}").fullmatch(f"x{path}") is not None
    assert read.matches(RequestLine("GET", f"x{path}")) is expected


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("GET " + "**a*b" * 30, "a" * 4096),
        ("GET " + "*a" * 90 + "b", "a" * 4096),
        ("GET **" + "a*" * 90 + "b**", "a" * 4096),
        ("GET **/*/*/*/x**", "/" * 4096),
    ],
)
def test_no_pattern_and_no_path_make_it_slow(pattern: str, path: str) -> None:
    read = read_pattern(pattern)
    assert read is not None
    begun = time.perf_counter()
    read.matches(RequestLine("GET", path))
    assert time.perf_counter() - begun < 1


def test_the_patterns_of_a_policy_are_those_that_its_rules_ask_for() -> None:
    condition = Or((
        And((Contains(REQUEST, "GET /a"), Not(Contains(REQUEST, "GET /b")))),
        Contains(REQUEST, "POST /c"),
    ))  # fmt: skip
    patterns = patterns_named_in([condition, Contains(REQUEST, "ANY /a")])
    assert [pattern.text for pattern in patterns.patterns] == ["ANY /a", "GET /a", "GET /b", "POST /c"]
    assert patterns.matching(RequestLine("GET", "/A")) == {"GET /a", "ANY /a"}
    assert patterns.matching(RequestLine("PATCH", "/a")) == {"ANY /a"}
    assert patterns.matching(RequestLine("GET", "/x")) == frozenset()
    assert patterns.matching(None) is None


def test_without_patterns_nothing_is_matched() -> None:
    assert RequestPatterns().matching(RequestLine("GET", "/a")) == frozenset()
