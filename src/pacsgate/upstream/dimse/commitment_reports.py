"""Reports of storage commitment over associations of the gate's own.

The gate requests them and is nevertheless the SCP of the service, which it says by role
selection.  A requestor that does not listen yet is tried again.

Called by the DICOM door through `pacsgate.ports.commitment_reports`.

Invariants:
- at most `_WAITING` reports wait, and one is delivered at a time;
- a report that waits when the process ends is lost: requestors ask again.

Standard: PS3.4 J.3.3; PS3.7 D.3.3.4 (role selection).
"""

import queue
from dataclasses import dataclass
from threading import Event, Thread

import structlog
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.errors import ArchiveError, PacsgateError
from pacsgate.protocols.dimse.command_set import Command, CommandValue, Element, number_in
from pacsgate.protocols.dimse.commitment import WELL_KNOWN_INSTANCE
from pacsgate.protocols.dimse.data_sets import write_data_set
from pacsgate.protocols.dimse.services import COMMITMENT_PUSH_MODEL
from pacsgate.upstream.dimse.associations import associate
from pacsgate.upstream.dimse.negotiation import Proposal
from pacsgate.upstream.dimse.peer import DEFAULT_TLS, Peer, TlsSettings, peer_of

_log = structlog.get_logger("pacsgate.dicom")

_SYNTAXES = (str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))
_WAITING = 100
_SECONDS_BEFORE = (0.5, 5.0, 30.0)
"""Before each attempt; a requestor has a moment to end the association over which it asked."""


@dataclass(frozen=True, slots=True)
class _Report:
    peer: Peer
    event_type_id: int
    information: Dataset


class PeerCommitmentReports:
    """`pacsgate.ports.commitment_reports.CommitmentReports`, with a thread of its own."""

    def __init__(self, *, timeout_seconds: float = 30, tls: TlsSettings = DEFAULT_TLS) -> None:
        self._timeout = timeout_seconds
        self._tls = tls
        self._waiting: queue.Queue[_Report] = queue.Queue(_WAITING)
        self._closing = Event()
        self._thread = Thread(target=self._deliver_all, name="commitment-reports", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Deliver nothing more."""
        self._closing.set()

    def post(
        self, remote: RemoteAe, event_type_id: int, information: Dataset, *, calling_ae_title: str
    ) -> None:
        """Take a report for delivery."""
        peer = peer_of(remote, calling_ae_title, timeout_seconds=self._timeout, tls=self._tls)
        try:
            self._waiting.put_nowait(_Report(peer, event_type_id, information))
        except queue.Full:
            _log.warning("storage commitment not reported: too many reports wait")

    def _deliver_all(self) -> None:
        while not self._closing.is_set():
            try:
                report = self._waiting.get(timeout=1)
            except queue.Empty:
                continue
            self._deliver(report)

    def _deliver(self, report: _Report) -> None:
        for seconds in _SECONDS_BEFORE:
            if self._closing.wait(seconds):
                return
            try:
                _tell(report)
            except PacsgateError as error:
                _log.warning("storage commitment not reported yet", error=error.public, detail=error.detail)
            else:
                return


def _tell(report: _Report) -> None:
    """Deliver one report.  Raises `ArchiveError`."""
    with associate(report.peer, [Proposal(COMMITMENT_PUSH_MODEL, _SYNTAXES, receives=True)]) as association:
        context_id = association.context_for(COMMITMENT_PUSH_MODEL)
        if context_id is None:
            raise ArchiveError("the requestor takes no reports")
        elements: dict[int, CommandValue] = {
            Element.AFFECTED_SOP_CLASS_UID: COMMITMENT_PUSH_MODEL,
            Element.AFFECTED_SOP_INSTANCE_UID: WELL_KNOWN_INSTANCE,
            Element.EVENT_TYPE_ID: report.event_type_id,
        }
        encoded = write_data_set(report.information, association.transfer_syntax(context_id))
        message_id = association.request(context_id, Command.N_EVENT_REPORT_RQ, elements, (encoded,))
        answer = association.answer(Command.N_EVENT_REPORT_RSP, message_id)
    status = number_in(answer.command, Element.STATUS)
    if status != 0:
        raise ArchiveError("the requestor did not take the report", detail=f"status {status}")
