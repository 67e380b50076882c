"""Two hospitals behind one gate, with the same studies by their UIDs: nobody of one sees a byte of the other.

What is asked of one hospital by its own people is asked here of each of the two, with the canaries of both.  This
is on PostgreSQL, where row-level security stands behind every question; `test_two_tenants_by_dimse` is on SQLite.
"""

from collections.abc import Iterator

import pytest
import requests

from tests.e2e.expectations import Target, routes
from tests.e2e.test_listing_by_persona import (  # noqa: F401 - collected here, for two hospitals
    test_a_hidden_modality_does_not_find_the_study_it_is_in,
    test_a_search_finds_what_the_oracle_says_and_nothing_else,
    test_counts_are_made_of_what_is_visible,
    test_every_resource_that_a_search_finds_passes_its_check_and_no_other_does,
)
from tests.e2e.test_routes_by_persona import (  # noqa: F401 - as above
    test_every_route_answers_each_persona_as_the_oracle_says,
    test_hidden_and_missing_studies_are_told_apart_by_nobody,
    test_the_canaries_were_seen_by_those_who_may,
)
from tests.e2e.walking import VARYING, path_of
from tests.support.databases import cluster
from tests.support.hospital import RecordingSession, RunningHospital
from tests.support.pages import pages_of, studies_on, text_of
from tests.support.two_hospitals import both_running, furnish_both

pytestmark = [pytest.mark.long, pytest.mark.server("postgresql")]

Both = tuple[RunningHospital, RunningHospital]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with cluster() as postgresql:
        settings = f"database: {postgresql.url()}\n"
        both = furnish_both(tmp_path_factory.mktemp("two") / "gate", workers=2, settings=settings)
        with both_running(both) as running:
            yield running


@pytest.fixture(scope="module", params=[0, 1], ids=["default", "north"])
def hospital(both: Both, request: pytest.FixtureRequest) -> RunningHospital:
    """Each of the two."""
    return both[request.param]


@pytest.fixture(scope="module")
def other(both: Both, hospital: RunningHospital) -> RunningHospital:
    """The one that is not `hospital`."""
    return both[1] if hospital is both[0] else both[0]


def test_below_the_name_of_anothers_archive_is_what_is_below_no_archives_name(
    hospital: RunningHospital, other: RunningHospital
) -> None:
    client = hospital.client("chief1")
    for row in routes():
        path = path_of(hospital, row, Target("S1"))
        answers = {
            _told(client, row.method, f"{hospital.url}/archives/{archive}/{dialect}{path}")
            for archive in (other.archive, "nowhere")
            for dialect in ("dicom-web", "orthanc/dicom-web")
        }
        assert len(answers) == 1, (path, answers)
        assert {status for status, _, _ in answers} == {404}, path
    own = client.get(f"{hospital.url}/archives/{hospital.archive}/dicom-web/studies").json()
    assert [row["0020000D"] for row in own] == [row["0020000D"] for row in client.get("/studies").json()]


def test_without_a_credential_nobody_learns_which_archives_there_are(hospital: RunningHospital) -> None:
    client = hospital.client(None)
    for mode in ("navigate", "cors"):
        for below in (
            "dicom-web/studies",
            "orthanc/system",
            "orthanc/dicom-web/studies",
            "orthanc/dicom-web/app",
        ):
            answers = {
                _told(client, "GET", f"{hospital.url}/archives/{archive}/{below}", {"Sec-Fetch-Mode": mode})
                for archive in ("main", "north-main", "nowhere")
            }
            assert len(answers) == 1, (below, answers)


def test_an_instance_search_of_anothers_archive_is_one_of_no_archive(
    hospital: RunningHospital, other: RunningHospital
) -> None:
    client = hospital.client("chief1")
    uid = hospital.studies["S1"].study_instance_uid
    url = f"{hospital.url}/api/v1/search?query=StudyInstanceUID%20StrEquals%20{uid}&archive="
    assert _told(client, "GET", url + other.archive) == _told(client, "GET", url + "nowhere")
    assert _told(client, "GET", url + other.archive)[0] == 404


def test_pages_know_the_archives_of_ones_own_hospital(
    hospital: RunningHospital, other: RunningHospital
) -> None:
    pages = pages_of(hospital, "chief1")
    study = f"/studies/{hospital.studies['S1'].study_instance_uid}"
    for page in ("/studies", "/access", study):
        own = pages.get(f"{page}?archive={hospital.archive}")
        assert (own.status_code, f"archive={other.archive}" in own.text) == (200, False), page
        foreign = pages.get(f"{page}?archive={other.archive}")
        nowhere = pages.get(f"{page}?archive=nowhere")
        if page != "/access":  # which reads no address
            assert foreign.status_code == 404
        assert text_of(foreign.text) == text_of(nowhere.text), page
    assert studies_on(pages.get("/").text) <= {each.study_instance_uid for each in hospital.studies.values()}


def _told(
    client: RecordingSession, method: str, url: str, headers: dict[str, str] | None = None
) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
    response: requests.Response = client.request(method, url, headers=headers)
    told = tuple((name, value) for name, value in response.raw.headers.items() if name.lower() not in VARYING)
    return response.status_code, told, response.content
