"""What a hospital's people do over DIMSE, done by the people of two behind one port: the AE title tells them apart.

Worklist and procedure steps are of the tenant `default`; each hospital has an object that the other has not.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    ModalityPerformedProcedureStep,
    ModalityWorklistInformationFind,
    StudyRootQueryRetrieveInformationModelMove,
)

from pacsgate.cli.demo.hospital import people
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.resource import DEFAULT_TENANT
from tests.e2e.test_dimse_by_persona import (  # noqa: F401 - collected here, for two hospitals
    FAR,
    GET,
    Ward,
    storage_scp,
    test_a_c_find_finds_at_every_level_what_the_web_finds,
    test_a_c_get_brings_what_the_web_would_and_nothing_else,
    test_a_c_move_to_somebody_else_needs_export,
    test_a_c_store_is_judged_as_a_stow_is,
    test_a_device_without_a_user_acts_as_its_account,
    test_counts_are_those_of_the_web,
    test_patients_are_those_of_the_studies_that_are_found,
    test_what_a_persona_may_not_find_is_not_there_for_it,
    test_who_may_never_bring_anything_stores_nothing,
    test_who_may_never_search_is_offered_no_c_find_or_refused,
)
from tests.e2e.test_dimse_commitment import NO_SUCH_INSTANCE, asked, asking, of, request
from tests.e2e.test_dimse_mpps import SUCCESS, Ris, ended, step
from tests.e2e.test_dimse_worklist import item
from tests.support.data_sets import identifier
from tests.support.dimse import Rejected, add_devices, dicom_doors, title_of
from tests.support.ports import free_port
from tests.support.two_hospitals import NORTH, both_running, furnish_both
from tests.support.wlmscpfs import order, running_worklist

pytestmark = [pytest.mark.long, pytest.mark.server("dcmtk")]
WORKLIST = str(ModalityWorklistInformationFind)
MPPS = str(ModalityPerformedProcedureStep)
MOVE = StudyRootQueryRetrieveInformationModelMove


@contextmanager
def running_ris(ris: Ris) -> Iterator[str]:
    """Who keeps procedure steps; the line of `pacsgate.yaml` that names it, to stand below `dicom:`."""
    port, keeper = free_port(), AE("RIS")
    keeper.add_supported_context(MPPS)
    handlers = [(evt.EVT_N_CREATE, ris.create), (evt.EVT_N_SET, ris.change)]
    server = keeper.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    try:
        yield f"  procedure_steps: {{host: 127.0.0.1, port: {port}, ae_title: RIS}}\n"
    finally:
        server.shutdown()


@pytest.fixture(scope="module")
def ris() -> Ris:
    return Ris()


@pytest.fixture(scope="module")
def wards(tmp_path_factory: pytest.TempPathFactory, ris: Ris) -> Iterator[tuple[Ward, Ward]]:
    directory = tmp_path_factory.mktemp("two-wards")
    arrived: list[Dataset] = []
    with (
        storage_scp(arrived) as port,
        running_worklist(directory / "worklist", [order(PatientName="ORDER^CANARY")]) as worklist,
        running_ris(ris) as steps,
    ):
        both = furnish_both(directory / "gate", settings=worklist.settings + steps)
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


def _only_here(ward: Ward) -> Dataset:
    """An image of a new study, stored by the scanner of one hospital."""
    made = deepcopy(ward.hospital.objects["S1"][0])
    made.StudyInstanceUID, made.SeriesInstanceUID = generate_uid(), generate_uid()
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    syntaxes = [made.file_meta.TransferSyntaxUID]
    with ward.dicom.association("CT1", made.SOPClassUID, syntaxes=syntaxes) as association:
        assert association.send_c_store(made).Status == SUCCESS
    return made


@pytest.mark.parametrize("turned", [False, True], ids=["default", "north"])
def test_what_is_stored_in_one_hospital_is_found_brought_and_promised_in_that_one_alone(
    wards: tuple[Ward, Ward], *, turned: bool
) -> None:
    one, other = reversed(wards) if turned else wards
    stored = _only_here(one)
    told = {}
    for ward in (one, other):
        for uid in (str(stored.StudyInstanceUID), str(generate_uid())):
            asked_for = identifier("STUDY", StudyInstanceUID=uid)
            found = ward.dicom.find("chief1", asked_for)
            brought: list[Dataset] = []
            with ward.getting("chief1", brought) as association:
                got = [status.Status for status, _ in association.send_c_get(asked_for, GET)]
            ward.arrived.clear()
            with ward.dicom.association("chief1", MOVE) as association:
                moved = [status.Status for status, _ in association.send_c_move(asked_for, FAR, MOVE)]
            came = (len(found[0]), len(brought), len(ward.arrived))
            told[ward.dicom.title, uid == stored.StudyInstanceUID] = (found[1], got, moved, came)
    assert told[one.dicom.title, True][-1] == (1, 1, 1)
    assert told[other.dicom.title, True] == told[other.dicom.title, False]
    assert told[other.dicom.title, True][-1] == (0, 0, 0)
    missing = (str(stored.SOPClassUID), str(generate_uid()))
    for ward, kept in ((one, {str(stored.SOPInstanceUID)}), (other, set())):
        with asking(ward.dicom, "chief1") as (association, reports):
            assert request(association, asked(of(stored), missing)) == SUCCESS
            _, promised, failed = reports.next()
        assert promised == kept
        assert set(failed.values()) == {NO_SUCH_INSTANCE}


def test_the_worklist_of_one_hospital_is_not_there_for_the_other(wards: tuple[Ward, Ward]) -> None:
    own, north = wards
    rows, status = own.dicom.find("chief1", item(), model=WORKLIST)
    assert (status, "ORDER^CANARY" in {str(row.PatientName) for row in rows}) == (SUCCESS, True)
    for called in (north.dicom, north.dicom.called(own.dicom.title)):
        with pytest.raises((ConnectionAbortedError, Rejected)):
            called.find("chief1", item(), model=WORKLIST)


def test_procedure_steps_of_one_hospital_are_not_kept_by_the_other(
    wards: tuple[Ward, Ward], ris: Ris
) -> None:
    own, north = wards
    uid, sent = str(generate_uid()), step(str(generate_uid()))
    with own.dicom.association("CT1", MPPS) as association:
        assert association.send_n_create(sent, MPPS, uid)[0].Status == SUCCESS
    for called in (north.dicom, north.dicom.called(own.dicom.title)):
        with (
            pytest.raises((ConnectionAbortedError, Rejected)),
            called.association("CT1", MPPS) as association,
        ):
            association.send_n_set(ended(), MPPS, uid)
    assert [list(map(str, ris.steps)), len(ris.steps[uid])] == [[uid], 1]
