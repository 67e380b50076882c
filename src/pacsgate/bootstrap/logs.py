"""Where log lines go: standard error, one JSON object each when it is not a terminal.

Log lines hold no patient data and no secrets; what is recorded about people is
in the trail.  So an exception is logged by its type and the places that it went
through: its message and the variables around it may quote whatever was being
read.  Only the messages of our own errors are written to be seen.

Called by every process at its start.
"""

import logging
import os
import sys
import traceback
from collections.abc import MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Any

import structlog

from pacsgate.model.errors import PacsgateError

_SILENT = ("python_multipart", "pydicom", "pynetdicom", "hl7", "py.warnings")
"""Who logs what it was given: the multipart reader, pydicom, which also warns, pynetdicom and python-hl7
quote foreign bytes."""


def configure_logs() -> None:
    """Set up logging for this process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exceptions_by_place,
            structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_Lines,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LibraryLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.captureWarnings(capture=True)
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


class _Lines:
    """Writes each line at once, so that those of several processes do not mix; a full disk breaks nothing."""

    def __init__(self, *_given: object) -> None:
        """Take whatever structlog passes on from `get_logger`."""

    def msg(self, line: str) -> None:
        """Write a line."""
        with suppress(OSError):
            os.write(2, line.encode("utf-8", "backslashreplace") + b"\n")

    debug = info = warning = error = critical = exception = msg


def places(raised: BaseException) -> list[str]:
    """An exception and those it came from: the type of each, then where it went, innermost last."""
    lines: list[str] = []
    cause: BaseException | None = raised
    while cause is not None:
        lines.append(_named(cause))
        lines += [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(cause.__traceback__)
        ]
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return lines


def _named(raised: BaseException) -> str:
    kind = type(raised).__qualname__
    if isinstance(raised, PacsgateError):
        return f"{kind}: {raised.public}"
    if isinstance(raised, OSError):
        return f"{kind}: {raised.strerror}"
    code: str | None = getattr(raised, "sqlite_errorname", None)
    return kind if code is None else f"{kind}: {code}"


def _exceptions_by_place(
    _logger: object, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Put the places of a logged exception where the renderer would have put its message and variables."""
    if line.pop("exc_info", None) and (raised := sys.exception()) is not None:
        line["raised"] = places(raised)
    return line


class _LibraryLines(logging.Formatter):
    """Lines of libraries, with exceptions as ours are."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def formatException(  # noqa: N802 - logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        return "\n".join(places(ei[1])) if ei[1] is not None else ""
