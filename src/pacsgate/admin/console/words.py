"""How values are written for people: days, moments, names, counts.

Moments are written in UTC, which is what the trail says too; a script adds how long ago that was.

Called by templates, as filters.

Standard: DICOM PS3.5 6.2 (DA, TM, PN); HTML `time`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from markupsafe import Markup, escape

from pacsgate.admin.console.user_agents import browser_of
from pacsgate.model.spans import span_text

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE_DIGITS = 8
_TIME_DIGITS = 4


def day(dicom_date: str) -> str:
    """`20260807` as `7 Aug 2026`; what is no date as it stands."""
    if len(dicom_date) != _DATE_DIGITS or not dicom_date.isdecimal():
        return dicom_date
    month = int(dicom_date[4:6])
    if not 1 <= month <= len(_MONTHS):
        return dicom_date
    return f"{int(dicom_date[6:])} {_MONTHS[month - 1]} {dicom_date[:4]}"


def clock(dicom_time: str) -> str:
    """`142530.5` as `14:25`; what is no time as it stands."""
    digits = dicom_time.split(".", maxsplit=1)[0]
    if len(digits) < _TIME_DIGITS or not digits.isdecimal():
        return dicom_time
    return f"{digits[:2]}:{digits[2:4]}"


def person(name: str) -> str:
    """`DOE^JANE^M` as `DOE, JANE M`: the first group of components, as lists of patients are written."""
    family, *rest = [part.strip() for part in name.split("=", maxsplit=1)[0].split("^")]
    given = " ".join(part for part in rest[:2] if part)
    return ", ".join(part for part in (family, given) if part)


def moment(when: datetime | None) -> Markup:
    """An instant as a `time` element."""
    if when is None:
        return Markup("never")
    in_utc = when.astimezone(UTC)
    text = f"{in_utc.day} {_MONTHS[in_utc.month - 1]} {in_utc.year}, {in_utc:%H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(f"{in_utc:%Y-%m-%dT%H:%M:%SZ}", text)


def instant(text: str | None) -> Markup:
    """An instant of a PACS's answer, in ISO 8601; nothing for none."""
    return Markup("") if text is None else moment(datetime.fromisoformat(text))


def state(name: str) -> str:
    """`checkedIn` as `checked in`: a state of a PACS's answer."""
    return re.sub(r"(?<=[a-z])[A-Z]", lambda found: f" {found[0].lower()}", name)


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 study`, `2 studies`, `12,345 studies`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def sentence(text: str) -> str:
    """A clause with a capital at its beginning, and nowhere else."""
    return text[:1].upper() + text[1:]


def told(text: str) -> Markup:
    """The words of an error as a sentence, with what stands in backticks as code."""
    end = "" if text.endswith((".", "!", "?", "…")) else "."
    parts = (sentence(text) + end).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )


FILTERS: Mapping[str, Callable[..., object]] = MappingProxyType(
    {
        "day": day,
        "clock": clock,
        "person": person,
        "moment": moment,
        "instant": instant,
        "count": count,
        "sentence": sentence,
        "told": told,
        "browser": browser_of,
        "span": span_text,
        "state": state,
    }
)
