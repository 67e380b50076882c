"""A range of dates and one of times that are one range of moments, as questions that ask of each by itself.

From Monday 18:00 to Wednesday 9:00 is all of Tuesday, Monday from 18:00 and Wednesday until 9:00.

Called by `find_request`, where that was agreed on.

Invariants:
- no moment answers two of the questions.

Standard: PS3.4 C.2.2.2.5 (range matching), C.5.1.1.2 (combined date-time matching).
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import product

from pacsgate.dicom.query import Matching, Range, SingleValue
from pacsgate.model.errors import RequestError

Conditions = Mapping[tuple[str, ...], Matching]
"""By the path of an attribute, what must hold of it."""

_DATE_AND_TIME = (
    ("StudyDate", "StudyTime"),
    ("SeriesDate", "SeriesTime"),
    ("PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime"),
    ("AcquisitionDate", "AcquisitionTime"),
    ("ContentDate", "ContentTime"),
)


def combined(keys: Conditions) -> Iterator[Conditions]:
    """Return the questions that one question comes to, of the newest moments first."""
    pairs = [pair for pair in _DATE_AND_TIME if _is_span(keys, *pair)]
    for chosen in product(*(_spans(keys, *pair) for pair in pairs)):
        spanned = {(keyword,) for pair in pairs for keyword in pair}
        rest = {path: matching for path, matching in keys.items() if path not in spanned}
        yield rest | {path: matching for part in chosen for path, matching in part.items()}


def _is_span(keys: Conditions, date_keyword: str, time_keyword: str) -> bool:
    """Whether two ranges are to be read as one of moments; of one day or none, it means the same."""
    days, times = keys.get((date_keyword,)), keys.get((time_keyword,))
    if not isinstance(days, Range) or not isinstance(times, Range):
        return False
    return days.low is None or days.high is None or days.low < days.high


def _spans(keys: Conditions, date_keyword: str, time_keyword: str) -> Iterator[Conditions]:
    """The last day, the days between and the first day."""
    days, times = keys[(date_keyword,)], keys[(time_keyword,)]
    if not isinstance(days, Range) or not isinstance(times, Range):
        raise TypeError("a span is made of two ranges")
    low, high = days.low, days.high
    if high is not None and times.high is not None:
        yield {(date_keyword,): SingleValue(high), (time_keyword,): Range(None, times.high)}
        high = _shifted(high, -1)
    first = low
    if low is not None and times.low is not None:
        low = _shifted(low, 1)
    if low is None or high is None or low <= high:
        yield {(date_keyword,): Range(low, high)}
    if first is not None and times.low is not None:
        yield {(date_keyword,): SingleValue(first), (time_keyword,): Range(times.low, None)}


def _shifted(day: str, days: int) -> str:
    try:
        return f"{date.fromisoformat(day) + timedelta(days=days):%Y%m%d}"
    except (ValueError, OverflowError):
        raise RequestError("a range of dates begins or ends on a day that there is not") from None
