"""Every SOP class has its service, or none."""

import pytest
from pynetdicom import sop_class

from pacsgate.protocols.dimse.services import SERVICES, ServiceKind, service_of


@pytest.mark.parametrize("uid", sop_class._STORAGE_CLASSES.values())
def test_every_class_of_images_that_the_library_knows_is_storage(uid: str) -> None:
    service = service_of(uid)
    assert service is not None
    assert service.kind is ServiceKind.STORE


def test_a_vendor_s_own_class_can_only_be_storage() -> None:
    service = service_of("1.3.46.670589.11.0.0.12.1")
    assert service is not None
    assert service.kind is ServiceKind.STORE


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.1.20.2",
        "1.2.840.10008.1.3.10",
        "1.2.840.10008.5.1.4.38.1",
        "1.2.840.10008.5.1.4.1.1.200.4",
        "1.2.840.10008.5.1.4.1.1.201.6",
        "1.2.840.10008.5.1.1.1",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.99.9",
    ],
)
def test_what_is_no_business_of_the_gate_has_no_service(uid: str) -> None:
    assert service_of(uid) is None


def test_every_service_but_echo_asks_for_something() -> None:
    assert [kind.kind for kind in SERVICES.values() if not kind.actions] == [ServiceKind.ECHO]
