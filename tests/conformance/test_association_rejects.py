"""A-ASSOCIATE-RJ: who is turned away, and in which words (PS3.8 9.3.4, PS3.7 D.3.3.7)."""

import time

import pytest
from pynetdicom.presentation import build_context

from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.model.application_entity import RemoteAe
from pacsgate.services.administer_users import UserAdministration
from tests.support.dimse import user_identity
from tests.support.dimse_gate import SETTINGS, DicomGate, open_dicom_gate
from tests.support.dimse_wire import VERIFICATION, abort, associate_rq, identity_item, rejection, wire
from tests.support.people import PASSWORD
from tests.support.waiting import wait_until

NOT_AUTHENTICATED = (1, 2, 1)
UNKNOWN_TITLE = (1, 1, 7)
CONGESTION = (2, 3, 1)
LIMIT = (2, 3, 2)


def answer(gate: DicomGate, request: bytes) -> tuple[int, int, int]:
    with wire(gate.port) as peer:
        peer.send(request)
        return rejection(peer.pdu())


def test_a_called_title_that_is_not_ours_is_not_recognized(gate: DicomGate) -> None:
    assert answer(gate, associate_rq(called="ELSEWHERE")) == UNKNOWN_TITLE


def test_titles_are_compared_without_the_spaces_around_them(gate: DicomGate) -> None:
    with wire(gate.port) as peer:
        peer.associate(associate_rq(called=" WARD"))


def test_the_wrong_title_is_told_before_the_wrong_password(gate: DicomGate) -> None:
    """The library would overwrite one with the other."""
    wrong = identity_item(2, b"reader1", b"wrong")
    assert answer(gate, associate_rq(called="ELSEWHERE", user_items=wrong)) == UNKNOWN_TITLE


def test_another_application_context_is_not_supported(gate: DicomGate) -> None:
    assert answer(gate, associate_rq(application_context="1.2.3")) == (1, 1, 2)


def test_another_protocol_version_is_not_supported(gate: DicomGate) -> None:
    assert answer(gate, associate_rq(version=2)) == (1, 2, 2)


@pytest.mark.parametrize(
    "item",
    [
        b"",
        identity_item(2, b"reader1", b"wrong"),
        identity_item(2, b"nobody", b"wrong"),
        identity_item(2, b"", b""),
        identity_item(1, b"reader1"),
        identity_item(3, b"ticket"),
        identity_item(4, b"<Assertion/>"),
        identity_item(5, b"a.b.c"),
        identity_item(2, b"\xff\xfe", b"\xff"),
    ],
    ids=["none", "wrong", "unknown", "empty", "name alone", "kerberos", "saml", "jwt", "no text"],
)
def test_who_fails_to_authenticate_is_always_told_the_same(gate: DicomGate, item: bytes) -> None:
    """PS3.7 D.3.3.7: rejected permanent, by the service-provider (ACSE); never transient, never a hint."""
    assert answer(gate, associate_rq("PACSGATE", user_items=item)) == NOT_AUTHENTICATED


def test_a_user_identity_that_fails_is_not_made_up_for_by_a_device(gate: DicomGate) -> None:
    wrong = identity_item(2, b"reader1", b"wrong")
    assert answer(gate, associate_rq("WARD", user_items=wrong)) == NOT_AUTHENTICATED


@pytest.mark.alone
def test_an_unknown_name_costs_as_much_time_as_a_wrong_password(gate: DicomGate) -> None:
    """The other accounts of these tests have passwords that are cheap to check."""
    usual = UserAdministration(gate.installation.office, Argon2Passwords())
    usual.add(gate.change(), "costly1", password=PASSWORD)

    def seconds(name: bytes) -> float:
        began = time.monotonic()
        answer(gate, associate_rq("PACSGATE", user_items=identity_item(2, name, b"wrong")))
        return time.monotonic() - began

    known, unknown = (min(seconds(name) for _ in range(3)) for name in (b"costly1", b"stranger"))
    assert abs(known - unknown) < 0.1


def test_a_disabled_person_is_not_let_in(gate: DicomGate) -> None:
    users = gate.users()
    users.add(gate.change(), "leaver", password=PASSWORD)
    users.set_disabled(gate.change(), "leaver", disabled=True)
    item = identity_item(2, b"leaver", PASSWORD.encode())
    assert answer(gate, associate_rq("PACSGATE", user_items=item)) == NOT_AUTHENTICATED


def test_a_device_from_the_wrong_network_is_not_let_in(gate: DicomGate) -> None:
    gate.add_device(RemoteAe("FARAWAY", "reader1", networks=("192.0.2.0/24",), owner="op"))
    assert answer(gate, associate_rq("PACSGATE", "FARAWAY")) == NOT_AUTHENTICATED


def test_a_device_from_its_network_is_let_in(gate: DicomGate) -> None:
    gate.add_device(RemoteAe("NEARBY", "reader1", networks=("127.0.0.0/8",), owner="op"))
    with wire(gate.port) as peer:
        peer.associate(associate_rq("PACSGATE", "NEARBY"))


def test_every_rejection_is_on_record_but_not_the_passcode(gate: DicomGate) -> None:
    before = len(gate.trail.events)
    answer(gate, associate_rq("PACSGATE", user_items=identity_item(2, b"finder1", b"open-sesame")))
    answer(gate, associate_rq(called="NOWHERE", calling="LOST"))
    told = repr(gate.trail.events[before:])
    assert "finder1" in told
    assert "open-sesame" not in told
    assert "unknown called AE title" in gate.causes()


@pytest.mark.parametrize("kind", [1, 2])
def test_the_positive_response_to_names_and_passcodes_has_no_content(gate: DicomGate, kind: int) -> None:
    """PS3.7 D.3.3.7.2: present if requested, and empty for types 1 and 2."""
    gate_device = RemoteAe(
        f"VOUCHES{kind}", "reader1", networks=("127.0.0.0/8",), owner="op", vouches_for=frozenset({"staff"})
    )
    gate.add_device(gate_device)
    gate.users().set_groups(gate.change(), "reader1", frozenset({"staff"}))
    secret = PASSWORD.encode() if kind == 2 else b""
    item = user_identity(kind, b"reader1", secret, response=True)
    with gate.client.associated(
        [build_context(VERIFICATION)], calling=f"VOUCHES{kind}", negotiation=[item]
    ) as association:
        assert association.acceptor.user_identity.server_response == b""


def test_no_response_is_sent_that_was_not_asked_for(gate: DicomGate) -> None:
    with gate.client.association("reader1", VERIFICATION) as association:
        assert association.acceptor.user_identity is None


def test_a_passcode_needs_tls_unless_configured(tmp_path_factory: pytest.TempPathFactory) -> None:
    """PS3.15 B.5 leaves the protection of the passcode to the transport."""
    strict = SETTINGS.replace("  allow_cleartext_identity: true\n", "")
    with open_dicom_gate(tmp_path_factory.mktemp("strict"), strict) as gate:
        right = identity_item(2, b"reader1", PASSWORD.encode())
        assert answer(gate, associate_rq("PACSGATE", user_items=right)) == NOT_AUTHENTICATED


def test_limits_are_transient_and_given_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    """PS3.8 table 9-21: local-limit-exceeded; the requestor may try again."""
    few = SETTINGS + "  associations_per_subject: 1\n  maximum_associations: 2\n"
    with open_dicom_gate(tmp_path_factory.mktemp("few"), few) as gate:
        with wire(gate.port) as first:
            first.associate(associate_rq("WARD"))
            assert answer(gate, associate_rq("WARD")) == LIMIT
            with wire(gate.port) as second:
                second.associate(associate_rq("STATION"))
                item = identity_item(2, b"writer1", PASSWORD.encode())
                assert answer(gate, associate_rq("PACSGATE", user_items=item)) == LIMIT
        wait_until(lambda: gate.associations == 0)
        with wire(gate.port) as again:
            again.associate(associate_rq("WARD"))


def test_it_listens_where_addresses_are_longer(tmp_path_factory: pytest.TempPathFactory) -> None:
    six = SETTINGS.replace("{port: 0}", "{host: '::1', port: 0}")
    with open_dicom_gate(tmp_path_factory.mktemp("six"), six) as gate, wire(gate.port, "::1") as peer:
        peer.associate()
        assert peer.echo() == 0


def test_without_a_record_nobody_comes_in(tmp_path_factory: pytest.TempPathFactory) -> None:
    """PS3.8 table 9-21: temporary-congestion."""
    with open_dicom_gate(tmp_path_factory.mktemp("full")) as gate:
        gate.trail.broken = True
        wrong = identity_item(2, b"reader1", b"wrong")
        assert answer(gate, associate_rq("PACSGATE", user_items=wrong)) == CONGESTION
        assert answer(gate, associate_rq("ELSEWHERE")) == CONGESTION


def test_a_request_that_makes_no_sense_is_aborted_not_answered(gate: DicomGate) -> None:
    broken = bytearray(associate_rq())
    broken[80] = 0xEE
    with wire(gate.port) as peer:
        peer.send(bytes(broken))
        pdu = peer.pdu()
        assert pdu[:1] == b"\x03" or abort(pdu)[0] == 2
