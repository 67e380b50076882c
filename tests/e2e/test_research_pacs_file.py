"""The permissions file of seed 001, unchanged, in front of the archive: over HTTP its people see what it says, down to the instance."""

import http.client
import io
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import requests
from pydicom import dcmread
from pydicom.dataset import Dataset

from pacsgate.audit.events import EventKind
from pacsgate.cli.desk import open_desk
from tests.e2e.asking import PATIENCE_SECONDS, events, found, within
from tests.support.hospital import FurnishedHospital, RunningHospital, cli, opened
from tests.support.seed_001 import SEED

FOREIGN = "foreign_policies: [{format: research-pacs, path: permissions.yaml}]\n"
PEOPLE = {"user1": (), "ct1": ("groups-ct",), "stranger": ("groups-mr",), "first1": ("groups-first",)}
PASSWORD = "not-in-any-guide-7"
HOT_RELOAD_SECONDS = 10
"""As soon as its own portal reads the file again."""
FIRST = SEED.replace(
    "Permissions:\n",
    "  First: {Description: first slices, DICOMQueryFilter: Modality StrEquals MR AND InstanceNumber NbLess 3}\n"
    "Permissions:\n  - {Groups: groups-first, Profiles: First}\n",
)

APP = SEED.replace(
    "Permissions:\n",
    '  App: {Description: the viewer, OrthancPathPatterns: {Allow: ["ANY /app/**", "ANY /dicom-web/app/**"]}}\n'
    "Permissions:\n  - {Groups: groups-first, Profiles: App}\n",
)


@pytest.fixture(scope="module")
def research(
    furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHospital]:
    """The demo's archive, indexed without any filter, behind a gate that reads the file of seed 001."""
    copied = furnished.copy_to(tmp_path_factory.mktemp("research") / "gate")
    permissions(copied.config).write_text(SEED, "utf-8")
    (copied.config.parent / "policy.yaml").write_text("version: 1\n", "utf-8")
    with copied.config.open("a", encoding="utf-8") as config:
        config.write(FOREIGN)
    with open_desk(copied.config) as desk:
        for name, groups in PEOPLE.items():
            desk.users.add(desk.change(), name, password=PASSWORD, groups=frozenset(groups))
    with opened(copied) as running:
        yield replace(running, passwords={**running.passwords, **dict.fromkeys(PEOPLE, PASSWORD)})


def permissions(config: Path) -> Path:
    return config.parent / "permissions.yaml"


def ask(
    hospital: RunningHospital, user: str, path: str, accept: str = "*/*", method: str = "GET"
) -> requests.Response:
    # Not recorded by the canaries: what they know is the oracle, which knows of no such user.
    return requests.request(
        method,
        path if path.startswith("http") else hospital.dicomweb + path,
        auth=(user, PASSWORD),
        headers={"Accept": accept},
        timeout=30,
        allow_redirects=False,
    )


def everything(hospital: RunningHospital) -> list[Dataset]:
    return [one for instances in hospital.objects.values() for one in instances]


def uids(objects: list[Dataset]) -> set[str]:
    return {str(one.SOPInstanceUID) for one in objects}


def computed_tomography(hospital: RunningHospital) -> list[Dataset]:
    return [one for one in everything(hospital) if one.Modality == "CT"]


def searched(hospital: RunningHospital, user: str, query: str) -> set[str]:
    """What the search of instances finds, all pages of it."""
    seen: set[str] = set()
    cursor = ""
    while True:
        url = f"{hospital.url}/api/v1/search?limit=7&query={quote(query)}{cursor}"
        answer = ask(hospital, user, url)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        seen |= {row["00080018"]["Value"][0] for row in page["instances"]}
        if page["cursor"] is None:
            return seen
        cursor = f"&cursor={page['cursor']}"


def asked_by_now(hospital: RunningHospital) -> bool:
    """Whether the archive, which was indexed without filters, has been asked the one of the seed."""
    return searched(hospital, "ct1", "") == uids(computed_tomography(hospital))


def test_the_group_sees_computed_tomography_only(research: RunningHospital) -> None:
    assert within(PATIENCE_SECONDS, lambda: asked_by_now(research))
    mine = {str(one.StudyInstanceUID) for one in computed_tomography(research)}
    names = {name for name, study in research.studies.items() if study.study_instance_uid in mine}
    assert found(research, "ct1") == names
    listed = ask(research, "ct1", "/series?limit=1000").json()
    assert {row["00080060"]["Value"][0] for row in listed} == {"CT"}
    assert ask(research, "ct1", f"{research.study('S5')}/metadata").json()[0]["00080060"]["Value"] == ["CT"]
    for hidden in (research.series("S5", 2), research.study("S2"), research.instance("S2")):
        assert ask(research, "ct1", hidden).status_code == 404
    assert ask(research, "ct1", research.study("S1"), method="DELETE").status_code == 403


def test_the_user_sees_everything_and_changes_nothing(research: RunningHospital) -> None:
    assert found(research, "user1") == set(research.studies)
    assert searched(research, "user1", "") == uids(everything(research))
    for path in (research.study("S2"), f"{research.study('S1')}/metadata", research.instance("S5")):
        assert ask(research, "user1", path).status_code == 200
    assert ask(research, "user1", research.study("S1"), method="DELETE").status_code == 403


def test_nobody_else_sees_anything(research: RunningHospital) -> None:
    assert ask(research, "stranger", "/studies").status_code == 403
    assert ask(research, "stranger", research.study("S1")).status_code == 403
    assert ask(research, "stranger", f"{research.url}/api/v1/search").status_code == 403
    assert requests.get(f"{research.url}/api/v1/search", timeout=30).status_code == 401


@pytest.mark.parametrize(
    "query",
    ["Modality StrEquals MR", "Modality StrNotEquals CT", "PatientName StrEquals VANE*", "KVP Exists"],
)
def test_a_query_narrows_and_never_widens(research: RunningHospital, query: str) -> None:
    assert within(PATIENCE_SECONDS, lambda: asked_by_now(research))
    assert searched(research, "ct1", query) == searched(research, "user1", query) & searched(
        research, "ct1", ""
    )


@pytest.mark.parametrize(
    "query", ["Modality Exists) OR (Modality Exists", "Modality Exists))((", "x", "A\tExists"]
)
def test_no_query_gets_out_of_its_parentheses(research: RunningHospital, query: str) -> None:
    answer = ask(research, "ct1", f"{research.url}/api/v1/search?query={quote(query)}")
    assert answer.status_code == 400
    assert "instances" not in answer.json()


@pytest.mark.parametrize("wrong", ["limit=0", "limit=1001", "cursor=x", "offset=1", "query=a&query=b"])
def test_a_search_asked_wrongly_is_told_so(research: RunningHospital, wrong: str) -> None:
    assert ask(research, "ct1", f"{research.url}/api/v1/search?{wrong}").status_code == 400
    assert ask(research, "ct1", f"{research.url}/api/v1/search?archive=none").status_code == 404


def test_a_search_is_on_record_before_its_answer_leaves(research: RunningHospital) -> None:
    searched(research, "ct1", "StudyID StrEquals none-such")
    recorded = events(research, kind=EventKind.QUERY, user="ct1")
    assert any("none-such" in str(event.get("query")) for event in recorded)


def test_an_edited_file_decides_about_single_instances(research: RunningHospital) -> None:
    first = {
        str(one.SOPInstanceUID)
        for one in everything(research)
        if one.Modality == "MR" and one.InstanceNumber < 3
    }
    of_series = list(research.objects["S2"])
    mine = uids(of_series) & first
    assert 0 < len(mine) < len(of_series)
    try:
        permissions(research.config).write_text(FIRST, "utf-8")
        assert within(HOT_RELOAD_SECONDS, lambda: ask(research, "first1", "/studies").status_code != 403)
        assert within(PATIENCE_SECONDS, lambda: searched(research, "first1", "") == first)
        (row,) = ask(research, "first1", f"{research.study('S2')}/series").json()
        assert row["00201209"]["Value"] == [len(mine)]
        instances = ask(research, "first1", f"{research.series('S2')}/instances").json()
        assert {each["00080018"]["Value"][0] for each in instances} == mine
        metadata = ask(research, "first1", f"{research.series('S2')}/metadata").json()
        assert {each["00080018"]["Value"][0] for each in metadata} == mine
        packed = zipfile.ZipFile(
            io.BytesIO(ask(research, "first1", research.study("S2"), "application/zip").content)
        )
        assert {str(dcmread(packed.open(name)).SOPInstanceUID) for name in packed.namelist()} == mine
        for one in of_series:
            path = f"{research.series('S2')}/instances/{one.SOPInstanceUID}"
            expected = 200 if str(one.SOPInstanceUID) in mine else 404
            for tail in ("", "/metadata", "/rendered", "/thumbnail", "/frames/1"):
                assert ask(research, "first1", path + tail).status_code == expected
        assert ask(research, "first1", f"{research.series('S2')}/thumbnail").status_code == 200
        missing = ask(research, "first1", f"{research.series('S2')}/instances/1.2.3")
        (hidden, *_) = uids(of_series) - mine
        told = ask(research, "first1", f"{research.series('S2')}/instances/{hidden}")
        assert (told.status_code, told.content) == (missing.status_code, missing.content)
    finally:
        permissions(research.config).write_text(SEED, "utf-8")
    assert within(HOT_RELOAD_SECONDS, lambda: ask(research, "first1", "/studies").status_code == 403)


def raw(hospital: RunningHospital, user: str, method: str, path: str) -> int:
    """The status of a request whose path is sent as it is: most clients would tidy it up first."""
    address = urlsplit(hospital.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    connection.putrequest(method, path, skip_accept_encoding=True)
    credential = b64encode(f"{user}:{PASSWORD}".encode()).decode("ascii")
    connection.putheader("Authorization", f"Basic {credential}")
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_no_way_leads_from_an_allowed_path_to_another(research: RunningHospital) -> None:
    study = research.study("S4")
    try:
        permissions(research.config).write_text(APP, "utf-8")
        assert within(HOT_RELOAD_SECONDS, lambda: ask(research, "first1", "/studies").status_code == 200)
        for way in (
            "/app/%2e%2e",
            "/app/..",
            "/app/.%2E",
            "/app%2f..",
            "/app/..%2f..%2fdicom-web",
            "/app/",
            "//app/..",
        ):
            assert raw(research, "first1", "DELETE", f"/dicom-web{way}{study}") in {400, 403, 404}
            assert raw(research, "first1", "DELETE", f"{way}/dicom-web{study}") in {400, 403, 404, 405}
        for tail in ("%3F", "%23", "/", "?x=/app/"):
            assert raw(research, "first1", "DELETE", f"/dicom-web{study}{tail}") in {400, 403, 404}
        assert ask(research, "first1", study, "application/dicom+json, */*").status_code == 200
    finally:
        permissions(research.config).write_text(SEED, "utf-8")
    assert within(HOT_RELOAD_SECONDS, lambda: ask(research, "first1", "/studies").status_code == 403)
    assert "S4" in found(research, "user1")


def test_a_broken_file_leaves_the_last_good_one_live(research: RunningHospital) -> None:
    try:
        permissions(research.config).write_text(SEED.replace("DICOMQueryFilter", "DicomQueryFilter"), "utf-8")
        ready = f"{research.url}/readyz"
        assert within(HOT_RELOAD_SECONDS, lambda: requests.get(ready, timeout=30).status_code == 503)
        assert ask(research, "ct1", research.study("S2")).status_code == 404
        checked = cli("config", "check", str(research.config))
        assert "permissions.yaml:18:5" in checked.stderr
    finally:
        permissions(research.config).write_text(SEED, "utf-8")
    assert within(HOT_RELOAD_SECONDS, lambda: requests.get(ready, timeout=30).status_code == 200)


def test_the_command_line_searches_with_a_user_s_eyes(research: RunningHospital) -> None:
    assert within(PATIENCE_SECONDS, lambda: asked_by_now(research))
    shown = research.cli(
        "search", "--user", "ct1", "Modality StrEquals CT OR Modality StrEquals MR", "--json"
    )
    assert shown.returncode == 0, shown.stderr
    for one in everything(research):
        assert (str(one.SOPInstanceUID) in shown.stdout) is (one.Modality == "CT")
