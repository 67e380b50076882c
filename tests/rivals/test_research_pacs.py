"""Holes of Research PACS on AWS."""

import http.client
from base64 import b64encode
from urllib.parse import urlsplit

import pytest

from tests.support.hospital import RunningHospital


@pytest.mark.parametrize(
    "between", ["/..", "/%2e%2e", "/.%2E", "%2f..", "%2F%2e%2e", "/..;", "/.%2e%2f..", "/%252e%252e", "\\.."]
)
def test_no_spelling_of_a_path_leads_from_what_is_allowed_to_what_is_not(
    hospital: RunningHospital, between: str
) -> None:
    """Sent as they are: most clients would tidy them up first."""
    mine, other = hospital.study("S1"), hospital.studies["S2"].study_instance_uid
    address = urlsplit(hospital.url)
    credential = b64encode(f"rad1:{hospital.passwords['rad1']}".encode()).decode("ascii")
    for path in (f"{mine}{between}/{other}/metadata", f"{mine}/metadata{between}{between}/{other}/metadata"):
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        connection.putrequest("GET", f"/dicom-web{path}", skip_accept_encoding=True)
        connection.putheader("Authorization", f"Basic {credential}")
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status in {400, 404}
        hospital.recorder.see("rad1", answer.read(), path)
        connection.close()


@pytest.mark.parametrize("tail", ["%3F", "%23", "%0A", "%00", ";", ".", "/", "//", "%20"])
def test_no_tail_on_a_path_names_a_hidden_study(hospital: RunningHospital, tail: str) -> None:
    answered = hospital.client("rad1").get(f"{hospital.study('S2')}{tail}")
    assert answered.status_code in {400, 404}


@pytest.mark.parametrize("accept", ['multipart/related; type="application/dicom"', "application/dicom+json"])
def test_what_is_partly_visible_is_not_downloaded_whole(hospital: RunningHospital, accept: str) -> None:
    """The recorder knows the report's UIDs and looks for them in every answer."""
    path = hospital.study("S5") + ("/metadata" if "json" in accept else "")
    student = hospital.client("stud1").get(path, headers={"Accept": accept})
    chief = hospital.client("chief1").get(path, headers={"Accept": accept})
    assert student.status_code == chief.status_code == 200
    assert len(student.content) < len(chief.content)
    assert hospital.client("stud1").get(hospital.series("S5", 2)).status_code == 404
