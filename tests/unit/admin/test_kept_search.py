"""A search in an address tells nobody what was searched for."""

from pathlib import Path

import pytest

from pacsgate.admin.console.kept_search import KeptSearches
from pacsgate.identity.sealing import FileSealer, add_sealing_key
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import TenantName
from pacsgate.model.subject import Subject

ADA, BOB = (Subject(TenantName("default"), name) for name in ("ada", "bob"))
ASKED = {"PatientName": "Doe", "PatientID": "P1"}


@pytest.fixture
def searches(tmp_path: Path) -> KeptSearches:
    add_sealing_key(tmp_path / "keys")
    return KeptSearches(FileSealer(tmp_path / "keys"))


def test_who_searched_finds_the_search_again_and_nobody_else_does(searches: KeptSearches) -> None:
    word = searches.keep(ADA, ASKED)
    assert searches.recall(ADA, word) == ASKED
    assert searches.recall(BOB, word) == {}


def test_the_address_holds_nothing_of_the_patient(searches: KeptSearches) -> None:
    assert "Doe" not in searches.keep(ADA, ASKED)
    assert searches.keep(ADA, ASKED) != searches.keep(ADA, ASKED)


@pytest.mark.parametrize("word", ["", "x", "not+a=word", "\u2603", "A" * 200])
def test_a_word_that_is_none_is_an_empty_search(searches: KeptSearches, word: str) -> None:
    assert searches.recall(ADA, word) == {}


def test_a_search_too_long_for_an_address_is_refused(searches: KeptSearches) -> None:
    with pytest.raises(RequestError, match="too long"):
        searches.keep(ADA, {"query": "x" * 5000})
