"""Holes of Orthanc's own REST API behind filters and proxies that know paths and no operations.

A Lua or Python filter of Orthanc sees a method and a path, an authorization plugin a pattern of paths; what a body
names, what an answer holds and what a path becomes on its way is not theirs to look at.
"""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.asking import events
from tests.support.guarded_orthanc import GuardedOrthanc
from tests.support.raw_http import ask_raw

pytestmark = pytest.mark.server("orthanc")

LEVELS = ("patients", "studies", "series", "instances")


def names(guarded: GuardedOrthanc, study: str) -> Iterator[tuple[str, str]]:
    """The path of a study's patient, of itself, its first series and its first instance."""
    found = (guarded.patient(study), guarded.study(study), guarded.series(study), guarded.instance(study))
    return zip(LEVELS, found, strict=True)


def test_a_patient_is_no_way_around_what_is_hidden(guarded_orthanc: GuardedOrthanc) -> None:
    """Elsewhere labels were checked on studies, and `/patients/{id}` led past them to every study and archive."""
    rad1 = guarded_orthanc.client("rad1")
    patient = guarded_orthanc.patient("S2")
    for below in ("", "/studies", "/series", "/instances", "/shared-tags", "/module", "/statistics"):
        assert rad1.get(f"/patients/{patient}{below}").status_code == 404, below
    assert rad1.get(f"/patients/{patient}/archive").status_code == 403  # rad1 exports nothing at all
    assert guarded_orthanc.client("chief1").get(f"/patients/{patient}/studies").status_code == 200


def test_a_patient_list_holds_nobody_without_a_visible_study(guarded_orthanc: GuardedOrthanc) -> None:
    """Elsewhere a patient of another department was listed, with zero studies."""
    rad1 = guarded_orthanc.client("rad1")
    assert rad1.get("/patients").json() == [guarded_orthanc.patient("S1")]
    assert [each["ID"] for each in rad1.get("/patients?expand").json()] == [guarded_orthanc.patient("S1")]


@pytest.mark.parametrize("level", LEVELS)
def test_an_identifier_of_one_level_names_nothing_on_another(
    guarded_orthanc: GuardedOrthanc, level: str
) -> None:
    """Elsewhere the level came from the path and the right from the identifier, or the other way round."""
    chief1 = guarded_orthanc.client("chief1")
    for real, identifier in names(guarded_orthanc, "S1"):
        answered = chief1.get(f"/{level}/{identifier}")
        assert answered.status_code == (200 if real == level else 404), (real, level)


@pytest.mark.parametrize(
    "between",
    ["/..", "/%2e%2e", "/.%2E", "%2f..", "%2F%2e%2e", "/..;", "/.%2e%2f..", "/%252e%252e", "\\..", "/."],
)
def test_no_path_leads_from_the_explorer_to_a_study(guarded_orthanc: GuardedOrthanc, between: str) -> None:
    """Elsewhere `/app/%2e%2e/studies/{id}` matched `ANY /app/**`, and was tidied up on its way to Orthanc."""
    credentials = ("rad1", guarded_orthanc.hospital.passwords["rad1"])
    hidden = guarded_orthanc.study("S2")
    for root, url in (("/orthanc", guarded_orthanc.root), ("", guarded_orthanc.mounted)):
        path = f"{root}/app{between}/studies/{hidden}"
        answered = ask_raw(url, path, credentials)
        assert answered.status in {400, 404}, path
        guarded_orthanc.hospital.recorder.see("rad1", answered.content, path)


@pytest.mark.parametrize(
    "tail", ["%3F", "%23", "%0A", "%00", ";", "%3Fexpand", "//", "%2F", "%20", "%2f..%2f"]
)
def test_no_tail_on_a_path_is_cut_off_after_the_decision(guarded_orthanc: GuardedOrthanc, tail: str) -> None:
    """Elsewhere `DELETE /studies/{id}%3F/` did not match the pattern that denied, and reached `/studies/{id}`."""
    credentials = ("chief1", guarded_orthanc.hospital.passwords["chief1"])
    for path in (f"/orthanc/studies/{guarded_orthanc.study('S1')}{tail}", f"/orthanc/studies{tail}"):
        assert ask_raw(guarded_orthanc.root, path, credentials).status in {400, 404}, path


@pytest.mark.parametrize("path", ["/Studies", "/STUDIES", "/studies/{study}/Series", "/App/explorer.html"])
def test_another_case_is_another_path(guarded_orthanc: GuardedOrthanc, path: str) -> None:
    """Elsewhere a pattern ignored case and the archive behind it did not, or the other way round."""
    study = guarded_orthanc.study("S1")
    assert guarded_orthanc.client("chief1").get(path.format(study=study)).status_code == 404
    assert guarded_orthanc.client("chief1").get(f"/studies/{study.upper()}").status_code in {400, 404}


@pytest.mark.parametrize(
    ("header", "query"),
    [
        ({"X-HTTP-Method-Override": "DELETE"}, ""),
        ({"X-HTTP-Method": "DELETE"}, ""),
        ({"X-Method-Override": "PUT"}, ""),
        ({}, "?_method=DELETE"),
        ({}, "?_METHOD=delete"),
        ({}, "?expand&_method=delete"),
    ],
)
def test_a_request_is_what_its_method_says(
    guarded_orthanc: GuardedOrthanc, header: dict[str, str], query: str
) -> None:
    """Orthanc honours both ways of overriding; a proxy that decided on the method line let GET delete."""
    path = f"/studies/{guarded_orthanc.study('S1')}{query}"
    assert guarded_orthanc.client("chief1").get(path, headers=header).status_code == 400
    assert guarded_orthanc.orthanc.request("GET", f"/studies/{guarded_orthanc.study('S1')}").ok


def test_a_find_is_as_narrow_as_what_one_sees(guarded_orthanc: GuardedOrthanc) -> None:
    """Elsewhere `POST /tools/find` was one path like any other, and its answer was whatever it asked for."""
    rad1 = guarded_orthanc.client("rad1")
    for level, own in zip(
        ("Patient", "Study", "Series", "Instance"), names(guarded_orthanc, "S1"), strict=True
    ):
        found = rad1.post("/tools/find", json={"Level": level, "Query": {}})
        assert own[1] in found.json()
        assert len(found.json()) <= 8
    other = guarded_orthanc.hospital.objects["S2"][0]
    for key in ("PatientID", "PatientName", "AccessionNumber", "StudyInstanceUID"):
        query = {"Level": "Study", "Query": {key: str(other[key].value)}, "Expand": True}
        assert rad1.post("/tools/find", json=query).json() == [], key


def test_a_lookup_tells_of_nothing_that_is_hidden(guarded_orthanc: GuardedOrthanc) -> None:
    """Elsewhere `POST /tools/lookup` needed no right at all, and turned a UID or PatientID into identifiers."""
    rad1 = guarded_orthanc.client("rad1")
    for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        hidden = str(guarded_orthanc.hospital.objects["S2"][0][keyword].value)
        missing = hidden[:-1] + ("1" if hidden[-1] != "1" else "2")
        answers = [rad1.post("/tools/lookup", data=text) for text in (hidden, missing)]
        assert [(each.status_code, each.json()) for each in answers] == [(200, [])] * 2, keyword


def test_changes_and_counts_are_those_of_what_one_sees(guarded_orthanc: GuardedOrthanc) -> None:
    """Elsewhere whoever might view anything read every identifier from `/changes` and every count from `/statistics`."""
    rad1, chief1 = guarded_orthanc.client("rad1"), guarded_orthanc.client("chief1")
    mine = {identifier for _, identifier in names(guarded_orthanc, "S1")}
    changed = rad1.get("/changes?limit=1000").json()["Changes"]
    assert {each["ID"] for each in changed if each["ResourceType"] in {"Patient", "Study"}} <= mine
    counted, all_counted = rad1.get("/statistics").json(), chief1.get("/statistics").json()
    assert (counted["CountPatients"], counted["CountStudies"]) == (1, 1)
    assert all_counted["CountStudies"] == len(guarded_orthanc.hospital.studies)


@pytest.mark.parametrize(
    "path",
    [
        "/worklists",
        "/webdav",
        "/webdav/by-patients",
        "/plugins/postgresql/audit-logs",
        "/auth/tokens/viewer-instant-link",
        "/ui/api/configuration",
        "/stone-webviewer/index.html",
        "/wsi/pyramids/x",
        "/no-such-plugin",
    ],
)
def test_what_the_gate_does_not_know_is_no_way_in(guarded_orthanc: GuardedOrthanc, path: str) -> None:
    """Elsewhere `GET /plugins/(.*)` or an unlisted route of a plugin was open to whoever might view."""
    for method in ("GET", "PUT", "POST"):
        answered = guarded_orthanc.client("chief1").request(method, path)
        assert answered.status_code in {403, 404}, method


def test_nobody_is_told_to_sign_in_wherever_they_ask(guarded_orthanc: GuardedOrthanc) -> None:
    """Elsewhere some routes were open without a credential: static files, lookups, anonymous uploads."""
    nobody = guarded_orthanc.at_root(None)
    for method, path in (
        ("GET", "/"),
        ("GET", "/app/explorer.html"),
        ("GET", "/system"),
        ("GET", "/tools/generate-uid?level=study"),
        ("POST", "/tools/lookup"),
        ("POST", "/instances"),
        ("GET", f"/studies/{guarded_orthanc.study('S1')}"),
        ("GET", "/no-such-path"),
        ("GET", "/dicom-web/servers"),
        ("GET", "/pacs/studies"),
    ):
        answered = nobody.request(method, path)
        assert answered.status_code == 401, path
        assert "WWW-Authenticate" in answered.headers


def test_no_prefix_or_suffix_keeps_a_request_out_of_the_record(guarded_orthanc: GuardedOrthanc) -> None:
    """Elsewhere paths that began with `/app/` or ended in `.css` were left out of the access log."""
    chief1 = guarded_orthanc.client("chief1")
    hidden_from_log = f"/instances/{guarded_orthanc.instance('S1')}/file?x=/app/style.css"
    answered = chief1.get(hidden_from_log)
    assert answered.status_code == 200
    refused = guarded_orthanc.client("rad1").get(f"/app/../instances/{guarded_orthanc.instance('S2')}.css")
    assert refused.status_code in {400, 404}
    uid = guarded_orthanc.hospital.studies["S1"].study_instance_uid
    assert uid in {
        event.get("study.study_instance_uid") for event in events(guarded_orthanc.hospital, user="chief1")
    }


def test_secrets_of_other_stations_are_in_no_answer(guarded_orthanc: GuardedOrthanc) -> None:
    """Elsewhere `GET /peers?expand` and `/modalities/{name}/configuration` told what Orthanc signs in with."""
    for persona in ("chief1", "rad1", "admin1"):
        for path in ("/peers?expand", "/modalities?expand", "/dicom-web/servers?expand", "/system"):
            answered = guarded_orthanc.at_root(persona).get(path)
            assert guarded_orthanc.orthanc.credentials is not None
            assert guarded_orthanc.orthanc.credentials[1] not in answered.text, path
            assert "Password" not in answered.text, path


def test_a_part_of_an_object_is_as_hidden_as_the_object(guarded_orthanc: GuardedOrthanc) -> None:
    """A range, a HEAD and a conditional request are the same question in other words."""
    rad1 = guarded_orthanc.client("rad1")
    for below in ("file", "preview", "tags", "frames/0/raw", "attachments/dicom/data", "content/0010-0010"):
        path = f"/instances/{guarded_orthanc.instance('S2')}/{below}"
        assert rad1.get(path, headers={"Range": "bytes=0-3"}).status_code == 404, below
        assert rad1.head(path).status_code == 404, below
        assert rad1.get(path, headers={"If-None-Match": "*"}).status_code == 404, below


def test_an_answer_names_neither_the_archive_behind_nor_its_account(guarded_orthanc: GuardedOrthanc) -> None:
    """Elsewhere `Location` and `Path` told where the archive really is."""
    chief1 = guarded_orthanc.client("chief1")
    for path in ("/studies?expand", "/system", f"/studies/{guarded_orthanc.study('S1')}", "/changes", "/"):
        answered = chief1.get(path)
        said = answered.text + json.dumps(dict(answered.headers))
        assert f":{guarded_orthanc.orthanc.http_port}" not in said, path


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null"])
def test_a_page_elsewhere_cannot_use_the_password_that_a_browser_keeps(
    guarded_orthanc: GuardedOrthanc, origin: str
) -> None:
    """A browser sends Basic credentials with every page's request, and Orthanc took `POST` and `DELETE` from any page."""
    chief1 = guarded_orthanc.at_root("chief1")
    study = guarded_orthanc.study("S1")
    for header in ({"Sec-Fetch-Site": "cross-site", "Origin": origin}, {"Origin": origin}):
        for method, path in (
            ("POST", "/tools/create-archive"),
            ("POST", "/tools/find"),
            ("DELETE", f"/studies/{study}"),
        ):
            answered = chief1.request(method, path, headers=header, json=[study])
            assert answered.status_code == 403, (method, path)
    assert guarded_orthanc.orthanc.request("GET", f"/studies/{study}").ok
