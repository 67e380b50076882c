"""Certificates of clients that end the TLS handshake, on record: nothing else of them reaches the gate.

Called by `worker`, which gives it to the contexts of its listeners.

Invariants:
- one event per cause and minute: whoever knocks without end does not fill the disk;
- the handshake fails, whatever becomes of the record.

Standard: PS3.15 A.5.3.11 (Security Alert), PS3.16 CID 401 (110126 Node Authentication).
"""

import ssl
from dataclasses import dataclass, field

from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome
from pacsgate.model.decision import ReasonCode
from pacsgate.model.subject import Credential
from pacsgate.ports import Clock, Trail

PAUSE_SECONDS = 60.0
_NOBODY = "(TLS client)"


@dataclass(slots=True)
class RefusedHandshakes:
    """Notes why clients are refused."""

    trail: Trail
    clock: Clock
    _noted: dict[str, float] = field(default_factory=dict)

    def refused(self, cause: str) -> None:
        """Put it on record, unless it was a moment ago; `cause` is one of OpenSSL's sentences."""
        now = self.clock.monotonic()
        noted = self._noted.get(cause)
        if noted is not None and now - noted < PAUSE_SECONDS:
            return
        self._noted[cause] = now
        actor = Actor(_NOBODY, verified=False, credential=Credential.CERTIFICATE.value)
        self.trail.submit(
            AuditEvent(
                EventKind.CERTIFICATE_REFUSED,
                self.clock.now(),
                actor,
                Outcome.SERIOUS,
                reasons=(ReasonCode.NO_CREDENTIAL.value,),
                details={"cause": cause},
            )
        )

    def watched(self) -> type[ssl.SSLObject]:
        """What carries a handshake, and tells when a certificate ends it."""
        note = self.refused

        class Watched(ssl.SSLObject):
            def do_handshake(self) -> None:
                """Go on with the handshake."""
                try:
                    super().do_handshake()
                except ssl.SSLCertVerificationError as mistrust:
                    note(mistrust.verify_message)
                    raise

        return Watched
