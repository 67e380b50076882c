"""What every reader of untrusted input promises: a value, or a `RequestError` with a status of its own."""

from collections.abc import Callable, Container
from typing import TypeVar

from pacsgate.model.errors import RequestError

T = TypeVar("T")


def read_or_refused(read: Callable[[], T], statuses: Container[int]) -> T | None:
    """Return what was read, or `None` when it was refused with one of these statuses.  Nothing else may happen."""
    try:
        return read()
    except RequestError as error:
        status = error.status
    assert status in statuses
    return None
