"""What is negotiated for whom, and how a message is answered that no handler gets (PS3.7 annex C, PS3.8 annex B)."""

import itertools
import struct
import time
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    JPEG2000,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom import ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (
    ModalityPerformedProcedureStep,
    ModalityWorklistInformationFind,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from pacsgate.gateway.dimse import dispatch, handlers, upper_layer
from pacsgate.gateway.dimse.exchange import Exchange
from pacsgate.gateway.dimse.operation import Operation
from pacsgate.identity.associations.door import LocalAssociationDoor
from pacsgate.model.role import Assignment
from pacsgate.protocols.dimse.services import ServiceKind
from pacsgate.protocols.dimse.statuses import Status
from tests.support.dimse import user_identity
from tests.support.dimse_gate import DicomGate
from tests.support.dimse_wire import (
    C_ECHO_RQ,
    IMPLICIT,
    associate_rq,
    command,
    identity_item,
    p_data,
    status_of,
    wire,
)
from tests.support.people import PASSWORD
from tests.support.waiting import wait_until

FIND = StudyRootQueryRetrieveInformationModelFind
GET = StudyRootQueryRetrieveInformationModelGet
MOVE = StudyRootQueryRetrieveInformationModelMove
NOT_SUPPORTED, NO_SYNTAX = 3, 4


def accepted(gate: DicomGate, name: str, *sop_classes: str) -> set[str]:
    with gate.client.association(name, Verification, *sop_classes) as association:
        return {str(context.abstract_syntax) for context in association.accepted_contexts} - {Verification}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("reader1", {FIND, GET, MOVE}), ("finder1", {FIND}), ("writer1", {CTImageStorage}), ("idler1", set())],
)
def test_contexts_are_those_of_what_somebody_could_ever_do(
    gate: DicomGate, name: str, expected: set[str]
) -> None:
    assert accepted(gate, name, FIND, GET, MOVE, CTImageStorage) == expected


def test_a_withheld_context_reads_as_an_abstract_syntax_that_is_not_supported(gate: DicomGate) -> None:
    """PS3.8 table 9-18: the same result as for a class that the gate has never heard of."""
    with gate.client.association("finder1", FIND, MOVE, "1.2.840.10008.5.1.4.1.2.5.3") as association:
        assert [context.result for context in association.rejected_contexts] == [NOT_SUPPORTED] * 2


def test_services_that_are_not_configured_are_not_negotiated(gate: DicomGate) -> None:
    asked = (ModalityWorklistInformationFind, ModalityPerformedProcedureStep)
    assert accepted(gate, "reader1", *asked) == set()
    assert accepted(gate, "writer1", *asked) == set()


def test_identifiers_come_in_uncompressed_transfer_syntaxes(gate: DicomGate) -> None:
    with gate.client.associated(
        [
            build_context(FIND, [DeflatedExplicitVRLittleEndian, JPEG2000]),
            build_context(Verification, [ImplicitVRLittleEndian, ExplicitVRLittleEndian]),
        ],
        negotiation=[user_identity(2, b"reader1", PASSWORD.encode())],
    ) as association:
        assert [context.result for context in association.rejected_contexts] == [NO_SYNTAX]
        (echo,) = association.accepted_contexts
        assert echo.transfer_syntax == [ExplicitVRLittleEndian]


def test_objects_come_as_their_sender_prefers(gate: DicomGate) -> None:
    """PS3.8 9.3.3.2: the acceptor chooses; what a modality has is what is kept."""
    with gate.client.association(
        "writer1", CTImageStorage, syntaxes=[JPEG2000, ExplicitVRLittleEndian]
    ) as association:
        (context,) = association.accepted_contexts
        assert context.transfer_syntax == [JPEG2000]


def test_a_vendor_s_own_class_is_stored_too(gate: DicomGate) -> None:
    own = "1.3.46.670589.11.0.0.12.1"
    assert accepted(gate, "writer1", own) == {own}
    assert accepted(gate, "reader1", own) == set()


@pytest.mark.parametrize(("name", "gets"), [("reader1", True), ("finder1", False), ("writer1", False)])
def test_the_role_of_a_provider_of_storage_is_for_who_could_retrieve(
    gate: DicomGate, name: str, *, gets: bool
) -> None:
    """PS3.7 D.3.3.4, PS3.4 C.4.3: the objects of a C-GET come over its own association."""
    with gate.client.association(name, Verification, get=[CTImageStorage]) as association:
        held = {str(context.abstract_syntax): context for context in association.accepted_contexts}
        assert (CTImageStorage in held) is gets
        if gets:
            assert held[CTImageStorage].as_scp
            assert not held[CTImageStorage].as_scu


def test_as_much_can_be_proposed_as_a_request_can_hold(gate: DicomGate) -> None:
    """PS3.8 9.3.2.2: 128 contexts, with every transfer syntax there is and a role for each class."""
    classes = [context.abstract_syntax for context in AllStoragePresentationContexts[:128]]
    with gate.client.associated(
        [build_context(uid, ALL_TRANSFER_SYNTAXES) for uid in classes],
        negotiation=[
            user_identity(2, b"writer1", PASSWORD.encode()),
            *(role(uid) for uid in classes),
        ],
    ) as association:
        assert len(association.accepted_contexts) == 128


def test_roles_of_the_called_title_are_everybody_s_who_came_by_it(gate: DicomGate) -> None:
    with gate.client.called("STATION").association(None, FIND, CTImageStorage) as association:
        assert len(association.accepted_contexts) == 2
    with gate.client.association("finder1", FIND, CTImageStorage) as association:
        assert len(association.accepted_contexts) == 1


def test_an_echo_is_for_whoever_could_do_anything(gate: DicomGate) -> None:
    """PS3.7 9.1.5 and annex C.5.13."""
    gate.users().add(gate.change(), "nobody1", password=PASSWORD)
    assert gate.client.echo("reader1") == 0x0000
    assert gate.client.echo("idler1") == 0x0000
    with gate.client.association("nobody1", Verification, password=PASSWORD) as association:
        answer = association.send_c_echo()
    assert answer.Status == 0x0124
    assert answer.ErrorComment
    assert gate.denials()[-1].actor.name == "nobody1"


def test_an_operation_that_its_class_has_not_is_not_recognized(gate: DicomGate) -> None:
    with wire(gate.port) as peer:
        peer.associate(associate_rq(contexts=[(FIND, [IMPLICIT])]))
        for field in (0x0030, 0x0100, 0x0110, 0x0120, 0x0130, 0x0140, 0x0150, 0x0021):
            peer.send(p_data(1, command(field, sop_class=FIND), is_command=True))
            assert status_of(peer.pdu()) == 0x0211, hex(field)


def test_a_class_that_is_not_that_of_the_context_is_not_supported(gate: DicomGate) -> None:
    with wire(gate.port) as peer:
        peer.associate()
        peer.send(p_data(1, command(0x0030, sop_class=FIND), is_command=True))
        assert status_of(peer.pdu()) == 0x0122


def test_a_message_without_an_id_is_mistyped(gate: DicomGate) -> None:
    without = command(0x0030)
    at = without.index(struct.pack("<HHL", 0, 0x0110, 2))
    with wire(gate.port) as peer:
        peer.associate()
        peer.send(p_data(1, without[:at] + without[at + 10 :], is_command=True))
        assert status_of(peer.pdu()) == 0x0212


def test_an_answer_to_nothing_is_passed_over(gate: DicomGate) -> None:
    with wire(gate.port) as peer:
        peer.associate()
        answer = command(0x8030).replace(struct.pack("<HH", 0, 0x0110), struct.pack("<HH", 0, 0x0120))
        peer.send(p_data(1, answer, is_command=True))
        assert peer.echo() == 0


def test_a_locked_person_s_association_is_aborted_within_two_seconds(gate: DicomGate) -> None:
    gate.users().add(gate.change(), "lockable", password=PASSWORD)
    with wire(gate.port) as peer:
        peer.associate(associate_rq("PACSGATE", user_items=_identity("lockable")))
        gate.users().set_disabled(gate.change(), "lockable", disabled=True)
        began = time.monotonic()
        assert peer.pdu()[:1] == b"\x07"
        assert time.monotonic() - began < 2
        assert peer.is_closed()
    wait_until(lambda: gate.denials()[-1].actor.name == "lockable")


def test_who_does_not_wait_for_answers_gets_them_all_the_same(gate: DicomGate) -> None:
    """PS3.7 D.3.3.3: nobody negotiated to send ahead; what is ahead waits in the connection, not in memory."""
    with wire(gate.port) as peer:
        peer.associate()
        peer.send(C_ECHO_RQ * 500)
        began = time.monotonic()
        assert [status_of(peer.pdu()) for _ in range(500)] == [0] * 500
        assert time.monotonic() - began < 4


def test_who_is_disabled_while_being_let_in_is_shown_out(
    gate: DicomGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is remembered of somebody is as old as the moment before it was verified."""
    gate.users().add(gate.change(), "hasty1", password=PASSWORD)
    admit = LocalAssociationDoor.admit

    def then_disable(door: Any, *asked: Any) -> Any:
        admitted = admit(door, *asked)
        gate.users().set_disabled(gate.change(), "hasty1", disabled=True)
        return admitted

    monkeypatch.setattr(LocalAssociationDoor, "admit", then_disable)
    with wire(gate.port) as peer:
        peer.associate(associate_rq("PACSGATE", user_items=_identity("hasty1")))
        peer.send(C_ECHO_RQ)
        assert peer.pdu()[:1] == b"\x07"


@pytest.mark.parametrize("reads", [True, False], ids=["who reads", "who does not read"])
def test_what_is_being_sent_ends_with_the_right_to_it(
    gate: DicomGate, monkeypatch: pytest.MonkeyPatch, *, reads: bool
) -> None:
    def endless(_exchange: Exchange, operation: Operation) -> None:
        operation.respond_each(Status.PENDING, itertools.repeat(bytes(10_000)))

    monkeypatch.setattr(dispatch, "HANDLERS", {**handlers.HANDLERS, ServiceKind.FIND: endless})
    name = f"endless{reads}"
    gate.users().add(gate.change(), name, password=PASSWORD)
    gate.users().assign(gate.change(), name, Assignment("reader"))
    with wire(gate.port) as peer:
        peer.associate(associate_rq("PACSGATE", contexts=[(FIND, [IMPLICIT])], user_items=_identity(name)))
        peer.send(p_data(1, command(0x0020, sop_class=FIND, data_set=True), is_command=True))
        peer.send(p_data(1, b"\x08\0\x52\0\6\0\0\0STUDY ", is_command=False))
        for _ in range(50):
            assert peer.pdu()[:1] == b"\x04"
        here = gate.associations
        gate.users().set_disabled(gate.change(), name, disabled=True)
        began = time.monotonic()
        if reads:
            assert peer.is_closed(within=3)
        wait_until(lambda: gate.associations == here - 1, seconds=3)
        assert time.monotonic() - began < 2 + upper_layer.LINGER_SECONDS


def test_a_change_that_concerns_others_ends_nothing(gate: DicomGate) -> None:
    with wire(gate.port) as peer:
        peer.associate()
        gate.users().add(gate.change(), "newcomer", password=PASSWORD)
        time.sleep(1.2)
        assert peer.echo() == 0


def test_the_very_next_operation_sees_a_role_that_was_taken_away(gate: DicomGate) -> None:
    gate.users().add(gate.change(), "brief1", password=PASSWORD)
    gate.users().assign(gate.change(), "brief1", Assignment("reader"))
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "STUDY"
    wanted.StudyInstanceUID = ""
    with gate.client.association("brief1", FIND, password=PASSWORD) as association:
        assert next(iter(association.send_c_find(wanted, FIND)))[0].Status == 0x0000
        gate.users().unassign(gate.change(), "brief1", lambda _: True)
        assert next(iter(association.send_c_find(wanted, FIND)))[0].Status == 0x0124


def test_what_breaks_is_recorded_and_answered_as_a_failure(
    gate: DicomGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    kind = next(iter(handlers.HANDLERS))
    monkeypatch.setattr(dispatch, "HANDLERS", {**handlers.HANDLERS, kind: broken})
    with wire(gate.port) as peer:
        peer.associate()
        assert peer.echo() == 0x0110
    assert gate.denials()[-1].reasons == ("internal-error",)


def role(sop_class_uid: str) -> SCP_SCU_RoleSelectionNegotiation:
    item = SCP_SCU_RoleSelectionNegotiation()
    item.sop_class_uid, item.scu_role, item.scp_role = sop_class_uid, True, True
    return item


def _identity(name: str) -> bytes:
    return identity_item(2, name.encode(), PASSWORD.encode())
