from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.dicom.temporal import date_key, datetime_key, time_key


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("10", "100000.000000", "105959.999999"),
        ("1030", "103000.000000", "103059.999999"),
        ("103015", "103015.000000", "103015.999999"),
        ("103015.5", "103015.500000", "103015.599999"),
        ("103015.123456 ", "103015.123456", "103015.123456"),
        ("10:30:15", "103015.000000", "103015.999999"),
    ],
)
def test_a_time_stands_for_all_moments_it_can_mean(text: str, first: str, last: str) -> None:
    assert (time_key(text), time_key(text, last=True)) == (first, last)


@pytest.mark.parametrize(
    "text", ["", "1", "103", "10301", "103015.", "103015.1234567", "noon", "\u0661\u0660", "10-11"]
)
def test_other_text_is_no_time(text: str) -> None:
    assert time_key(text) is None


def test_dates_are_eight_digits_or_the_older_form() -> None:
    assert date_key("20240229") == date_key("2024.02.29") == date_key("20240229 ") == "20240229"
    for text in (
        "",
        "2024",
        "202402",
        "2024-02-29",
        "2024022",
        "\u0662\u0660\u0662\u0664\u0660\u0662\u0662\u0669",
    ):
        assert date_key(text) is None


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", "20240101000000.000000", "20241231235959.999999"),
        ("202402", "20240201000000.000000", "20240229235959.999999"),
        ("202302", "20230201000000.000000", "20230228235959.999999"),
        ("2024022910", "20240229100000.000000", "20240229105959.999999"),
        ("20240229103015.25+0130", "20240229090015.250000", "20240229090015.259999"),
        ("20240101000000-0500", "20240101050000.000000", "20240101050000.999999"),
    ],
)
def test_a_date_time_stands_for_all_moments_it_can_mean(text: str, first: str, last: str) -> None:
    assert (datetime_key(text), datetime_key(text, last=True)) == (first, last)


@pytest.mark.parametrize("text", ["", "24", "20241301000000+0100", "00010101000000+0100", "20240101 1030"])
def test_other_text_is_no_date_time(text: str) -> None:
    assert datetime_key(text) is None


@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001 - wall time is meant
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001
    st.integers(-12 * 60, 14 * 60),
)
def test_keys_compare_as_the_moments_do(one: datetime, other: datetime, ahead: int) -> None:
    written = (
        one.strftime("%Y%m%d%H%M%S.%f")
        + f"{'-' if ahead < 0 else '+'}{abs(ahead) // 60:02}{abs(ahead) % 60:02}"
    )
    moment = one.replace(tzinfo=UTC) - timedelta(minutes=ahead)
    key = datetime_key(written)
    against = datetime_key(other.strftime("%Y%m%d%H%M%S.%f"))
    assert key is not None
    assert against is not None
    assert (key < against) == (moment < other.replace(tzinfo=UTC))
