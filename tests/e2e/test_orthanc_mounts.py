"""One Orthanc below several paths, each as its clients expect it."""

import pytest
from dicomweb_client.api import DICOMwebClient

from tests.support.guarded_orthanc import PUBLISHED, GuardedOrthanc

pytestmark = pytest.mark.server("orthanc")


def test_orthanc_is_the_same_wherever_it_is_mounted(guarded_orthanc: GuardedOrthanc) -> None:
    rad1, at_root = guarded_orthanc.client("rad1"), guarded_orthanc.at_root("rad1")
    for path in (
        "/studies",
        f"/studies/{guarded_orthanc.study('S1')}",
        f"/studies/{guarded_orthanc.study('S2')}",
    ):
        here, there = rad1.get(path), at_root.get(path)
        assert (here.status_code, here.json()) == (there.status_code, there.json())


def test_dicomweb_is_where_each_kind_of_client_looks_for_it(guarded_orthanc: GuardedOrthanc) -> None:
    uid = guarded_orthanc.hospital.studies["S1"].study_instance_uid
    rad1, at_root = guarded_orthanc.client("rad1"), guarded_orthanc.at_root("rad1")
    found = [
        guarded_orthanc.dicomweb("rad1").get("/studies"),
        rad1.get("/dicom-web/studies"),
        at_root.get("/dicom-web/studies"),
        at_root.get("/pacs/studies"),
    ]
    assert {each.json()[0]["0020000D"]["Value"][0] for each in found} == {uid}
    roots = [f"{guarded_orthanc.root}/dicom-web", f"{guarded_orthanc.mounted}/pacs"]
    for client, path, root in ((rad1, "/dicom-web", roots[0]), (at_root, "/pacs", roots[1])):
        (study,) = client.get(f"{path}/studies").json()
        assert study["00081190"]["Value"] == [f"{root}/studies/{uid}"]


def test_no_page_of_the_gate_is_below_an_orthanc_at_the_root(guarded_orthanc: GuardedOrthanc) -> None:
    for path in ("/healthz", "/sign-in", "/metrics", "/api/v1/search", "/viewer/", "/orthanc/studies"):
        assert guarded_orthanc.at_root("chief1").get(path).status_code == 404, path
        assert guarded_orthanc.at_root(None).get(path).status_code == 401, path


def test_the_gates_own_pages_stay_on_the_other_listener(guarded_orthanc: GuardedOrthanc) -> None:
    console = guarded_orthanc.dicomweb(None)
    assert console.get(f"{guarded_orthanc.hospital.url}/healthz").status_code == 200
    assert console.get(f"{guarded_orthanc.hospital.url}/sign-in").status_code == 200
    assert console.get(f"{guarded_orthanc.hospital.url}/pacs/studies").status_code == 404


def test_links_begin_as_clients_reach_each_listener(guarded_orthanc: GuardedOrthanc) -> None:
    uid = guarded_orthanc.hospital.studies["S1"].study_instance_uid
    for path in ("/dicom-web", "/orthanc/dicom-web"):
        (study,) = guarded_orthanc.dicomweb("rad1").get(f"{guarded_orthanc.published}{path}/studies").json()
        assert study["00081190"]["Value"] == [f"{PUBLISHED}{path}/studies/{uid}"]
    (study,) = guarded_orthanc.dicomweb("rad1").get("/studies").json()
    assert study["00081190"]["Value"] == [f"{guarded_orthanc.hospital.dicomweb}/studies/{uid}"]


def test_a_dicomweb_client_works_below_a_mount(guarded_orthanc: GuardedOrthanc) -> None:
    for persona, sees in (("rad1", {"S1"}), ("rad2", {"S2", "S4"})):
        session = guarded_orthanc.at_root(persona)
        client = DICOMwebClient(f"{guarded_orthanc.mounted}/pacs", session=session)
        found = {row["0020000D"]["Value"][0] for row in client.search_for_studies()}
        assert found == {guarded_orthanc.hospital.studies[name].study_instance_uid for name in sees}
        for uid in found:
            objects = client.retrieve_study(uid, media_types=(("application/dicom", "*"),))
            assert {str(each.StudyInstanceUID) for each in objects} == {uid}
