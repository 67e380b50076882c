import pytest

from pacsgate.model.errors import RequestError
from pacsgate.protocols.orthanc.json_body import MAX_DEPTH, Fields, read_json


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"\xff",
        b'{"a": NaN}',
        b'{"a": ["\\ud800"]}',
        b'{"\\udfff": 1}',
        b'{"a": 1, "a": 2}',
        b'{"b": {"a": 1, "a": 1}}',
        b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2),
        b"[" * 100_000 + b"]" * 100_000,
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(raw: bytes) -> None:
    with pytest.raises(RequestError) as refusal:
        read_json(raw)
    assert refusal.value.status == 400


def test_an_empty_body_is_nothing() -> None:
    assert read_json(b" \n") is None


def test_an_unknown_field_is_refused_by_its_name_with_the_nearest_known_one() -> None:
    with pytest.raises(RequestError, match=r"unknown field `Levle` \(did you mean `Level`\?\)"):
        Fields({"Levle": "Study"}, ("Level",))


def test_a_field_that_is_no_plain_name_is_not_repeated() -> None:
    with pytest.raises(RequestError) as refusal:
        Fields({"Doe^John 1970": 1}, ("Level",))
    assert "Doe" not in refusal.value.public


def test_a_field_that_orthanc_knows_and_the_gate_does_not_carry_out_is_refused_with_the_reason() -> None:
    with pytest.raises(RequestError, match="field `Host` is not accepted: it is configured"):
        Fields({"Host": "x"}, ("Level",), {"Host": "it is configured"})


@pytest.mark.parametrize("value", [None, [], "text", 1, True])
def test_a_body_that_is_no_object_has_no_fields(value: object) -> None:
    with pytest.raises(RequestError):
        Fields(value, ())


def test_a_value_of_another_type_is_refused() -> None:
    fields = Fields({"x": 1, "t": "a", "b": True, "l": ["a", 1], "n": None}, ("x", "t", "b", "l", "n"))
    for read in (
        lambda: fields.text("x"),
        lambda: fields.flag("x"),
        lambda: fields.flag("n"),
        lambda: fields.whole("b", least=0, most=9),
        lambda: fields.whole("x", least=2, most=9),
        lambda: fields.texts("l"),
        lambda: fields.texts("t"),
        lambda: fields.mapping("l"),
    ):
        with pytest.raises(RequestError):
            read()


def test_a_field_that_is_missing_has_its_default() -> None:
    fields = Fields({}, ("x",))
    assert (fields.text("x"), fields.whole("x", least=0, most=1), fields.texts("x")) == (None, None, ())
    assert fields.flag("x", default=True)
    assert "x" not in fields
