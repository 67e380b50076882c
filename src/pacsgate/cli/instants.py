"""Points in time as an administrator types them: a date, an instant, or so long from now.

Called by `users`, `tokens` and `grants`.
"""

import re
from datetime import UTC, datetime, timedelta

from pacsgate.model.errors import SettingsError

_SPAN = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def read_instant(text: str, now: datetime) -> datetime:
    """Read `30d`, `12h`, `45m`, `2027-01-01` or `2027-01-01T08:00+01:00`; without an offset it is UTC."""
    span = _SPAN.fullmatch(text)
    if span is not None:
        return now + int(span[1]) * _UNITS[span[2]]
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise SettingsError(
            f"`{text}` is no point in time: write `30d`, `12h`, `45m`, `2027-01-01` or `2027-01-01T08:00Z`"
        ) from None
