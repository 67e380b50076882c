"""The three forms in which Orthanc writes the tags of a data set, and what a mask leaves of them.

`full` has number, name and type of each element; `short` has numbers, `human` (Orthanc says
"simplified") has names.  Masks are carried out on `full`, the only form in which every element
can be told for certain, and the other two are made from it as Orthanc makes them.

Called by `documents` and by the gateway for tags, modules and lists with tags in them.

Invariants:
- of a masked element nothing is left, at any depth;
- an element that has not the shape of `full` is left out.

Standard: Orthanc's REST API ("full", "short", "simplify").
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pacsgate.dicom.masking import hides_tag
from pacsgate.model.mask import Mask

_NO_TEXT = frozenset({"TooLong", "Null", "Binary"})

Tags = Mapping[str, Any]
"""Elements by number (`0010,0010`) or name."""


class TagsForm(StrEnum):
    """How the elements of a data set are written."""

    HUMAN = "simplify"
    SHORT = "short"
    FULL = "full"


def masked(full: Tags, mask: Mask) -> Tags:
    """What a mask leaves of tags in the full form."""
    if mask.hides_nothing:
        return full
    return {
        number: _masked_element(element, mask)
        for number, element in full.items()
        if isinstance(element, Mapping) and not hides_tag(mask, number.replace(",", "").upper())
    }


def _masked_element(element: Mapping[str, Any], mask: Mask) -> Mapping[str, Any]:
    if element.get("Type") != "Sequence":
        return element
    return {**element, "Value": [masked(item, mask) for item in _items(element)]}


def in_form(full: Tags, form: TagsForm) -> Tags:
    """Tags in the full form, written in another."""
    if form is TagsForm.FULL:
        return full
    return {
        number if form is TagsForm.SHORT else str(element.get("Name", "")): _plain(element, form)
        for number, element in full.items()
        if isinstance(element, Mapping)
    }


def _plain(element: Mapping[str, Any], form: TagsForm) -> object:
    kind = element.get("Type")
    if kind == "Sequence":
        return [in_form(item, form) for item in _items(element)]
    return None if kind in _NO_TEXT else element.get("Value")


def _items(element: Mapping[str, Any]) -> list[Tags]:
    value = element.get("Value")
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
