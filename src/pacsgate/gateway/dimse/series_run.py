"""The series for which objects are coming over an association, so that its end is told once.

A series ends when an object of another one is stored, or with its association.

Held by `Established`; called by `storing`, and by `association` when it is over.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class SeriesRun:
    """At most one series that has begun and not ended."""

    _series: tuple[str, str] | None = None
    _tell: Callable[[], None] | None = None

    def goes_on(self, study_instance_uid: str, series_instance_uid: str, tell: Callable[[], None]) -> None:
        """An object of this series was stored; `tell` says, when it ends, that it has ended."""
        series = (study_instance_uid, series_instance_uid)
        if self._series != series:
            self.end()
        self._series, self._tell = series, tell

    def end(self) -> None:
        """No more objects of the series are coming."""
        tell, self._series, self._tell = self._tell, None, None
        if tell is not None:
            tell()
