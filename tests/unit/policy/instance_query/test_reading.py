"""The vectors of the query language of Research PACS on AWS, one by one, and what it must not be."""

import re
from pathlib import Path

import pytest

from pacsgate.policy.document import load_policy
from pacsgate.policy.instance_query.reading import (
    PATH_LENGTH,
    QUERY_DEPTH,
    QUERY_LENGTH,
    QUERY_TESTS,
    QueryError,
    read_query,
)
from pacsgate.policy.instance_query.tree import (
    EVERY_INSTANCE,
    AllOf,
    AnyOf,
    Presence,
    PresenceTest,
    canonical,
    query_id,
    unknown_names,
)


def exists(tag: str) -> PresenceTest:
    return PresenceTest((tag,), Presence.EXISTS)


@pytest.mark.parametrize("text", ["", " ", "    "])
def test_nothing_at_all_is_every_instance(text: str) -> None:
    assert read_query(text) == EVERY_INSTANCE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Modality StrEquals CT", 'Modality StrEquals "ct"'),
        ("Modality strequals CT", 'Modality StrEquals "ct"'),
        ('Modality StrEquals ""', 'Modality StrEquals ""'),
        ("Modality StrNotEquals CT", 'Modality StrNotEquals "ct"'),
        ("00190040.0019004A Exists", "00190040.0019004A Exists"),
        ("7fe00010 notempty", "PixelData NotEmpty"),
        ("30060002 EMPTY", "StructureSetLabel Empty"),
        ("60003000 Exists", "60003000 Exists"),
        ("Foo.Bar Exists", "Foo.Bar Exists"),
        ("STUDYDATE NotExists", "STUDYDATE NotExists"),
        ("Rows NbGreater 1.5", "Rows NbGreater 1.5"),
        ("Rows   nbless   2", "Rows NbLess 2"),
        ("ProcedureCodeSequence.CodeValue StrEquals X1", 'ProcedureCodeSequence.CodeValue StrEquals "x1"'),
        ("Modality StrEquals AND", 'Modality StrEquals "and"'),
        ("((Rows Exists))", "Rows Exists"),
        (" (Rows Exists) ", "Rows Exists"),
    ],
)
def test_a_condition_is_read(text: str, said: str) -> None:
    assert canonical(read_query(text)) == said
    assert canonical(read_query(canonical(read_query(text)))) == said


def test_conditions_are_joined_with_and_or_and_parentheses() -> None:
    text = '(Modality StrEquals CT OR Modality StrEquals MR) AND StudyDescription StrEquals "*chest*"'
    query = read_query(text)
    assert isinstance(query, AllOf)
    assert isinstance(query.queries[0], AnyOf)
    assert canonical(read_query(canonical(query))) == canonical(query)


def test_and_binds_tighter_than_or() -> None:
    expected = AnyOf((exists("00280010"), AllOf((exists("00280011"), exists("00080060")))))
    assert read_query("Rows Exists OR Columns Exists and Modality Exists") == expected


@pytest.mark.parametrize(
    "text",
    [
        "Rows NbGreater -5",
        "Rows NbGreater 1e3",
        'Rows NbEquals "5"',
        "Rows NbEquals 5.",
        "NOT Modality StrEquals CT",
        "0019,0040 Exists",
        "Modality StrEquals",
        "Modality StrEquals ",
        "@ Exists",
        "Modality Exists;",
        'PatientName StrEquals "O\'Brien"',
        "PatientName StrEquals O'Brien",
        'Modality StrEquals "CT',
        "Modality StrEquals C(T)",
        "(Modality Exists",
        "()",
        "(Modality Exists)()",
        "Modality\tExists",
        "Modality Exists\nAND Rows Exists",
        "Modality Exists\u00a0AND Rows Exists",
        "Modality..Rows Exists",
        ".Modality Exists",
        "ModalityExists",
        "Modality StrEquals a\tb",
    ],
)
def test_what_the_language_has_no_word_for_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        read_query(text)


@pytest.mark.parametrize(
    "text",
    [
        "Modality Exists && Rows Exists",
        "Modality Exists || Rows Exists",
        "Modality Exists & Rows Exists",
        "Modality Exists | Rows Exists",
        "Modality Exists Rows Exists",
        "AND Modality Exists",
        "Modality Exists AND",
        "Modality Exists A N D Rows Exists",
        "Modality Exists ANDRows Exists",
    ],
)
def test_what_its_first_reader_took_by_accident_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        read_query(text)


@pytest.mark.parametrize(
    "text", ["Modality Exists) OR (Modality Exists", "Modality Exists))((", "Modality Exists) OR Rows Exists"]
)
def test_a_parenthesis_closes_only_what_was_opened(text: str) -> None:
    with pytest.raises(QueryError):
        read_query(text)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("Modality Exists;", 9),
        ("Rows NbGreater -5", 15),
        ("Modality Exists) OR (Rows Exists", 15),
        ("(Modality Exists", 16),
        ("Rows Exists AND (Rows Exists OR", 29),
        ("x" * (QUERY_LENGTH + 1), QUERY_LENGTH),
    ],
)
def test_a_refusal_says_where_reading_stopped(text: str, offset: int) -> None:
    with pytest.raises(QueryError) as refused:
        read_query(text)
    assert refused.value.offset == offset


@pytest.mark.parametrize(
    "text",
    [
        " AND ".join(["Rows Exists"] * (QUERY_TESTS + 1)),
        ".".join(["Rows"] * (PATH_LENGTH + 1)) + " Exists",
        "Rows Exists AND (Rows Exists OR (" * QUERY_DEPTH + "Rows Exists" + "))" * QUERY_DEPTH,
        "(" * 8000,
    ],
)
def test_what_is_too_large_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        read_query(text)


def test_parentheses_that_mean_nothing_have_no_depth() -> None:
    assert read_query("(" * 5000 + "Rows Exists" + ")" * 5000) == exists("00280010")


def test_the_order_of_tests_makes_no_other_filter() -> None:
    one, other = "Rows Exists AND Modality StrEquals CT", "00080060 strequals ct AND Rows exists"
    assert query_id(read_query(one)) == query_id(read_query(other))
    assert query_id(read_query(one)) != query_id(read_query(one.replace("AND", "OR")))


def test_a_short_filter_is_its_own_identifier_and_a_long_one_has_one() -> None:
    assert query_id(read_query("Modality StrEquals CT")) == 'Modality StrEquals "ct"'
    long, longer = (
        read_query(" AND ".join(["Rows NbEquals 1", "Columns NbEquals 2"] * 9 + [last]))
        for last in (f"StudyID StrEquals {'x' * 200}", f"StudyID StrEquals {'x' * 201}")
    )
    assert len(query_id(long)) < 60
    assert query_id(long) != query_id(longer)


def test_names_that_are_no_attribute_are_told() -> None:
    assert unknown_names(read_query("Modalty Exists OR Foo.Rows Exists AND Rows Exists")) == (
        "Modalty",
        "Foo",
    )


def test_every_query_in_the_manual_is_one() -> None:
    manual = (Path(__file__).parents[4] / "docs" / "instance-search.md").read_text(encoding="utf-8")
    language = manual[manual.index("## The language") : manual.index("## Searching")]
    (example,) = re.findall(r"^```\n(.*?)\n```", language, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| (`[^|]+`) \|", language, re.MULTILINE)
    written = [text for row in rows for text in re.findall(r"`([A-Z][^`]* [^`]+)`", row)]
    assert len(written) == len(rows) == 7
    for text in (example, *written):
        assert not unknown_names(read_query(text))
    (policy,) = re.findall(r"^```yaml\n(.*?)^```", manual, re.MULTILINE | re.DOTALL)
    assert load_policy({"policy.yaml": policy}).filters
