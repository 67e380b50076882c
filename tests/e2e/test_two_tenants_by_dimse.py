"""What a hospital's people do over DIMSE, done by the people of two behind one port: the AE title tells them apart."""

from collections.abc import Iterator

import pytest
from pydicom.dataset import Dataset

from pacsgate.cli.demo.hospital import people
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.resource import DEFAULT_TENANT
from tests.e2e.test_dimse_by_persona import (  # noqa: F401 - collected here, for two hospitals
    FAR,
    Ward,
    storage_scp,
    test_a_c_find_finds_at_every_level_what_the_web_finds,
    test_a_c_get_brings_what_the_web_would_and_nothing_else,
    test_a_c_move_to_somebody_else_needs_export,
    test_a_device_without_a_user_acts_as_its_account,
    test_counts_are_those_of_the_web,
    test_patients_are_those_of_the_studies_that_are_found,
    test_what_a_persona_may_not_find_is_not_there_for_it,
    test_who_may_never_search_is_offered_no_c_find_or_refused,
)
from tests.support.dimse import Rejected, add_devices, dicom_doors, title_of
from tests.support.two_hospitals import NORTH, both_running, furnish_both

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def wards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ward, Ward]]:
    both = furnish_both(tmp_path_factory.mktemp("two-wards") / "gate")
    arrived: list[Dataset] = []
    with storage_scp(arrived) as port:
        far = RemoteAe(FAR, "chief1", host="127.0.0.1", port=port, owner="admin1")
        own = [
            RemoteAe(title_of(each.name), each.name, networks=("127.0.0.0/8",), owner="admin1")
            for each in people()
        ]
        for tenant in (DEFAULT_TENANT, NORTH):
            add_devices(both.config, far, *own, tenant=tenant)
        with both_running(both) as (one, other):
            first, second = (
                Ward(each, dicom_doors(each)[0], arrived, is_origin=False) for each in (one, other)
            )
            yield first, second


@pytest.fixture(scope="module", params=[0, 1], ids=["default", "north"])
def ward(wards: tuple[Ward, Ward], request: pytest.FixtureRequest) -> Ward:
    """Each of the two."""
    return wards[request.param]


def test_nobody_is_let_in_by_the_ae_title_of_the_other_hospital(wards: tuple[Ward, Ward]) -> None:
    for one, other in (wards, reversed(wards)):
        with pytest.raises(Rejected) as wrong:
            one.dicom.echo("chief1", password="wrong")
        password = one.dicom.passwords["chief1"]
        for name in ("chief1", f"{one.hospital.tenant}/chief1"):
            with pytest.raises(Rejected) as foreign:
                one.dicom.called(other.dicom.title).echo(name, password=password)
            assert foreign.value.triple == wrong.value.triple
        assert one.dicom.echo("chief1") == 0x0000


def test_the_password_of_a_namesake_in_the_other_hospital_is_a_wrong_one(wards: tuple[Ward, Ward]) -> None:
    one, other = wards
    for calls, from_elsewhere in ((one, other), (other, one)):
        with pytest.raises(Rejected):
            calls.dicom.echo("rad1", password=from_elsewhere.hospital.passwords["rad1"])
