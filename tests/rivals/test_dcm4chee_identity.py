"""Holes in how dcm4chee 2 tells who requests an association (B1.2), and its management of AEs (seed 002)."""

from collections.abc import Iterator

import pytest

from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.subject import SubjectKind
from tests.support.dimse import Rejected, user_identity
from tests.support.dimse_gate import DicomGate, open_dicom_gate
from tests.support.people import PASSWORD

REFUSED = (1, 2, 1)
ECHO = "1.2.840.10008.1.1"


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DicomGate]:
    with open_dicom_gate(tmp_path_factory.mktemp("rival")) as opened:
        opened.add_device(RemoteAe("MODALITY", "reader1", networks=("127.0.0.0/8",), owner="o"))
        opened.add_device(RemoteAe("ELSEWHERE", "reader1", networks=("192.0.2.0/24",), owner="o"))
        yield opened


def rejection(gate: DicomGate, persona: str | None, **options: str) -> tuple[int, int, int]:
    with pytest.raises(Rejected) as rejected, gate.client.association(persona, ECHO, **options):
        pass
    return rejected.value.triple


@pytest.mark.parametrize("password", ["reader1", "any", "\0", " "])
def test_a_user_identity_is_not_accepted_without_its_password(gate: DicomGate, password: str) -> None:
    """Its shipped configuration trusts any passcode, and none."""
    assert rejection(gate, "reader1", password=password) == REFUSED


def test_a_user_name_alone_is_nobody(gate: DicomGate) -> None:
    from pynetdicom.presentation import build_context  # noqa: PLC0415 - only here

    item = user_identity(1, b"reader1")
    with (
        pytest.raises(Rejected) as rejected,
        gate.client.associated([build_context(ECHO)], calling="MODALITY", negotiation=[item]),
    ):
        pass
    assert rejected.value.triple == REFUSED


def test_who_has_no_identity_is_rejected_and_not_given_an_association_without_a_subject(
    gate: DicomGate,
) -> None:
    """`DefaultUserID` off let everybody in as nobody, and nobody's queries were unfiltered lists."""
    assert rejection(gate, None, calling="UNKNOWN") == REFUSED


def test_a_calling_title_is_bound_to_where_it_calls_from(gate: DicomGate) -> None:
    assert rejection(gate, None, calling="ELSEWHERE") == REFUSED
    assert gate.client.echo(None, calling="MODALITY") == 0


def test_a_wrong_password_does_not_fall_back_to_the_user_of_the_title(gate: DicomGate) -> None:
    assert rejection(gate, "reader1", password="wrong", calling="MODALITY") == REFUSED


def test_titles_have_users_by_calling_and_by_called_title(gate: DicomGate) -> None:
    """AE management: a user for AEs that do not support user identification."""
    assert gate.client.echo(None, calling="MODALITY") == 0
    assert gate.client.called("WARD").echo(None, calling="ANYBODY") == 0


def test_a_disabled_user_of_a_title_is_rejected(gate: DicomGate) -> None:
    users, change = gate.users(), gate.change()
    users.add(change, "ct9", kind=SubjectKind.DEVICE)
    gate.add_device(RemoteAe("CT9", "ct9", networks=("127.0.0.0/8",), owner="o"))
    users.set_disabled(change, "ct9", disabled=True)
    assert rejection(gate, None, calling="CT9") == REFUSED
    assert PASSWORD not in repr(gate.trail.events)
