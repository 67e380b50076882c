"""Spans of time as settings.

Called by the settings beside it.
"""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

from pacsgate.model.spans import read_span


def read_duration(value: object) -> timedelta:
    """A span that a configuration file holds.  Raises `ValueError`."""
    if isinstance(value, timedelta):
        return value
    found = read_span(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("is not a span of time such as `30 s`, `15 min`, `12 h` or `90 d`")
    return found


Duration = Annotated[timedelta, BeforeValidator(read_duration, json_schema_input_type=str)]
