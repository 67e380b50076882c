import json

import pytest

from pacsgate.model.errors import RequestError
from pacsgate.protocols.instance_search import MAX_ROWS, ROWS, read_instance_search, search_answer


def test_what_is_not_said_has_a_meaning() -> None:
    asked = read_instance_search(())
    assert (asked.query, asked.limit, asked.cursor, asked.archive) == ("", ROWS, None, None)


def test_every_parameter_is_read() -> None:
    asked = read_instance_search(
        (("query", "Rows Exists"), ("limit", str(MAX_ROWS)), ("cursor", "abc"), ("archive", "main"))
    )
    assert (asked.query, asked.limit, asked.cursor, asked.archive) == ("Rows Exists", MAX_ROWS, "abc", "main")


@pytest.mark.parametrize("limit", ["0", "-1", "1e3", "", "1001", "99999", "\u0661"])
def test_a_limit_is_a_number_within_bounds(limit: str) -> None:
    with pytest.raises(RequestError, match="from 1 to 1000"):
        read_instance_search((("limit", limit),))


@pytest.mark.parametrize("parameters", [(("querry", "x"),), (("query", "a"), ("query", "b"))])
def test_a_parameter_that_is_unknown_or_given_twice_is_refused(
    parameters: tuple[tuple[str, str], ...],
) -> None:
    with pytest.raises(RequestError):
        read_instance_search(parameters)


def test_an_answer_is_json_in_tag_order() -> None:
    row = {"00100010": {"vr": "PN"}, "00080018": {"vr": "UI", "Value": ["1.2"]}}
    answer = json.loads(search_answer([row], "abc", out_of_time=True))
    assert answer == {"instances": [row], "cursor": "abc", "out_of_time": True}
    assert list(answer["instances"][0]) == ["00080018", "00100010"]
