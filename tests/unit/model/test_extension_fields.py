"""Extension fields: what fits is taken as it is, and everything else is refused without repeating it."""

from typing import Any

import pytest

from pacsgate.model.errors import RequestError
from pacsgate.model.extension_fields import (
    LONGEST_TEXT,
    MOST_FIELDS,
    ExtensionField,
    FieldType,
    check_fields,
    check_values,
)

FIELDS = {
    "licence": ExtensionField(FieldType.STRING, required=True),
    "grade": ExtensionField(FieldType.INTEGER),
    "escorted": ExtensionField(FieldType.BOOLEAN),
    "trained": ExtensionField(FieldType.DATE),
}
FITS: dict[FieldType, tuple[list[Any], list[Any]]] = {
    FieldType.STRING: (["", "x" * LONGEST_TEXT], ["x" * (LONGEST_TEXT + 1), "a\0b", 1, True, ["a"], {}]),
    FieldType.INTEGER: ([0, -(2**53) + 1], [True, "1", 1.0, 2**53, float("nan")]),
    FieldType.BOOLEAN: ([True, False], [0, 1, "true"]),
    FieldType.DATE: (
        ["2024-02-29"],
        ["2023-02-29", "20240229", "2024-02-29T00:00", "2024-2-9", "2024-W09-4", 20240229],
    ),
}


@pytest.mark.parametrize("kind", FieldType)
def test_a_value_is_of_its_type_or_refused(kind: FieldType) -> None:
    fits, fails = FITS[kind]
    fields = {"f": ExtensionField(kind)}
    for value in fits:
        assert check_values(fields, {"f": value}) == {"f": value}
    for value in fails:
        with pytest.raises(RequestError, match="the extension field `f` takes"):
            check_values(fields, {"f": value})


def test_what_is_required_is_there_and_what_is_unknown_is_not() -> None:
    assert check_values(FIELDS, {"licence": "L1", "grade": None}) == {"licence": "L1"}
    for values in ({}, {"licence": None}, {"grade": 1}):
        with pytest.raises(RequestError, match="`licence` is required"):
            check_values(FIELDS, values)
    with pytest.raises(RequestError) as refused:
        check_values(FIELDS, {"licence": "L1", "secret-name": "secret-value"})
    assert "secret" not in refused.value.public


def test_fields_have_names_that_can_be_written_anywhere() -> None:
    check_fields(FIELDS)
    for fields in (
        {"no space": FIELDS["grade"]},
        {"": FIELDS["grade"]},
        {"1st": FIELDS["grade"]},
        {f"f{number}": FIELDS["grade"] for number in range(MOST_FIELDS + 1)},
    ):
        with pytest.raises(RequestError):
            check_fields(fields)
