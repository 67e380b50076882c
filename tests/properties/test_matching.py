"""Laws of matching, for any values: against a plain second implementation where the standard is plain."""

import fnmatch
import re

from hypothesis import given
from hypothesis import strategies as st

from pacsgate.dicom.attributes import tag_of, vr_of
from pacsgate.dicom.matching import matches
from pacsgate.dicom.person_names import fold_group, name_keys, name_query
from pacsgate.dicom.query import Matching, MatchKey, Range, SingleValue, UidList, Wildcard

_LETTERS = st.text("abAB É*?", max_size=6)
_PLAIN = st.text("abAB É", min_size=1, max_size=6).filter(str.strip)
_NAME = st.lists(st.text("abAB é山", max_size=3), max_size=5).map("^".join)
_NAMES = st.lists(_NAME, min_size=1, max_size=3).map("=".join)
_DATE = st.dates().map(lambda day: f"{day:%Y}".zfill(4) + f"{day:%m%d}")


def holds(keyword: str, matching: Matching, *values: object) -> bool:
    return matches(
        MatchKey((keyword,), matching), {tag_of(keyword): {"vr": vr_of(keyword), "Value": list(values)}}
    )


@given(_PLAIN, _PLAIN)
def test_a_single_value_matches_itself_and_its_equals(wanted: str, value: str) -> None:
    assert holds("StudyDescription", SingleValue(wanted), value) == (wanted.strip() == value.strip())


@given(_LETTERS.filter(lambda text: text.strip(" *")), _PLAIN)
def test_a_wildcard_is_a_shell_pattern_without_brackets(pattern: str, value: str) -> None:
    expected = re.fullmatch(fnmatch.translate(pattern.strip()), value.strip()) is not None
    assert holds("StudyDescription", Wildcard(pattern), value) == expected


@given(_PLAIN, st.lists(_PLAIN, min_size=1, max_size=4))
def test_several_values_match_if_one_of_them_does(wanted: str, values: list[str]) -> None:
    together = holds("PatientID", SingleValue(wanted), *values)
    assert together == any(holds("PatientID", SingleValue(wanted), value) for value in values)


@given(st.lists(_PLAIN, max_size=4), _PLAIN)
def test_a_list_matches_if_one_of_its_values_does(wanted: list[str], value: str) -> None:
    assert holds("PatientID", UidList(tuple(wanted)), value) == any(
        holds("PatientID", SingleValue(one), value) for one in wanted
    )


@given(_DATE, _DATE, _DATE)
def test_a_range_is_both_its_halves(low: str, high: str, value: str) -> None:
    halves = holds("StudyDate", Range(low, None), value) and holds("StudyDate", Range(None, high), value)
    assert holds("StudyDate", Range(low, high), value) == halves == (low <= value <= high)


@given(_NAMES.filter(lambda name: name.strip("^= ")))
def test_a_name_matches_itself_in_any_case_and_with_any_empty_ending(name: str) -> None:
    stored = dict(zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("="), strict=False))
    for query in (name, name.upper(), name.lower(), name + "^", name.replace("=", "^^=")):
        assert holds("PatientName", SingleValue(query), stored)


@given(_NAMES, _NAMES)
def test_a_pattern_without_wildcards_is_a_single_value(query: str, name: str) -> None:
    stored = name_keys(name)
    assert name_query(query, wild=True).matches(stored) == name_query(query, wild=False).matches(stored)


@given(st.lists(st.text("ab*?", max_size=3), max_size=5).map("^".join), _NAME)
def test_empty_components_at_the_end_of_a_name_never_matter_to_a_pattern(pattern: str, name: str) -> None:
    """The alternatives of a pattern say the same as trying every spelling of the name."""
    folded, wanted = fold_group(name), fold_group(pattern)
    asks_nothing = not wanted.strip("*") or not folded
    spellings = [folded + "^" * more for more in range(12)]
    found = any(re.fullmatch(fnmatch.translate(wanted), spelling) for spelling in spellings)
    has_question_at_the_end = re.search(r"\?[*^?]*$", wanted) is not None
    if not asks_nothing and not has_question_at_the_end:
        assert name_query(pattern, wild=True).matches(name_keys(name)) == found


@given(_NAMES, _NAMES, st.booleans())
def test_every_group_of_a_query_can_only_narrow_it(query: str, name: str, wild: bool) -> None:
    groups = query.split("=")
    stored = name_keys(name)
    if len(groups) > 1 and groups[-1].strip("^ ") and name_query(query, wild=wild).matches(stored):
        assert name_query("=".join([*groups[:-1], ""]), wild=wild).matches(stored)
