"""A data set made of attributes and texts, as somebody describes an object that is not there yet.

Called by the gateway for objects that an archive is asked to create.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydicom.dataset import Dataset

from pacsgate.dicom.attributes import tag_of, vr_of
from pacsgate.dicom.json_model import FLOAT_VRS, INTEGER_VRS
from pacsgate.dicom.reading import UNREADABLE
from pacsgate.model.errors import RequestError

Description = Mapping[str, Any]
"""Keyword or tag to a text, or to the descriptions of a sequence's items."""


def described(attributes: Description) -> Dataset:
    """The data set.  Raises `RequestError` for a value that is not of its attribute's kind."""
    dataset = Dataset()
    for name, value in attributes.items():
        if "[" in name or "." in name:
            raise RequestError("an attribute of a new object is named by itself; items are written as a list")
        tag, vr = tag_of(name), vr_of(name)
        is_items = isinstance(value, Sequence) and not isinstance(value, str)
        if is_items is not (vr == "SQ"):
            raise RequestError(f"`{name}` has a value of another kind than its attribute")
        try:
            dataset.add_new(
                int(tag, 16),
                "LT" if vr == "UN" else vr,
                [described(item) for item in value] if is_items else _of_form(value, vr),
            )
        except UNREADABLE:
            raise RequestError(f"`{name}` has a value that is not of its attribute's form") from None
    return dataset


def _of_form(value: str, vr: str) -> str | int | float:
    if vr in INTEGER_VRS:
        return int(value)
    return float(value) if vr in FLOAT_VRS else value
