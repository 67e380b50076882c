"""A TLS context that follows its files: certificates are renewed without a restart.

Everything that serves connections asks a context to wrap each of them.  This one hands the question on to the
newest context that could be made of the files, so that a new connection gets the new certificate and those
that are open keep what they have.  It looks when somebody connects, at most once a second, and where several
processes share a listener when one of them ticks: or each would keep what was good when somebody last came.

A pair that cannot be used (half written, of two different certificates, damaged) changes nothing: the last
good one stays, and `problem` says so until the files are sound again.

Called by `worker`, `dimse` and `hl7` for what they serve, and by `certificate_health`, which only watches
and leaves it to them to tell.

Invariants:
- once made, it always has a context that works.
"""

import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import structlog

from pacsgate.bootstrap.server_tls import ServerTls, certificate_end, server_context
from pacsgate.identity.file_stamp import file_stamp
from pacsgate.model.errors import SettingsError

LOOK_SECONDS = 1.0

_log = structlog.get_logger("pacsgate.tls")


class RenewedContext(ssl.SSLContext):
    """The context of one listener.  Raises `SettingsError` if there is none to begin with."""

    def __new__(cls, *_arguments: Any, **_options: Any) -> Self:
        """What the standard library knows of it is a bare context, by which nobody is ever wrapped."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(
        self,
        tls: ServerTls,
        *,
        tells: bool = True,
        carried_by: type[ssl.SSLObject] = ssl.SSLObject,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tls = tls
        self.problem: str | None = None
        """Why the newest files are not in use."""
        self._tells = tells
        self._carried_by = carried_by
        self._monotonic = monotonic
        self._state = _state(tls.files)
        self._newest = server_context(tls)
        self.not_after = certificate_end(tls)
        """When the certificate that is shown ends."""
        self._look_at = monotonic() + LOOK_SECONDS

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        """As the newest context does it: for servers with an event loop."""
        context = self.newest()
        context.sslobject_class = self._carried_by
        return context.wrap_bio(*arguments, **options)

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        """As the newest context does it: for servers with threads."""
        return self.newest().wrap_socket(*arguments, **options)

    def newest(self) -> ssl.SSLContext:
        """What new connections get, after a look at the files if the last one was a while ago."""
        now = self._monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            self._look()
        return self._newest

    def _look(self) -> None:
        state = _state(self.tls.files)
        if state == self._state:
            return
        try:
            self._newest = server_context(self.tls)
            self.not_after = certificate_end(self.tls)
            self.problem = None
        except SettingsError as refused:
            # Half of a pair may be there already: its other half changes the state again.
            self.problem = refused.public
        self._state = state
        if self._tells and self.problem is None:
            _log.info("certificate renewed", listener=self.tls.name)
        elif self._tells:
            _log.error("certificate refused, the last good stays", listener=self.tls.name, why=self.problem)


def _state(files: tuple[Path, ...]) -> object:
    """What changes when somebody writes one of the files."""
    return tuple(file_stamp(file) for file in files)
