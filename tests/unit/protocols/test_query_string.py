from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.errors import RequestError
from pacsgate.protocols.query_string import read_query_string, single_values, unknown_parameter

printable = st.text(st.characters(blacklist_categories=("Cc", "Cs")), min_size=1, max_size=12)


@given(st.lists(st.tuples(printable, st.one_of(st.just(""), printable)), max_size=8))
def test_what_a_client_encodes_is_what_is_read(pairs: list[tuple[str, str]]) -> None:
    raw = urlencode(pairs)
    assert list(read_query_string(raw.encode())) == pairs == parse_qsl(raw, keep_blank_values=True)


def test_a_parameter_without_a_value_has_the_empty_one() -> None:
    assert read_query_string(b"a&b=&&c=1=2") == (("a", ""), ("b", ""), ("c", "1=2"))


@pytest.mark.parametrize(
    "raw",
    [
        b"a=%",
        b"a=%4",
        b"a=%zz",
        b"a=%ff",
        b"a=\xff",
        b"a=%00",
        b"a=%0D%0Ab",
        b"=1",
        b"a" * 129,
        b"&".join([b"a"] * 101),
    ],
)
def test_a_query_that_cannot_be_read_in_one_way_is_refused(raw: bytes) -> None:
    with pytest.raises(RequestError):
        read_query_string(raw)


def test_an_over_long_query_is_refused() -> None:
    with pytest.raises(RequestError) as refusal:
        read_query_string(b"a=" + b"1" * 65536)
    assert refusal.value.status == 414


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(RequestError, match="`limit` is given twice"):
        single_values((("limit", "1"), ("limit", "2")))


def test_an_unknown_parameter_is_named_with_the_nearest_one() -> None:
    assert "did you mean `limit`?" in unknown_parameter("limti", ("limit", "offset")).public


def test_a_name_that_may_be_a_person_is_not_repeated() -> None:
    assert "DOE" not in unknown_parameter("DOE^JOHN", ("limit",)).public
