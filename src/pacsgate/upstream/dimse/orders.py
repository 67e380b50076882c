"""Orders of studies that arrive, from the worklist that sent the modality to work.

Called by the use cases that store, through `pacsgate.ports.orders`.

Invariants:
- who stores waits no longer than a few seconds for an order, and not at all for a while after the
  worklist has failed;
- an order that could be another's is none.

Standard: PS3.4 table K.6-1 (attributes of a worklist).
"""

import time
from dataclasses import replace

import structlog
from pydicom.dataset import Dataset

from pacsgate.model.errors import ArchiveError
from pacsgate.ports.orders import ORDER_ATTRIBUTES
from pacsgate.upstream.dimse.peer import Peer
from pacsgate.upstream.dimse.worklist import PeerWorklist

_log = structlog.get_logger(__name__)

_MOST_STEPS = 100
"""Scheduled steps of one order."""
_LONGEST_SECONDS = 5.0
_REST_SECONDS = 30.0
_KEYS = ("AccessionNumber", "StudyInstanceUID")
"""What an order is found by: the first of these that an object has."""


class WorklistOrders:
    """The orders in one worklist."""

    def __init__(self, peer: Peer) -> None:
        self._worklist = PeerWorklist(
            replace(peer, timeout_seconds=min(peer.timeout_seconds, _LONGEST_SECONDS))
        )
        self._rests_until = 0.0

    def order_of(self, header: Dataset) -> Dataset | None:
        """The one order that an object belongs to."""
        for key in _KEYS:
            if value := str(header.get(key, "") or "").strip():
                return self._order_by(key, value)
        return None

    def close(self) -> None:
        """Release what is idle."""
        self._worklist.close()

    def _order_by(self, key: str, value: str) -> Dataset | None:
        if set(value) & set("*?\\") or time.monotonic() < self._rests_until:
            return None
        try:
            steps = list(self._worklist.find(_question(key, value), limit=_MOST_STEPS))
        except ArchiveError as error:
            self._rests_until = time.monotonic() + _REST_SECONDS
            _log.warning("the worklist does not tell orders", error=error.public, detail=error.detail)
            return None
        orders = [_order_in(step) for step in steps if str(step.get(key, "")).strip() == value]
        return orders[0] if orders and all(order == orders[0] for order in orders) else None


def _question(key: str, value: str) -> Dataset:
    identifier = Dataset()
    for keyword in (*ORDER_ATTRIBUTES, *_KEYS, "PatientID"):
        setattr(identifier, keyword, [] if keyword.endswith("Sequence") else "")
    scheduled = Dataset()
    scheduled.ScheduledStationAETitle = scheduled.ScheduledProcedureStepStartDate = scheduled.Modality = ""
    identifier.ScheduledProcedureStepSequence = [scheduled]
    setattr(identifier, key, value)
    return identifier


def _order_in(step: Dataset) -> Dataset:
    """What a scheduled step says of its order: one order may have several steps."""
    order = Dataset()
    for keyword in (*ORDER_ATTRIBUTES, *_KEYS, "PatientID", "SpecificCharacterSet"):
        if keyword in step:
            order.add(step[keyword])
    return order
