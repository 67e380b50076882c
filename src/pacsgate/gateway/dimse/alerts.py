"""What strangers do wrong, on record without letting them fill the disk.

Called by `house` and `admission`, whenever a peer breaks the protocol or is turned away
before anybody knows who it is.

Invariants:
- one event per address and cause and minute, and no more than `REMEMBERED` addresses and
  causes are kept in mind;
- an event says what went wrong and from where, and of what the peer had sent its AE titles at most.
"""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock

from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import RecordError
from pacsgate.model.resource import DEFAULT_TENANT, TenantName
from pacsgate.ports import Clock, Trail

REMEMBERED = 10_000
_PAUSE = timedelta(minutes=1)
_NOBODY = "(DICOM peer)"


class Alerts:
    """Records what happens to peers without a name."""

    def __init__(self, trail: Trail, clock: Clock) -> None:
        self._trail = trail
        self._clock = clock
        self._last: OrderedDict[tuple[str, str], datetime] = OrderedDict()
        self._lock = Lock()

    def tell(
        self,
        address: str,
        cause: str,
        code: ReasonCode = ReasonCode.NO_CREDENTIAL,
        tenant: TenantName = DEFAULT_TENANT,
        **details: str,
    ) -> None:
        """Put it on record, unless it was a moment ago.  Raises `RecordError`.

        What concerns no `tenant` that is known is on record of `default`, who run the installation.
        """
        now = self._clock.now()
        if not self._is_new(address, cause, now):
            return
        try:
            self._trail.record(self._event(now, address, code, {"cause": cause, **details}, tenant))
        except RecordError:
            self._forget(address, cause)
            raise

    def mention(self, address: str, cause: str, code: ReasonCode = ReasonCode.NO_CREDENTIAL) -> None:
        """The same for whom nothing waits: a peer that is gone, or is sent away in any case."""
        now = self._clock.now()
        if self._is_new(address, cause, now):
            self._trail.submit(self._event(now, address, code, {"cause": cause}))

    def _is_new(self, address: str, cause: str, now: datetime) -> bool:
        key = (address, cause)
        with self._lock:
            last = self._last.pop(key, None)
            if last is not None and now < last + _PAUSE:
                self._last[key] = last
                return False
            self._last[key] = now
            if len(self._last) > REMEMBERED:
                self._last.popitem(last=False)
            return True

    def _forget(self, address: str, cause: str) -> None:
        with self._lock:
            self._last.pop((address, cause), None)

    def _event(
        self,
        now: datetime,
        address: str,
        code: ReasonCode,
        details: Mapping[str, str],
        tenant: TenantName = DEFAULT_TENANT,
    ) -> AuditEvent:
        return AuditEvent(
            kind=EventKind.DENIED,
            at=now,
            actor=Actor(_NOBODY, verified=False, address=address),
            outcome=Outcome.SERIOUS,
            tenant=tenant,
            reasons=(str(Reason(code)),),
            details=details,
        )
