import pytest

from pacsgate.dicom.person_names import NameKeys, fold, fuzzy_key, fuzzy_matches, name_keys, name_query

YAMADA = name_keys("Yamada^Tarou=山田^太郎=やまだ^たろう")


FULL_WIDTH = "".join(chr(ord(letter) + 0xFEE0) if letter != "^" else letter for letter in "Doe^John")


@pytest.mark.parametrize(
    "other",
    ["DOE^JOHN", "doe^john", "Doe^John^^^", " Doe ^ John ", FULL_WIDTH, "Doe^John="],
)
def test_differences_that_do_not_count_are_folded(other: str) -> None:
    assert name_keys(other) == name_keys("Doe^John") == NameKeys("doe^john")


@pytest.mark.parametrize("other", ["Doe John", "Doe^J", "Doe^^John", "Dóe^John", "John^Doe", "Doe"])
def test_differences_that_count_are_kept(other: str) -> None:
    assert name_keys(other) != name_keys("Doe^John")


def test_both_spellings_of_a_name_fold_alike() -> None:
    assert (
        name_keys({"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"})
        == YAMADA
    )


def test_folding_is_unicode_s() -> None:
    assert fold("STRASSE") == fold("Straße")
    assert fold("ΣΊΣΥΦΟΣ") == fold("σίσυφος")
    assert fold("ｶﾞ") == fold("ガ")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("YAMADA^TAROU", True),
        ("山田^太郎", True),
        ("やまだ^たろう", True),
        ("=山田^太郎", True),
        ("Yamada^Tarou=山田^太郎", True),
        ("Yamada^Tarou==やまだ^たろう", True),
        ("Yamada^Tarou=鈴木^太郎", False),
        ("山田^太郎=Yamada^Tarou", False),
        ("=Yamada^Tarou", False),
        ("Yamada", False),
        ("Yamada^*", False),
    ],
)
def test_one_group_matches_any_and_several_match_their_own(query: str, found: bool) -> None:
    assert name_query(query, wild=False).matches(YAMADA) is found


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("yam*", True),
        ("*TAROU", True),
        ("y?mada^t*", True),
        ("山*", True),
        ("*郎", True),
        ("=山*", True),
        ("Y*=山*", True),
        ("Y*=鈴*", False),
        ("*^Hanako", False),
        ("山?郎", False),
        ("Yamada^Tarou^*", True),
        ("Yamada^Tarou^^*", True),
        ("*=山*=*", True),
    ],
)
def test_wildcards_work_within_a_group(pattern: str, found: bool) -> None:
    assert name_query(pattern, wild=True).matches(YAMADA) is found


@pytest.mark.parametrize("pattern", ["Doe^*", "Doe^^*", "Doe^*^*", "DOE*", "Do?", "*^*", "Doe"])
def test_a_family_name_alone_is_a_name_with_empty_components(pattern: str) -> None:
    assert name_query(pattern, wild=True).matches(name_keys("Doe"))


def test_an_absent_group_matches_nothing_that_asks_for_something() -> None:
    for query in (name_query("=*^*", wild=True), name_query("=x", wild=False)):
        assert not query.matches(name_keys("Doe^John"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("john", True),
        ("doe john", True),
        ("JOHN^DOE", True),
        ("jo do", True),
        ("d*", True),
        ("muller", True),
        ("Müller", True),
        ("ohn", False),
        ("johnny", False),
        ("doe jane", False),
    ],
)
def test_fuzzy_matching_asks_for_beginnings_of_words(query: str, found: bool) -> None:
    assert fuzzy_matches(query, fuzzy_key("Doe-Müller^John")) is found


def test_fuzzy_matching_leaves_marks_that_are_letters() -> None:
    assert not fuzzy_matches("カ", fuzzy_key("ガ"))
    assert not fuzzy_matches("कि", fuzzy_key("का"))
    assert fuzzy_matches("やま", fuzzy_key("Yamada=山田=やまだ"))
