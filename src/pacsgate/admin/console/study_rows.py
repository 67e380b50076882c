"""Rows of a search as people read them: every value a text, and what is hidden says so.

Called by the pages about studies.

Invariants:
- an attribute that a mask hides is told apart from one that is empty, and nothing else of it is told.

Standard: PS3.18 F.2 (the DICOM JSON model).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pacsgate.admin.console.words import clock, day, person
from pacsgate.dicom.attributes import tag_of
from pacsgate.services.search import Found

_AS_WRITTEN = {"DA": day, "TM": clock, "PN": person}


@dataclass(frozen=True, slots=True)
class Shown:
    """One row; templates ask it by keyword."""

    found: Found

    def __getitem__(self, keyword: str) -> str:
        """The value for people, `""` where there is none to show."""
        element = self.found.attributes.get(tag_of(keyword), {})
        convert = _AS_WRITTEN.get(element.get("vr", ""), str)
        return ", ".join(convert(text) for text in map(_text, element.get("Value", ())) if text)

    def hides(self, keyword: str) -> bool:
        """Whether something may be there that this person does not get to see."""
        return self.found.mask.hides(keyword)

    @property
    def study_instance_uid(self) -> str:
        """The study's UID."""
        return self.found.key.study_instance_uid

    @property
    def series_instance_uid(self) -> str:
        """The series' UID, of a row at that level or below."""
        return self.found.key.series_instance_uid or ""

    @property
    def sop_instance_uid(self) -> str:
        """The instance's UID, of a row at that level."""
        return self.found.key.sop_instance_uid or ""


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("Alphabetic") or value.get("Ideographic") or value.get("Phonetic") or "")
    return "" if value is None else str(value)
