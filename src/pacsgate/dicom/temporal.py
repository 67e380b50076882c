"""Dates and times as strings that compare as the moments they name.

DICOM writes dates and times as digits, most significant first, so moments can
be compared as text once they have one length.  A time given to the minute or
hour stands for its first moment as a value or lower bound, and for its last as
an upper bound: `-1030` includes 10:30:20.

Called by `matching` and by the index for its columns.

Standard: PS3.5 section 6.2 (DA, DT, TM, with the older forms of its notes);
PS3.4 section C.2.2.2.5.
"""

import re
from datetime import UTC, datetime, timedelta

_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)|(\d{4})\.(\d\d)\.(\d\d)", re.ASCII)
_TIME = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.(\d{1,6}))?)?)?", re.ASCII)
_DATETIME = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6}))?)?)?)?)?)?([+-]\d{4})?", re.ASCII
)
_SHORTEST_MONTH = 28


def date_key(text: str) -> str | None:
    """`YYYYMMDD`, or `None` if the text is not a date.  `YYYY.MM.DD` of ACR-NEMA is read too."""
    match = _DATE.fullmatch(text.strip())
    return "".join(part for part in match.groups() if part) if match else None


def time_key(text: str, *, last: bool = False) -> str | None:
    """`HHMMSS.FFFFFF`, or `None` if the text is not a time.  `last` gives the last moment it can mean."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    whole = hours + (minutes or ("59" if last else "00")) + (seconds or ("59" if last else "00"))
    return f"{whole}.{(fraction or '').ljust(6, '9' if last else '0')}"


def datetime_key(text: str, *, last: bool = False) -> str | None:
    """`YYYYMMDDHHMMSS.FFFFFF`, or `None`.  A value with an offset is moved to UTC, others are as written."""
    match = _DATETIME.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    month = month or ("12" if last else "01")
    day = day or (_last_day(int(year), int(month)) if last else "01")
    filler = "59" if last else "00"
    key = "".join((year, month, day, hour or ("23" if last else "00"), minute or filler, second or filler))
    key = f"{key}.{(fraction or '').ljust(6, '9' if last else '0')}"
    return _to_utc(key, offset) if offset else key


def _last_day(year: int, month: int) -> str:
    if not (1 <= month <= 12 and 1 <= year < 9999):
        return "31"
    first = datetime(year, month, _SHORTEST_MONTH, tzinfo=UTC) + timedelta(days=4)
    return f"{(first - timedelta(days=first.day)).day:02}"


def _to_utc(key: str, offset: str) -> str | None:
    ahead = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
    try:
        # A leap second (60) cannot be moved; PS3.5 allows it as a value only.
        moment = datetime.strptime(key, "%Y%m%d%H%M%S.%f").replace(tzinfo=UTC)
        return (moment - ahead if offset[0] == "+" else moment + ahead).strftime("%Y%m%d%H%M%S.%f").zfill(21)
    except (ValueError, OverflowError):
        return None
