"""No text raises anything but a refusal, and no query anything on whatever a data set holds."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.errors import PolicyError, RequestError
from pacsgate.policy.document import load_policy
from pacsgate.policy.instance_query.matching import matches
from pacsgate.policy.instance_query.reading import QueryError, read_query
from pacsgate.policy.instance_query.tree import (
    AllOf,
    AnyOf,
    InstanceQuery,
    NumberOrder,
    NumberTest,
    Presence,
    PresenceTest,
    TextEquality,
    TextTest,
    canonical,
    query_id,
)
from pacsgate.services.search_cursor import read_cursor
from tests.support.seed_001 import SEED

WORDS = st.sampled_from(
    [
        *["Modality", "Rows", "00091010", "Foo.Bar", "StrEquals", "nbless", "Exists", "NotEmpty", "AND", "or", "(", ")", "5", "1.5", "*", "&&", "NOT"],
        '"a b"', '"', " ", "  ", "\t",
    ]
)  # fmt: skip
TAGS = st.sampled_from(["00080060", "00280010", "00081032", "00080100", "00091010", "60003000", "Foo"])
PATHS = st.lists(TAGS, min_size=1, max_size=3).map(tuple)
TEXTS = st.text(st.characters(exclude_characters="\"'", exclude_categories=["Cc", "Cs"]), max_size=8)
TESTS = st.one_of(
    st.builds(PresenceTest, PATHS, st.sampled_from(Presence)),
    st.builds(NumberTest, PATHS, st.sampled_from(NumberOrder), st.decimals(0, 10**9, places=3)),
    st.builds(TextTest, PATHS, st.sampled_from(TextEquality), TEXTS),
)
QUERIES: st.SearchStrategy[InstanceQuery] = st.recursive(
    TESTS,
    lambda inner: st.builds(
        lambda kind, parts: kind(tuple(parts)),
        st.sampled_from([AllOf, AnyOf]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)
VALUES = (
    st.none()
    | st.text(max_size=6)
    | st.integers()
    | st.floats()
    | st.dictionaries(st.just("Alphabetic"), st.text(max_size=5))
)
DATA_SETS = st.recursive(
    st.dictionaries(TAGS, st.fixed_dictionaries({"vr": st.sampled_from(["CS", "PN", "DS", "UN", "OW"])}, optional={"Value": st.lists(VALUES, max_size=3), "InlineBinary": st.just("AAA="), "BulkDataURI": st.just("")})),
    lambda inner: st.dictionaries(TAGS, st.fixed_dictionaries({"vr": st.just("SQ")}, optional={"Value": st.lists(inner, max_size=2)}), max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(st.text() | st.lists(WORDS, max_size=20).map(" ".join) | st.lists(WORDS, max_size=20).map("".join))
def test_any_text_is_a_query_or_is_refused_with_its_place(text: str) -> None:
    found = read(text)
    if isinstance(found, int):
        assert 0 <= found <= len(text)
    else:
        assert canonical(read_query(canonical(found))) == canonical(found)


def read(text: str) -> InstanceQuery | int:
    """The query, or where reading stopped."""
    try:
        return read_query(text)
    except QueryError as refused:
        return refused.offset


@given(QUERIES)
def test_a_query_is_read_from_its_own_spelling(query: InstanceQuery) -> None:
    assert query_id(read_query(canonical(query))) == query_id(query)


@given(QUERIES, DATA_SETS)
def test_a_query_and_its_spelling_match_the_same(query: InstanceQuery, data_set: dict) -> None:
    assert matches(query, data_set) is matches(read_query(canonical(query)), data_set)


@given(QUERIES, QUERIES, DATA_SETS)
def test_two_queries_joined_match_what_both_or_either_match(
    one: InstanceQuery, other: InstanceQuery, data_set: dict
) -> None:
    first, second = matches(one, data_set), matches(other, data_set)
    assert matches(AllOf((one, other)), data_set) is (first and second)
    assert matches(AnyOf((one, other)), data_set) is (first or second)


@given(st.data())
def test_a_mutated_permissions_file_is_read_or_refused(data: st.DataObject) -> None:
    text = SEED
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        text = (
            text[:start]
            + data.draw(WORDS | st.text(max_size=4))
            + text[start + data.draw(st.integers(0, 20)) :]
        )
    with suppress(PolicyError):
        load_policy({"research-pacs:permissions.yaml": text})


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,40}={0,2}", fullmatch=True))
def test_any_text_as_a_cursor(text: str) -> None:
    with suppress(RequestError):
        read_cursor(text)
