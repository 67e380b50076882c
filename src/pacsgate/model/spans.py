"""Spans of time as people write them, in policies and in the configuration: `30 s`, `15 min`, `12 h`, `90 d`.

Called by what reads and tells them.
"""

import re
from datetime import timedelta

_UNITS = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
SPAN = r"([1-9][0-9]{0,5}) ?(s|min|h|d)"
"""What a span looks like."""
_SPAN = re.compile(SPAN)


def read_span(text: str) -> timedelta | None:
    """The span; `None` for what is none."""
    found = _SPAN.fullmatch(text)
    return None if found is None else int(found[1]) * _UNITS[found[2]]


def span_text(span: timedelta) -> str:
    """A span in the largest unit that it is a whole number of."""
    unit = next(name for name, length in reversed(_UNITS.items()) if not span % length)
    return f"{span // _UNITS[unit]} {unit}"
