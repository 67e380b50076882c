"""Everybody who is here, at one process: lets associations in, serves and looks after them, sends them away.

Called by `bootstrap`, and by each association about itself.

Invariants:
- an association whose requestor may not go on is aborted within two seconds of the command
  that said so;
- after `close` no association is left.
"""

import time
from collections.abc import Iterable
from threading import Event, Lock, Thread

import structlog
from pynetdicom.dimse_primitives import DimseServiceType

from pacsgate.gateway.dimse.admission import Admission
from pacsgate.gateway.dimse.alerts import Alerts
from pacsgate.gateway.dimse.association import GateAssociation
from pacsgate.gateway.dimse.dispatch import serve
from pacsgate.gateway.dimse.places import Places
from pacsgate.gateway.dimse.seats import Seats
from pacsgate.gateway.dimse.standing import Standing
from pacsgate.gateway.dimse.tally import ASSOCIATIONS
from pacsgate.gateway.dimse.wiring import DimseGate
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import PacsgateError
from pacsgate.services.record import Circumstances, actor_of
from pacsgate.upstream.spool import Spool

_log = structlog.get_logger("pacsgate.dicom")

_LOOK_SECONDS = 0.5
"""How often everybody is looked at, whether they ask for something or not."""


class GateHouse:
    """The associations of one process."""

    def __init__(self, gate: DimseGate) -> None:
        settings = gate.settings
        self._gate = gate
        seats = Seats(settings.seats)
        self._places = Places(seats, settings.maximum_associations, settings.associations_per_subject)
        self._alerts = Alerts(gate.trail, gate.clock)
        self._admission = Admission(gate, self._places, self._alerts)
        self._standings: dict[GateAssociation, Standing] = {}
        self._here: set[GateAssociation] = set()
        self._lock = Lock()
        self._closing = Event()
        self._watch = Thread(target=self._look_after, name="dicom-watch", daemon=True)

    def open(self) -> None:
        """Begin to look after associations."""
        self._watch.start()

    def welcome(self, association: GateAssociation) -> bool:
        """Whether a connection may stay until it has requested something."""
        if self._closing.is_set() or not self._places.let_in(association, association.address):
            self._alerts.mention(association.address, "too many connections", ReasonCode.LOCKED_OUT)
            return False
        with self._lock:
            self._here.add(association)
        return True

    def admit(self, association: GateAssociation) -> bool:
        """Decide on the request that came; whether it is to be accepted."""
        standing = self._admission.admit(association)
        if standing is None:
            return False
        with self._lock:
            self._standings[association] = standing
        ASSOCIATIONS.inc()
        return True

    def serve(self, association: GateAssociation, request: DimseServiceType, context_id: int) -> None:
        """Serve one message."""
        serve(self._standings[association], association, request, context_id)

    def spool(self, association: GateAssociation) -> Spool:
        """Where objects wait for the archive behind the called AE title."""
        return self._gate.spools[self._standings[association].established.answered.archive]

    def violated(self, address: str, cause: str) -> None:
        """Take note that a peer did not keep to the protocol."""
        self._alerts.mention(address, cause)

    def ended(self, association: GateAssociation) -> None:
        """Forget an association."""
        self._places.leave(association)
        with self._lock:
            self._here.discard(association)
            standing = self._standings.pop(association, None)
        if standing is not None:
            standing.established.withdrawn.set()
            standing.established.series.end()
            ASSOCIATIONS.dec()

    def close(self, grace_seconds: float) -> None:
        """Let what runs end within the time given, then abort the rest."""
        self._closing.set()
        deadline = time.monotonic() + grace_seconds
        while self._snapshot() and time.monotonic() < deadline:
            for association in self._snapshot():
                if not association.is_serving:
                    association.cut_off()
            time.sleep(0.05)
        left = self._snapshot()
        for association in left:
            self._withdraw(association)
        for association in left:
            association.join(timeout=2)

    def _look_after(self) -> None:
        while not self._closing.wait(_LOOK_SECONDS):
            with self._lock:
                everybody = list(self._standings.items())
            self._look_at(everybody)

    def _look_at(self, everybody: Iterable[tuple[GateAssociation, Standing]]) -> None:
        for association, standing in everybody:
            try:
                is_withdrawn = standing.look() is None
            except Exception:  # noqa: BLE001 - the outermost edge of this thread: who cannot be asked about may not go on
                _log.exception("cannot tell who an association belongs to")
                is_withdrawn = True
            if is_withdrawn and not association.is_cut_off:
                self._withdraw(association)
                self._record(standing)

    def _withdraw(self, association: GateAssociation) -> None:
        standing = self._standings.get(association)
        if standing is not None:
            standing.established.withdrawn.set()
        association.cut_off()

    def _record(self, standing: Standing) -> None:
        established, subject = standing.established, standing.subject
        context = standing.exchange(0, subject).context
        circumstances = Circumstances(
            context, actor_of(subject, context), subject.tenant, established.answered.archive
        )
        try:
            self._gate.trail.record(
                circumstances.denial(
                    (Reason(ReasonCode.NO_CREDENTIAL),),
                    details={"cause": "association aborted: no longer admitted"},
                )
            )
        except PacsgateError as error:
            _log.error("nothing can be recorded", detail=error.detail)

    def _snapshot(self) -> list[GateAssociation]:
        with self._lock:
            return list(self._here)
