"""Points in time as `/api/v1` reads them: with an offset, kept as UTC."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("a year between 1 and 9999") from None


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""An ISO 8601 date and time with its offset."""
