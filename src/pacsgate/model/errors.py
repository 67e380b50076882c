"""Errors, by whose mistake it was and what can be done next.

    PacsgateError
    ├── RequestError           the peer's: a message we cannot or will not read      → 400 or its own
    │   ├── GoneError          nobody's: the archive no longer holds the object      → 404
    │   └── TooSoonError       the peer's: it must wait before it asks again          → 429
    ├── SettingsError          the operator's: configuration, wrong usage            → exit 2, start refused
    ├── PolicyError            the policy author's: every problem with its place     → last good stays
    ├── StepUpError            the caller's: more must be proven before this              → 401 and how
    ├── ConflictError          the caller's: the thing exists, or is managed elsewhere → 409
    ├── NotFoundError          the caller's: no such user, role, token, grant        → 404
    ├── ArchiveError           the guarded archive's: down, slow or talking nonsense → 502 or 504
    ├── RecordError            ours: the trail cannot be written, so nothing leaves  → 503
    └── TrailBroken            somebody's: the trail was changed                     → exit 1

Each carries `public`, the sentence that a caller may see, and `detail`, which
goes to the log only.  Neither holds a secret or patient data.

Messages: lower case, no full stop for one sentence, input in backticks, no
names of implementation types.
"""

from dataclasses import dataclass

from pacsgate.model.strength import Strength


class PacsgateError(Exception):
    """Base of every error that pacsgate raises on purpose."""

    def __init__(self, public: str, detail: str | None = None) -> None:
        super().__init__(public)
        self.public = public
        self.detail = detail


class RequestError(PacsgateError):
    """The peer sent something that cannot be served; `status` is the HTTP status that says so."""

    def __init__(self, public: str, *, status: int = 400, detail: str | None = None) -> None:
        super().__init__(public, detail)
        self.status = status


class GoneError(RequestError):
    """The archive does not hold the object, whatever the index says."""

    def __init__(self) -> None:
        super().__init__("the archive does not have this object", status=404)


class TooSoonError(RequestError):
    """The peer must wait so many seconds before it asks again."""

    def __init__(self, public: str, *, retry_after_seconds: int) -> None:
        super().__init__(public, status=429)
        self.retry_after_seconds = retry_after_seconds


class SettingsError(PacsgateError):
    """The operator's configuration or command line is wrong."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem in a text that a person wrote: where it is, what is wrong, what to do.

    `line` and `column` count from 1; 0 means the whole file.
    """

    file: str
    line: int
    column: int
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        hint = f" ({self.suggestion})" if self.suggestion else ""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}{hint}"


class PolicyError(PacsgateError):
    """A policy that cannot be loaded, with every problem found, in file order."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n".join(str(diagnostic) for diagnostic in diagnostics))
        self.diagnostics = diagnostics


class StepUpError(PacsgateError):
    """The caller must prove who they are more strongly, or again; the challenge says how."""

    def __init__(self, wanted: Strength) -> None:
        super().__init__(f"prove who you are to do this: {wanted}")
        self.wanted = wanted


class ConflictError(PacsgateError):
    """What was asked contradicts what is there."""


class NotFoundError(PacsgateError):
    """An administrative object that does not exist.  Never used for patient data."""


class ArchiveError(PacsgateError):
    """The guarded archive did not do its part; `timed_out` tells 504 from 502."""

    def __init__(self, public: str, detail: str | None = None, *, timed_out: bool = False) -> None:
        super().__init__(public, detail)
        self.timed_out = timed_out


class UnavailableError(PacsgateError):
    """Somebody who must be asked cannot be: an identity source, say.  What depends on it is denied."""


class SealError(PacsgateError):
    """A sealed secret cannot be opened: it was changed, or its key is gone."""


class RecordError(PacsgateError):
    """The trail cannot be written: no record, no data."""


class TrailBroken(PacsgateError):  # noqa: N818 - it names a finding, not a failure of the program
    """The trail does not verify; `segment` and `position` say where (position counts records from 0)."""

    def __init__(self, public: str, *, segment: str, position: int) -> None:
        super().__init__(public)
        self.segment = segment
        self.position = position
