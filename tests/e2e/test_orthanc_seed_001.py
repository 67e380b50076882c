"""The permissions file of Research PACS in front of Orthanc: path patterns, filters, and both at once.

There a profile opens Orthanc by its paths or the portal by its filter.  Here somebody with a filter uses Orthanc
Explorer, the REST API and DICOMweb, and each shows the instances that match and nothing of the others.
"""

import io
import zipfile
from collections.abc import Iterator

import pytest
import requests
from pydicom.dataset import Dataset

from tests.e2e.asking import PATIENCE_SECONDS, within
from tests.support.guarded_orthanc import FurnishedOrthanc, GuardedOrthanc, govern, opened_guarded
from tests.support.orthanc_ids import ids_of
from tests.support.raw_http import ask_raw
from tests.support.seed_001 import SEED

pytestmark = [pytest.mark.long, pytest.mark.server("orthanc"), pytest.mark.timeout(300)]

PASSWORD = "not-in-any-guide-7"
GROUPS = {"ct1": "groups-ct", "both": "groups-ct"}
FILE = SEED.replace(
    "Permissions:\n",
    "  Finder:\n    Description: finds, and denies what it allows\n    OrthancPathPatterns:\n"
    '      Allow: ["ANY /studies/**", "POST /tools/find", "GET /app/**"]\n'
    '      Deny: ["DELETE /**", "GET /studies/*/archive"]\n'
    "Permissions:\n  - {Users: [finder, both], Profiles: Finder}\n",
)
LEVELS = ("patients", "studies", "series", "instances")


@pytest.fixture(scope="module")
def research(
    furnished_orthanc: FurnishedOrthanc, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GuardedOrthanc]:
    furnished = furnished_orthanc.copy_to(tmp_path_factory.mktemp("seed-001"))
    people = dict.fromkeys(("user1", "ct1", "finder", "both", "stranger"), PASSWORD)
    govern(furnished, {"research-pacs:permissions.yaml": FILE}, people, groups=GROUPS)
    with opened_guarded(furnished) as running:
        wanted = {str(each.SOPInstanceUID) for each in tomograms(running)}
        # Instances that were indexed without the filter are asked it first, and show when they have been.
        assert within(PATIENCE_SECONDS, lambda: seen_over_dicomweb(running) == wanted)
        yield running


def ask(guarded: GuardedOrthanc, user: str, request: str, json: object = None) -> requests.Response:
    # Not recorded by the canaries: what they know is the oracle, which knows of no such user.
    method, _, path = request.partition(" ")
    return requests.request(
        method, guarded.mounted + path, auth=(user, PASSWORD), json=json, timeout=30, allow_redirects=False
    )


def tomograms(guarded: GuardedOrthanc) -> list[Dataset]:
    return [one for objects in guarded.hospital.objects.values() for one in objects if one.Modality == "CT"]


def others(guarded: GuardedOrthanc) -> list[Dataset]:
    return [one for objects in guarded.hospital.objects.values() for one in objects if one.Modality != "CT"]


def seen_over_dicomweb(guarded: GuardedOrthanc) -> set[str]:
    seen: set[str] = set()
    for study in ask(guarded, "ct1", "GET /dicom-web/studies?limit=1000").json() or ():
        uid = study["0020000D"]["Value"][0]
        listed = ask(guarded, "ct1", f"GET /dicom-web/studies/{uid}/instances").json()
        seen |= {each["00080018"]["Value"][0] for each in listed}
    return seen


def test_a_filter_shows_its_instances_and_nothing_else_over_rest(research: GuardedOrthanc) -> None:
    mine = [{ids_of(one)[level] for one in tomograms(research)} for level in range(4)]
    foreign = [{ids_of(one)[level] for one in others(research)} - mine[level] for level in range(4)]
    for level, name in enumerate(LEVELS):
        assert set(ask(research, "ct1", f"GET /{name}").json()) == mine[level]
        found = {"Level": ("Patient", "Study", "Series", "Instance")[level], "Query": {}}
        assert set(ask(research, "ct1", "POST /tools/find", found).json()) == mine[level]
        assert {ask(research, "ct1", f"GET /{name}/{one}").status_code for one in mine[level]} == {200}
        assert {ask(research, "ct1", f"GET /{name}/{one}").status_code for one in foreign[level]} == {404}


def test_what_is_mixed_is_shown_and_downloaded_in_part(research: GuardedOrthanc) -> None:
    """S5 and S9 hold a report besides their tomograms."""
    for study in ("S5", "S9"):
        visible = [one for one in research.hospital.objects[study] if one.Modality == "CT"]
        identifier = research.study(study)
        document = ask(research, "ct1", f"GET /studies/{identifier}").json()
        assert set(document["Series"]) == {ids_of(one)[2] for one in visible}
        below = ask(research, "ct1", f"GET /studies/{identifier}/instances").json()
        assert {each["ID"] for each in below} == {ids_of(one)[3] for one in visible}
        packed = ask(research, "ct1", f"GET /studies/{identifier}/archive")
        with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
            assert len(archive.namelist()) == len(visible)
        assert ask(research, "ct1", f"DELETE /studies/{identifier}").status_code == 403


@pytest.mark.parametrize("path", ["/app/explorer.html", "/system", "/plugins", "/statistics", "/changes"])
def test_a_filter_opens_what_the_explorer_asks_for(research: GuardedOrthanc, path: str) -> None:
    assert ask(research, "ct1", f"GET {path}").status_code == 200


ALLOWED, DENIED = {200}, {403}


@pytest.mark.parametrize(
    ("user", "request_line", "statuses"),
    [
        ("user1", "GET /app/explorer.html", ALLOWED),
        ("user1", "GET /system", ALLOWED),
        ("user1", "GET /patients", ALLOWED),
        ("user1", "GET /studies?expand", ALLOWED),
        ("user1", "GET /studies/{study}/archive", ALLOWED),
        ("user1", "GET /instances/{instance}/file", ALLOWED),
        ("user1", "DELETE /studies/{study}", DENIED),
        ("user1", "GET /changes", DENIED),
        ("user1", "GET /statistics", DENIED),
        ("user1", "GET /modalities", DENIED),
        ("user1", "POST /tools/find", DENIED),
        ("user1", "GET /dicom-web/studies", ALLOWED),
        ("finder", "POST /tools/find", ALLOWED),
        ("finder", "GET /studies/{study}", ALLOWED),
        ("finder", "GET /studies/{study}/archive", DENIED),
        ("finder", "DELETE /studies/{study}", DENIED),
        ("finder", "GET /studies", DENIED),
        ("finder", "GET /system", DENIED),
        ("finder", "GET /instances/{instance}", DENIED),
        ("stranger", "GET /studies", DENIED),
        ("stranger", "GET /system", DENIED),
        ("stranger", "GET /app/explorer.html", DENIED),
        ("stranger", "GET /dicom-web/studies", DENIED),
    ],
)
def test_a_pattern_opens_its_paths_and_no_others(
    research: GuardedOrthanc, user: str, request_line: str, statuses: set[int]
) -> None:
    names = {"study": research.study("S2"), "instance": research.instance("S2")}
    body = {"Level": "Study", "Query": {}} if request_line.startswith("POST") else None
    assert ask(research, user, request_line.format_map(names), body).status_code in statuses


def test_a_pattern_lifts_a_filter_on_its_paths_and_on_no_others(research: GuardedOrthanc) -> None:
    """`both` finds and opens every study, and sees tomograms on the paths that only the filter opens."""
    every = {research.study(name) for name in research.hospital.studies}
    mine = {ids_of(one)[1] for one in tomograms(research)}
    assert set(ask(research, "both", "POST /tools/find", {"Level": "Study", "Query": {}}).json()) == every
    assert {ask(research, "both", f"GET /studies/{one}").status_code for one in every} == {200}
    assert set(ask(research, "both", "GET /studies").json()) == mine
    other = research.instance("S2")
    assert ask(research, "both", f"GET /instances/{other}/file").status_code == 404


@pytest.mark.parametrize(
    "path", ["/app/%2e%2e/studies/{study}", "/app/../studies/{study}", "/app/..%2fstudies/{study}"]
)
def test_no_spelling_leads_from_an_allowed_path_to_another(research: GuardedOrthanc, path: str) -> None:
    raw = path.format(study=research.study("S2"))
    assert ask_raw(research.mounted, raw, ("stranger", PASSWORD)).status in {400, 403, 404}
