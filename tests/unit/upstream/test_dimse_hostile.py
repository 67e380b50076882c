"""Archives that break the protocol, lie or never end: an error within bounds, and nothing left behind."""

import resource
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pynetdicom.pdu import A_ASSOCIATE_AC
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation

from pacsgate.dicom.file_meta import read_part10_head
from pacsgate.model.errors import ArchiveError, GoneError
from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.protocols.dimse.command_set import Command, Element
from pacsgate.protocols.dimse.data_sets import write_data_set
from pacsgate.upstream.dimse import finding, listing
from pacsgate.upstream.dimse.archive import DimseArchive
from pacsgate.upstream.dimse.association_pool import AssociationPool
from pacsgate.upstream.dimse.peer import Peer
from pacsgate.upstream.dimse.settings import DimseSettings
from tests.support.data_sets import data_set
from tests.support.objects import Part10, shipped, variant
from tests.support.scripted_dicom import Caller, scripted_peer

ITEM = shipped("CT_small.dcm")
KEY = ITEM.key
PENDING, SUCCESS = 0xFF00, 0x0000
PATIENCE = 1.0
EXPLICIT = "1.2.840.10008.1.2.1"


@contextmanager
def archive_of(script: Callable[[Caller], None], directory: Path) -> Iterator[DimseArchive]:
    with scripted_peer(script) as port:
        peer = Peer("127.0.0.1", port, "ARCHIVE", "GATE", timeout_seconds=PATIENCE)
        archive = DimseArchive(ArchiveName("main"), DimseSettings(peer), directory)
        try:
            yield archive
        finally:
            archive.close()


def find_response(message_id: object, status: int) -> dict[int, object]:
    return {
        Element.COMMAND_FIELD: Command.C_FIND_RSP,
        Element.MESSAGE_ID_BEING_RESPONDED_TO: message_id,
        Element.AFFECTED_SOP_CLASS_UID: listing.STUDY_ROOT_FIND,
        Element.STATUS: status,
    }


def row(**values: str) -> bytes:
    return write_data_set(data_set(**values), EXPLICIT)


def image_row(key: ResourceKey = KEY) -> bytes:
    return row(
        QueryRetrieveLevel="IMAGE",
        StudyInstanceUID=key.study_instance_uid,
        SeriesInstanceUID=key.series_instance_uid or "",
        SOPInstanceUID=key.sop_instance_uid or "",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2",
    )


def after_agreement(data: bytes) -> Callable[[Caller], None]:
    def script(caller: Caller) -> None:
        caller.accept()
        caller.request()
        caller.send(data)
        caller.read()

    return script


def pdata(*items: bytes) -> bytes:
    body = b"".join(items)
    return struct.pack(">BxL", 4, len(body)) + body


def item(context_id: int, control: int, data: bytes) -> bytes:
    return struct.pack(">LBB", len(data) + 2, context_id, control) + data


BROKEN = {
    "a claim of four gigabytes": struct.pack(">BxL", 4, 0xFFFFFFFF),
    "a PDU of an unknown kind": struct.pack(">BxL", 9, 4) + bytes(4),
    "a PDV longer than its PDU": struct.pack(">BxLLBB", 4, 6, 4000, 1, 3),
    "a PDV of no length": struct.pack(">BxLL", 4, 4, 0),
    "a fragment of a context that was not agreed": pdata(item(77, 3, b"")),
    "a data set before its command": pdata(item(1, 2, b"abcd")),
    "a command set that is none": pdata(item(1, 3, b"\xff" * 20)),
    "a command set without an end": b"".join(pdata(item(1, 1, bytes(16_000))) for _ in range(8)),
    "a data set without an end": pdata(
        item(1, 3, bytes.fromhex("00000001020000002080 0000000802000000 0100"))
    )
    + b"".join(pdata(item(1, 0, bytes(16_000))) for _ in range(100)),
    "an abort": struct.pack(">BxLL", 7, 4, 0),
    "a release in the middle": struct.pack(">BxLL", 5, 4, 0),
    "half a header": b"\x04\x00\x00",
}


@pytest.mark.parametrize("what", BROKEN)
def test_whatever_breaks_the_protocol_is_an_error_in_time(what: str, tmp_path: Path) -> None:
    with archive_of(after_agreement(BROKEN[what]), tmp_path) as archive:
        before, since = memory(), time.monotonic()
        with pytest.raises(ArchiveError) as broken:
            list(archive.study(KEY.study_instance_uid))
        assert broken.value.timed_out == (what == "half a header")
        assert time.monotonic() - since < 3 * PATIENCE
        assert memory() - before < 50_000_000


def test_a_pdu_that_trickles_is_given_up_in_time(tmp_path: Path) -> None:
    def trickle(caller: Caller) -> None:
        caller.accept()
        caller.request()
        caller.send(struct.pack(">BxL", 4, 1000))
        for _ in range(100):
            caller.send(b"\0")
            time.sleep(PATIENCE / 5)

    with archive_of(trickle, tmp_path) as archive:
        since = time.monotonic()
        with pytest.raises(ArchiveError) as slow:
            list(archive.study(KEY.study_instance_uid))
        assert slow.value.timed_out
        assert time.monotonic() - since < 2 * PATIENCE


def test_rows_without_end_are_given_up() -> None:
    def endless(caller: Caller) -> None:
        caller.accept()
        context_id, command = caller.request()
        answer = find_response(command[Element.MESSAGE_ID], PENDING)
        while True:
            caller.message(context_id, answer, image_row())

    with scripted_peer(endless) as port:
        pool = AssociationPool(Peer("127.0.0.1", port, "ARCHIVE", "GATE", timeout_seconds=PATIENCE))
        identifier = Dataset()
        identifier.QueryRetrieveLevel = "STUDY"
        with pool.borrowed([finding.query_proposal(listing.STUDY_ROOT_FIND)]) as association:
            rows = finding.find(association, listing.STUDY_ROOT_FIND, identifier, limit=50)
            assert len(list(islice(rows, 50))) == 50
            with pytest.raises(finding.TooManyRowsError):
                next(rows)
            assert association.is_over


@pytest.mark.parametrize(
    "answer",
    [
        {Element.MESSAGE_ID_BEING_RESPONDED_TO: 999},
        {Element.COMMAND_FIELD: Command.C_ECHO_RSP},
        {Element.STATUS: 0xA900},
        {Element.STATUS: 0xC123},
    ],
    ids=["about another message", "of another service", "refused", "failed"],
)
def test_an_answer_that_is_none_is_an_error_and_not_an_empty_list(
    answer: dict[int, object], tmp_path: Path
) -> None:
    def script(caller: Caller) -> None:
        caller.accept()
        context_id, command = caller.request()
        caller.message(context_id, {**find_response(command[Element.MESSAGE_ID], SUCCESS), **answer})
        caller.read()

    with archive_of(script, tmp_path) as archive, pytest.raises(ArchiveError):
        list(archive.study(KEY.study_instance_uid))


def answering(
    rows: list[bytes], objects: Sequence[tuple[str, bytes]] = (), *, roles: bool = True
) -> Callable[[Caller], None]:
    """An archive that finds these rows whatever is asked, and sends these objects under these UIDs."""

    def script(caller: Caller) -> None:
        caller.send(with_roles(caller) if roles else caller.acceptance)
        while True:
            context_id, command = caller.request()
            message_id = command[Element.MESSAGE_ID]
            if command[Element.COMMAND_FIELD] == Command.C_FIND_RQ:
                for one in rows:
                    caller.message(context_id, find_response(message_id, PENDING), one)
                caller.message(context_id, find_response(message_id, SUCCESS))
                continue
            agreed = caller.agreed.contexts.items()
            by_class = {cx.abstract_syntax: n for n, cx in agreed if cx.transfer_syntax == EXPLICIT}
            for uid, part10 in objects:
                head = read_part10_head(part10)
                stored = {
                    Element.COMMAND_FIELD: Command.C_STORE_RQ,
                    Element.MESSAGE_ID: 1,
                    Element.AFFECTED_SOP_CLASS_UID: head.sop_class_uid,
                    Element.AFFECTED_SOP_INSTANCE_UID: uid,
                    Element.PRIORITY: 0,
                }
                caller.message(by_class[head.sop_class_uid], stored, part10[head.data_set_offset :])
                caller.request()
            done = {
                Element.COMMAND_FIELD: Command.C_GET_RSP,
                Element.MESSAGE_ID_BEING_RESPONDED_TO: message_id,
                Element.STATUS: SUCCESS,
            }
            caller.message(context_id, done)

    return script


def with_roles(caller: Caller) -> bytes:
    """An acceptance that lets the gate receive: with an SCP role for each class that it asks one for."""
    pdu = A_ASSOCIATE_AC()
    pdu.decode(caller.acceptance)
    primitive = pdu.to_primitive()
    for asked in caller.request_pdu.user_information:
        if isinstance(asked, SCP_SCU_RoleSelectionNegotiation):
            primitive.user_information.append(asked)
    return bytes(A_ASSOCIATE_AC(primitive).encode())


def opened(archive: DimseArchive, key: ResourceKey = KEY) -> bytes:
    return b"".join(archive.open(key).chunks())


def nothing_left(directory: Path) -> bool:
    return not [path for path in directory.rglob("*") if path.is_file() and path.stat().st_size > 300]


def test_an_honest_archive_is_believed(tmp_path: Path) -> None:
    """What the next tests vary."""
    with archive_of(answering([image_row()], [(str(KEY.sop_instance_uid), ITEM.data)]), tmp_path) as archive:
        assert opened(archive)[-1000:] == ITEM.data[-1000:]


OTHER_SERIES = variant("CT_small.dcm", SeriesInstanceUID="2.25.1")
OTHER_STUDY = variant("CT_small.dcm", StudyInstanceUID="2.25.2")
OTHER_NAME = variant("CT_small.dcm", SOPInstanceUID="2.25.3")


@pytest.mark.parametrize(
    "sent",
    [OTHER_SERIES, OTHER_STUDY, OTHER_NAME],
    ids=["of another series", "of another study", "with another name inside"],
)
def test_an_object_that_is_another_inside_goes_to_nobody(sent: Part10, tmp_path: Path) -> None:
    script = answering([image_row()], [(str(KEY.sop_instance_uid), sent.data)])
    with archive_of(script, tmp_path) as archive:
        with pytest.raises(ArchiveError):
            opened(archive)
        assert nothing_left(tmp_path)


def test_an_object_that_nobody_asked_for_ends_the_association(tmp_path: Path) -> None:
    with archive_of(answering([image_row()], [("2.25.9", OTHER_NAME.data)]), tmp_path) as archive:
        with pytest.raises(ArchiveError):
            opened(archive)
        assert nothing_left(tmp_path)


def test_an_object_sent_twice_is_an_error_and_kept_nowhere(tmp_path: Path) -> None:
    twice = [(str(KEY.sop_instance_uid), ITEM.data)] * 2
    with archive_of(answering([image_row()], twice), tmp_path) as archive:
        with pytest.raises(ArchiveError):
            opened(archive)
        assert nothing_left(tmp_path)


def test_an_object_of_another_patient_goes_to_nobody_who_asked_for_this_one(tmp_path: Path) -> None:
    script = answering([image_row()], [(str(KEY.sop_instance_uid), ITEM.data)])
    mine = ResourceKey(KEY.study_instance_uid, KEY.series_instance_uid, KEY.sop_instance_uid, "somebody-else")
    with archive_of(script, tmp_path) as archive, pytest.raises(ArchiveError, match="another patient"):
        opened(archive, mine)


def test_a_row_of_another_study_is_an_error_and_no_row(tmp_path: Path) -> None:
    other = ResourceKey("2.25.5", KEY.series_instance_uid, KEY.sop_instance_uid)
    script = answering([image_row(other)], [(str(KEY.sop_instance_uid), ITEM.data)])
    with archive_of(script, tmp_path) as archive, pytest.raises(ArchiveError):
        opened(archive)


def test_a_row_whose_uid_leads_elsewhere_is_an_error(tmp_path: Path) -> None:
    evil = row(
        QueryRetrieveLevel="SERIES", StudyInstanceUID=KEY.study_instance_uid, SeriesInstanceUID="../../x"
    )
    with archive_of(answering([evil]), tmp_path) as archive, pytest.raises(ArchiveError):
        list(archive.study(KEY.study_instance_uid))


def test_an_object_over_an_association_that_agreed_on_no_such_role_is_not_taken(tmp_path: Path) -> None:
    script = answering([image_row()], [(str(KEY.sop_instance_uid), ITEM.data)], roles=False)
    with archive_of(script, tmp_path) as archive, pytest.raises(ArchiveError):
        opened(archive)


def test_an_association_that_the_peer_has_ended_is_not_used_again() -> None:
    served: list[Caller] = []

    def once(caller: Caller) -> None:
        served.append(caller)
        caller.accept()
        context_id, command = caller.request()
        caller.message(context_id, find_response(command[Element.MESSAGE_ID], SUCCESS))
        caller.send(struct.pack(">BxLL", 7, 4, 0))

    with scripted_peer(once) as port:
        pool = AssociationPool(Peer("127.0.0.1", port, "ARCHIVE", "GATE", timeout_seconds=PATIENCE))
        for _ in range(3):
            assert listing.instances_of_series(pool, ResourceKey("1.2", "1.2.3")) == []
            time.sleep(0.1)
        assert len(served) == 3
        pool.close()


def test_what_the_archive_does_not_list_is_gone_and_not_asked_for(tmp_path: Path) -> None:
    with (
        archive_of(answering([], [(str(KEY.sop_instance_uid), ITEM.data)]), tmp_path) as archive,
        pytest.raises(GoneError),
    ):
        opened(archive)


def memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
