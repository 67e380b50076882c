"""Storage commitment over the wire: what is kept is promised, and what is hidden is answered like what does not exist."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, Queue

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, MRImageStorage, generate_uid
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import StorageCommitmentPushModel, Verification

from pacsgate.audit.events import EventKind
from pacsgate.model.application_entity import RemoteAe
from tests.e2e.asking import events
from tests.support.dimse import Dicom, add_devices
from tests.support.hospital import RunningHospital
from tests.support.ports import free_port

WELL_KNOWN = "1.2.840.10008.1.20.1.1"
SUCCESS, NO_SUCH_ACTION, NO_SUCH_INSTANCE, OTHER_CLASS = 0x0000, 0x0123, 0x0112, 0x0119
REPORTED_WITHIN = 15


@dataclass
class Reports:
    """What is reported, wherever it comes in."""

    queue: "Queue[tuple[int, Dataset]]" = field(default_factory=Queue)

    def take(self, event: evt.Event) -> tuple[int, None]:
        self.queue.put((int(event.event_type), event.event_information))
        return SUCCESS, None

    @property
    def handlers(self) -> list[tuple[object, ...]]:
        return [(evt.EVT_N_EVENT_REPORT, self.take)]

    def next(self) -> tuple[int, set[str], dict[str, int]]:
        """The event type, the UIDs that are promised, and the reason for each that is not."""
        try:
            kind, information = self.queue.get(timeout=REPORTED_WITHIN)
        except Empty:
            raise AssertionError("nothing was reported") from None
        kept = {str(item.ReferencedSOPInstanceUID) for item in information.get("ReferencedSOPSequence", ())}
        failed = {
            str(item.ReferencedSOPInstanceUID): int(item.FailureReason)
            for item in information.get("FailedSOPSequence", ())
        }
        return kind, kept, failed


def asked(*references: tuple[str, str]) -> Dataset:
    request = Dataset()
    request.TransactionUID = generate_uid()
    request.ReferencedSOPSequence = []
    for sop_class, sop_instance in references:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, sop_instance
        request.ReferencedSOPSequence.append(item)
    return request


def of(instance: Dataset) -> tuple[str, str]:
    return str(instance.SOPClassUID), str(instance.SOPInstanceUID)


def request(association: Association, information: Dataset, action: int = 1) -> int:
    status, _ = association.send_n_action(information, action, StorageCommitmentPushModel, WELL_KNOWN)
    return int(status.Status)


@contextmanager
def asking(dicom: Dicom, persona: str, calling: str = "TEST") -> Iterator[tuple[Association, Reports]]:
    reports = Reports()
    with dicom.association(
        persona, StorageCommitmentPushModel, calling=calling, handlers=reports.handlers
    ) as association:
        yield association, reports


def test_everything_that_one_may_search_and_that_is_there_is_promised(
    hospital: RunningHospital, dicom: Dicom
) -> None:
    references = [of(instance) for instance in hospital.objects["S1"]]
    with asking(dicom, "rad1") as (association, reports):
        assert request(association, asked(*references)) == SUCCESS
        kind, kept, failed = reports.next()
    assert (kind, kept, failed) == (1, {uid for _, uid in references}, {})


def test_what_is_hidden_is_answered_like_what_does_not_exist(hospital: RunningHospital, dicom: Dicom) -> None:
    seen, hidden = of(hospital.objects["S1"][0]), of(hospital.objects["S2"][0])
    missing = (str(MRImageStorage), str(generate_uid()))
    with asking(dicom, "rad1") as (association, reports):
        assert request(association, asked(seen, hidden, missing)) == SUCCESS
        kind, kept, failed = reports.next()
    assert (kind, kept) == (2, {seen[1]})
    assert failed == {hidden[1]: NO_SUCH_INSTANCE, missing[1]: NO_SUCH_INSTANCE}
    # Whoever may see it is promised it.
    with asking(dicom, "chief1") as (association, reports):
        request(association, asked(hidden))
        assert reports.next() == (1, {hidden[1]}, {})


def test_an_object_of_another_class_is_told_only_to_who_may_search_it(
    hospital: RunningHospital, dicom: Dicom
) -> None:
    wrong = str(Verification)
    seen, hidden = hospital.objects["S1"][0], hospital.objects["S2"][0]
    references = [(wrong, str(seen.SOPInstanceUID)), (wrong, str(hidden.SOPInstanceUID))]
    with asking(dicom, "rad1") as (association, reports):
        request(association, asked(*references))
        _, kept, failed = reports.next()
    assert kept == set()
    assert failed == {
        str(seen.SOPInstanceUID): OTHER_CLASS,
        str(hidden.SOPInstanceUID): NO_SUCH_INSTANCE,
    }


@pytest.mark.long
@pytest.mark.alone
def test_a_report_takes_the_same_time_for_what_is_hidden_and_what_is_missing(
    hospital: RunningHospital, dicom: Dicom
) -> None:
    hidden = of(hospital.objects["S2"][0])
    missing = (hidden[0], str(generate_uid()))
    with asking(dicom, "rad1") as (association, reports):
        took: dict[str, list[float]] = {hidden[1]: [], missing[1]: []}
        for reference in (hidden, missing) * 8:
            since = time.perf_counter()
            request(association, asked(reference))
            reports.next()
            took[reference[1]].append(time.perf_counter() - since)
    least = {uid: min(times) for uid, times in took.items()}
    assert abs(least[hidden[1]] - least[missing[1]]) < 0.008, least


@pytest.mark.parametrize(
    ("information", "action", "status"),
    [
        (asked(("1.2", "1.2.3")), 2, NO_SUCH_ACTION),
        (asked(), 1, 0x0106),
        (asked(("1.2", "../..")), 1, 0x0106),
    ],
)
def test_a_request_that_is_none_is_answered_with_a_status(
    dicom: Dicom, information: Dataset, action: int, status: int
) -> None:
    with asking(dicom, "rad1") as (association, _):
        assert request(association, information, action) == status


def test_who_searches_nothing_is_promised_nothing(dicom: Dicom) -> None:
    with pytest.raises(ConnectionAbortedError), asking(dicom, "CT1"):
        pass


def test_the_request_is_on_record_with_what_it_names(hospital: RunningHospital, dicom: Dicom) -> None:
    information = asked(of(hospital.objects["S1"][0]), ("1.2", "2.25.99"))
    with asking(dicom, "rad1") as (association, reports):
        request(association, information)
        reports.next()
    (event,) = [
        each
        for each in events(hospital, kind=EventKind.COMMITMENT_ASKED)
        if each["details.transaction_uid"] == information.TransactionUID
    ]
    assert event["actor.name"] == "rad1"
    assert event["count"] == 1
    assert "2.25.99" in event["query"]


def test_a_requestor_that_has_gone_is_told_over_an_association_of_the_gates_own(
    hospital: RunningHospital, dicom: Dicom
) -> None:
    reports, port = Reports(), free_port()
    add_devices(
        hospital.config,
        RemoteAe("ARCHIVIST", "rad1", networks=("127.0.0.0/8",), host="127.0.0.1", port=port, owner="admin1"),
    )
    listener = AE("ARCHIVIST")
    listener.supported_contexts = [
        build_context(StorageCommitmentPushModel, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
    ]
    for context in listener.supported_contexts:
        context.scu_role, context.scp_role = False, True
    server = listener.start_server(("127.0.0.1", port), block=False, evt_handlers=reports.handlers)
    try:
        visible = of(hospital.objects["S1"][0])
        with asking(dicom, "rad1", calling="ARCHIVIST") as (association, _):
            # Many references take long enough for the requestor to be gone before its answer is there.
            unknown = [(visible[0], str(generate_uid())) for _ in range(30)]
            assert request(association, asked(visible, *unknown)) == SUCCESS
            association.release()
        kind, kept, failed = reports.next()
    finally:
        server.shutdown()
    assert (kind, kept, len(failed)) == (2, {visible[1]}, 30)
