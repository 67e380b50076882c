"""An order adds what images leave out, to what the index knows and never to the images, and only its own patient's."""

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from pacsgate.dicom.attributes import tag_of
from pacsgate.dicom.summarise import read_summary
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.services.study_orders import ORDER_ATTRIBUTES, StudyOrders
from tests.support.data_sets import data_set
from tests.support.installed import main_archive
from tests.support.objects import small_hospital, variant
from tests.support.people import SCOPE
from tests.support.storing import Worklist, storing


def order(patient: str, **attributes: object) -> Dataset:
    return data_set(PatientID=patient, **attributes)


def added(one: object, worklist: Worklist, keyword: str) -> object:
    summary = StudyOrders({SCOPE: worklist}).completed(SCOPE, read_summary(one.data))  # type: ignore[attr-defined]
    return summary.header.get(tag_of(keyword), {}).get("Value")


def test_an_order_opens_a_study_to_the_service_that_asked_for_it(tmp_path: Path) -> None:
    first, second = small_hospital(studies=1, series=1, instances=2)
    worklist = Worklist(order("P0", RequestingService="ONCOLOGY"))
    with storing(tmp_path, order=worklist) as stores:
        stores.store("CT1", first)
        stores.store("CT1", second)
        installation = stores.installation
        archive = main_archive(installation)
        (study,) = installation.stores.index.studies(
            installation.scope, archive, first.key.study_instance_uid
        )
        assert study.facts["service"] == {"ONCOLOGY"}
        assert len(worklist.asked) == 1
        kept = installation.archives.by_name[archive].dataset(first.key)
        assert "RequestingService" not in kept


@pytest.mark.parametrize("found", [None, order("SOMEBODY ELSE", RequestingService="ONCOLOGY"), Dataset()])
def test_no_order_and_the_order_of_another_patient_add_nothing(found: Dataset | None) -> None:
    assert added(variant(PatientID="P1"), Worklist(found), "RequestingService") is None


def test_what_an_object_says_itself_stays() -> None:
    one = variant(PatientID="P1", RequestingService="SURGERY", RequestingPhysician="")
    worklist = Worklist(order("P1", RequestingService="ONCOLOGY", RequestingPhysician="A^B"))
    assert added(one, worklist, "RequestingService") == ["SURGERY"]
    assert added(one, worklist, "RequestingPhysician") == [{"Alphabetic": "A^B"}]


def test_an_order_never_says_who_or_what_an_object_is() -> None:
    one = variant(PatientID="P1")
    summary = read_summary(one.data)
    lying = order("P1", StudyInstanceUID="9.9", AccessionNumber="X", Modality="US", PatientName="E^V")
    completed = StudyOrders({SCOPE: Worklist(lying)}).completed(SCOPE, summary)
    assert completed == summary
    names = {"PatientID", "IssuerOfPatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"}
    assert names.isdisjoint(ORDER_ATTRIBUTES)


def test_a_worklist_is_asked_once_for_each_study_and_patient() -> None:
    worklist = Worklist(None)
    orders = StudyOrders({SCOPE: worklist})
    for one in small_hospital(studies=2, series=2, instances=2):
        orders.completed(SCOPE, read_summary(one.data))
    assert len(worklist.asked) == 2
    asked = worklist.asked[0]
    assert {element.keyword for element in asked} == {"PatientID", "AccessionNumber", "StudyInstanceUID"}


def test_the_worklist_of_one_tenant_knows_nothing_of_anothers_studies() -> None:
    worklist = Worklist(order("P1", RequestingService="ONCOLOGY"))
    orders = StudyOrders({TenantScope(TenantName("north")): worklist})
    summary = read_summary(variant(PatientID="P1").data)
    assert orders.completed(SCOPE, summary) is summary
    assert not worklist.asked
