import pytest

from pacsgate.model.errors import RequestError
from pacsgate.protocols.orthanc.arguments import (
    LIST_ARGUMENTS,
    TAGS_ARGUMENTS,
    Page,
    read_arguments,
    read_flag,
    read_form,
    read_ignored_lengths,
    read_page,
    read_requested_tags,
)
from pacsgate.protocols.orthanc.tag_forms import TagsForm
from pacsgate.protocols.query_string import read_query_string


def arguments(query: bytes) -> dict[str, str]:
    return dict(read_arguments(read_query_string(query), LIST_ARGUMENTS))


@pytest.mark.parametrize(("query", "expand"), [(b"expand", True), (b"expand=", True), (b"expand=true", True)])
def test_an_argument_without_a_value_is_set(query: bytes, *, expand: bool) -> None:
    assert read_flag(arguments(query), "expand") is expand


@pytest.mark.parametrize("query", [b"expand=0", b"expand=false", b""])
def test_an_argument_is_unset_where_it_says_so_or_is_missing(query: bytes) -> None:
    assert not read_flag(arguments(query), "expand")


def test_a_page_has_both_its_numbers_or_is_all() -> None:
    assert read_page(arguments(b"")) == Page(0, None)
    assert read_page(arguments(b"since=3&limit=2")) == Page(3, 2)
    for query in (b"since=1", b"limit=1"):
        with pytest.raises(RequestError, match="missing parameter"):
            read_page(arguments(query))


@pytest.mark.parametrize(
    "query", [b"since=-1&limit=1", b"since=0&limit=x", b"since=0&limit=", b"since=0&limit=1e3"]
)
def test_a_page_that_is_no_number_is_refused(query: bytes) -> None:
    with pytest.raises(RequestError):
        read_page(arguments(query))


def test_an_unknown_argument_is_refused_but_for_the_one_that_defeats_caches() -> None:
    assert arguments(b"_=1700000000") == {}
    with pytest.raises(RequestError, match=r"`expnd` \(did you mean `expand`\?\)"):
        arguments(b"expnd")


def test_an_argument_that_is_given_twice_is_refused() -> None:
    with pytest.raises(RequestError):
        arguments(b"limit=1&limit=100&since=0")


def test_the_form_of_tags_is_named_by_an_argument_with_any_value() -> None:
    assert read_form(arguments(b""), TagsForm.FULL) is TagsForm.FULL
    assert read_form(arguments(b"short"), TagsForm.FULL) is TagsForm.SHORT
    assert read_form(arguments(b"full&short=0"), TagsForm.HUMAN) is TagsForm.SHORT


def test_requested_tags_are_read_in_every_spelling() -> None:
    read = read_requested_tags(arguments(b"requestedTags=StudyDate%3B0010%2C0010%3B00100010%3B0008-0020"))
    assert read == ("StudyDate", "PatientName")


def test_ignored_lengths_are_attributes() -> None:
    query = read_arguments(read_query_string(b"ignore-length=PatientName,0029-1010"), TAGS_ARGUMENTS)
    assert read_ignored_lengths(query) == ("PatientName", "00291010")
    with pytest.raises(RequestError):
        read_ignored_lengths({"ignore-length": "../x"})
