"""What Orthanc's routes tell: to who sees everything what Orthanc itself tells, to others what a check allows."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from pacsgate.audit.events import EventKind
from pacsgate.sinks.trail_reader import read_trail
from tests.support.guarded_orthanc import GuardedOrthanc
from tests.support.orthanc_ids import orthanc_id

pytestmark = pytest.mark.server("orthanc")

WORDS = ("patients", "studies", "series", "instances")
SEES_ALL = "chief1"
FORMS = ("", "?full", "?short")
LEVELS = dict(zip(WORDS, ("Patient", "Study", "Series", "Instance"), strict=True))
COUNTS = dict(zip(WORDS, ("CountPatients", "CountStudies", "CountSeries", "CountInstances"), strict=True))


def told(answer: Any) -> Any:
    """An answer's JSON, with lists in an order of their own, because the gate's is not Orthanc's."""
    return in_order(answer.json())


def in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: in_order(each) for name, each in value.items()}
    if isinstance(value, list):
        return sorted(map(in_order, value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


def differences(here: Any, there: Any) -> Iterator[str]:
    """Where two answers differ."""
    if here.status_code != there.status_code:
        yield f"{here.status_code} {here.text[:200]}"
    else:
        yield from between(told(here), told(there), "")


def between(here: Any, there: Any, at: str) -> Iterator[str]:
    if type(here) is not type(there):
        yield f"{at}: {here!r} | {there!r}"
    elif isinstance(here, dict):
        for name in here.keys() | there.keys():
            yield from between(here.get(name, "(missing)"), there.get(name, "(missing)"), f"{at}.{name}")
    elif isinstance(here, list) and len(here) == len(there):
        for one, other in zip(here, there, strict=True):
            yield from between(one, other, f"{at}[]")
    elif here != there:
        yield f"{at}: {here!r} | {there!r}"


def ids(guarded: GuardedOrthanc, study: str) -> dict[str, str]:
    return {
        "patients": guarded.patient(study),
        "studies": guarded.study(study),
        "series": guarded.series(study),
        "instances": guarded.instance(study),
    }


def reading_routes(guarded: GuardedOrthanc, study: str) -> Iterator[str]:
    named = ids(guarded, study)
    for word in WORDS:
        one = f"/{word}/{named[word]}"
        for form in FORMS:
            yield f"{one}{form}"
            yield f"/{word}?expand&{form[1:]}"
        for tail in ("module", "statistics", *(("metadata",) if word != "instances" else ())):
            yield f"{one}/{tail}"
        for relative in ("patient", "study", "series", "studies", "instances"):
            plural_at = WORDS.index(relative) if relative in WORDS else -1
            if relative in {"patient", "study"} and WORDS.index(word) <= ("patient", "study").index(relative):
                continue
            if relative in {"studies", "instances"} and WORDS.index(word) >= plural_at:
                continue
            if relative == "series" and word == "series":
                continue
            yield f"{one}/{relative}"
        yield f"/{word}"
    yield f"/studies/{named['studies']}/module-patient"
    for word in ("patients", "studies", "series"):
        for form in ("", "?simplify", "?short"):
            yield f"/{word}/{named[word]}/shared-tags{form}"
            yield f"/{word}/{named[word]}/instances-tags{form}"
    yield f"/series/{named['series']}/ordered-slices"
    one = f"/instances/{named['instances']}"
    for tail in (
        "tags",
        "tags?simplify",
        "tags?short",
        "tags?ignore-length=0010-0010",
        "simplified-tags",
        "header",
        "header?simplify",
        "content",
        "frames",
        "frames/0",
    ):
        yield f"{one}/{tail}"
    yield "/statistics"
    yield "/changes?since=0&limit=50"
    yield "/changes?last"
    yield "/plugins"
    yield "/plugins/dicom-web"
    yield "/tools"


LONG = pytest.mark.long


@pytest.mark.parametrize("study", [pytest.param("S1", marks=LONG), "S5", pytest.param("S9", marks=LONG)])
def test_who_sees_everything_is_told_what_orthanc_tells(guarded_orthanc: GuardedOrthanc, study: str) -> None:
    client = guarded_orthanc.client(SEES_ALL)
    wrong: list[str] = []
    for path in reading_routes(guarded_orthanc, study):
        here, there = client.get(path), guarded_orthanc.orthanc.request("GET", path)
        wrong += [f"{path}: {each}" for each in differences(here, there)]
    assert not wrong, "\n".join(wrong[:40])


def test_metadata_are_orthancs_but_for_the_gates_own_account(guarded_orthanc: GuardedOrthanc) -> None:
    path = f"/instances/{guarded_orthanc.instance('S1')}/metadata"
    here = guarded_orthanc.client(SEES_ALL).get(f"{path}?expand").json()
    there = guarded_orthanc.orthanc.request("GET", f"{path}?expand").json()
    assert there.pop("HttpUsername")
    assert here == there
    assert guarded_orthanc.client(SEES_ALL).get(f"{path}/ReceptionDate").text == there["ReceptionDate"]
    assert guarded_orthanc.client(SEES_ALL).get(f"{path}/HttpUsername").status_code == 404


FINDS: tuple[dict[str, Any], ...] = (
    {"Level": "Patient", "Query": {}},
    {"Level": "Study", "Query": {}, "Expand": True},
    {"Level": "Series", "Query": {"Modality": "CT"}, "Expand": True, "Full": True},
    {"Level": "Series", "Query": {"Modality": "ct"}},
    {"Level": "Instance", "Query": {"Modality": "SR"}, "Expand": True, "Short": True},
    {"Level": "Study", "Query": {"PatientName": "*a*"}},
    {"Level": "Patient", "Query": {"PatientName": "*A*"}, "Expand": True},
    {"Level": "Patient", "Query": {"PatientSex": "F"}},
    {"Level": "Instance", "Query": {"PatientName": "*e*", "Modality": "CT\\MR"}},
)


@pytest.mark.parametrize("find", FINDS, ids=json.dumps)
def test_who_sees_everything_finds_what_orthanc_finds(
    guarded_orthanc: GuardedOrthanc, find: dict[str, Any]
) -> None:
    here = guarded_orthanc.client(SEES_ALL).post("/tools/find", json=find)
    there = guarded_orthanc.orthanc.request("POST", "/tools/find", json=find)
    assert list(differences(here, there)) == []
    assert there.json()


def test_a_condition_that_cannot_be_decided_is_refused_and_never_passed_over(
    guarded_orthanc: GuardedOrthanc,
) -> None:
    client = guarded_orthanc.client(SEES_ALL)
    for further, status in (
        ({"Query": {"KVP": "120"}}, 501),
        ({"Query": {"NoSuchAttribute": "x"}}, 400),
        ({"Query": {}, "Labels": ["x"]}, 501),
        ({"Query": {}, "OrderBy": []}, 400),
        ({"Query": {}, "NoSuchField": 1}, 400),
        ({}, 400),
    ):
        answer = client.post("/tools/find", json={"Level": "Instance", **further})
        assert answer.status_code == status, answer.text
    assert client.get("/studies?nosuch=1").status_code == 400
    assert client.get("/studies?limit=1").status_code == 400


@pytest.mark.parametrize("word", ["patients", *(pytest.param(word, marks=LONG) for word in WORDS[1:])])
def test_pages_follow_each_other_without_gap_or_repetition(
    guarded_orthanc: GuardedOrthanc, word: str
) -> None:
    client = guarded_orthanc.client(SEES_ALL)
    whole = client.get(f"/{word}").json()
    assert sorted(whole) == sorted(guarded_orthanc.orthanc.request("GET", f"/{word}").json())
    paged: list[str] = []
    while page := client.get(f"/{word}?since={len(paged)}&limit=3").json():
        paged += page
    assert paged == whole


RESTRICTED = ("stud1", *(pytest.param(name, marks=LONG) for name in ("rad1", "rad3", "clerk1", "ref1")))


@pytest.mark.parametrize("persona", RESTRICTED)
def test_what_is_listed_is_reachable_and_what_is_not_is_missing(
    guarded_orthanc: GuardedOrthanc, persona: str
) -> None:
    client = guarded_orthanc.client(persona)
    for word in WORDS:
        listed = client.get(f"/{word}").json()
        everything = guarded_orthanc.orthanc.request("GET", f"/{word}").json()
        assert 0 < len(listed) < len(everything)
        reachable = {name for name in everything if client.get(f"/{word}/{name}").status_code == 200}
        assert set(listed) == reachable
        refused = {client.get(f"/{word}/{name}").status_code for name in everything if name not in reachable}
        assert refused == {404}
        documents = client.get(f"/{word}?expand").json()
        assert [document["ID"] for document in documents] == listed
        assert documents == [client.get(f"/{word}/{name}").json() for name in listed]
        found = client.post("/tools/find", json={"Level": LEVELS[word], "Query": {}}).json()
        assert found == listed
        counted = client.post("/tools/count-resources", json={"Level": LEVELS[word], "Query": {}}).json()
        assert counted == {"Count": len(listed)}
        assert client.get("/statistics").json()[COUNTS[word]] == len(listed)


@pytest.mark.parametrize("persona", RESTRICTED)
def test_documents_name_listed_resources_only(guarded_orthanc: GuardedOrthanc, persona: str) -> None:
    client = guarded_orthanc.client(persona)
    listed = {word: set(client.get(f"/{word}").json()) for word in WORDS}
    named: dict[str, set[str]] = {word: set() for word in WORDS}
    for patient in client.get("/patients?expand").json():
        named["studies"].update(patient["Studies"])
    for study in client.get("/studies?expand").json():
        named["series"].update(study["Series"])
        named["patients"].add(study["ParentPatient"])
    for series in client.get("/series?expand").json():
        named["instances"].update(series["Instances"])
    assert named == listed
    for change in client.get("/changes?since=0&limit=1000").json()["Changes"]:
        assert change["ID"] in set().union(*listed.values())


def test_of_a_partly_visible_study_the_visible_part_speaks(guarded_orthanc: GuardedOrthanc) -> None:
    student, chief = guarded_orthanc.client("stud1"), guarded_orthanc.client(SEES_ALL)
    study = f"/studies/{guarded_orthanc.study('S5')}"
    shown, hidden = guarded_orthanc.series("S5", 1), guarded_orthanc.series("S5", 2)
    here, there = student.get(study).json(), chief.get(study).json()
    assert sorted(there["Series"]) == sorted([shown, hidden])
    assert here == {
        **there,
        "Series": [shown],
        "LastUpdate": here["LastUpdate"],
        "IsStable": here["IsStable"],
    }
    assert student.get(f"{study}/statistics").json()["CountSeries"] == 1
    assert student.get(f"{study}/metadata").json() == ["LastUpdate"]
    for path in (
        f"/series/{hidden}",
        f"/series/{hidden}/study",
        f"/series/{hidden}/shared-tags",
        f"/studies/{hidden}",
        f"/studies/{shown}",
    ):
        assert student.get(path).status_code == 404, path
    tags = student.get(f"{study}/instances-tags?simplify").json()
    instances = student.get(f"/series/{shown}").json()["Instances"]
    assert sorted(tags) == sorted(instances)
    assert tags == {one: student.get(f"/instances/{one}/simplified-tags").json() for one in instances}
    shared = student.get(f"{study}/shared-tags?simplify").json()
    assert shared == chief.get(f"/series/{shown}/shared-tags?simplify").json()
    for module in ("module", "module-patient"):
        assert student.get(f"{study}/{module}").json() == chief.get(f"{study}/{module}").json()


def test_the_clerk_is_told_nothing_that_is_masked(guarded_orthanc: GuardedOrthanc) -> None:
    clerk = guarded_orthanc.client("clerk1")
    study = guarded_orthanc.study("S1")
    for form in FORMS:
        document = clerk.get(f"/studies/{study}{form}").json()
        assert "StudyDate" in repr(document) or form == "?short"
        assert "PatientName" not in repr(document)
        assert "0010,0010" not in repr(document)
    assert clerk.get(f"/studies/{study}/instances-tags").status_code == 403
    for query in ({"PatientName": "*a*"}, {"AccessionNumber": "*1*"}):
        answer = clerk.post("/tools/find", json={"Level": "Study", "Query": query})
        assert answer.status_code == 403 or answer.json() == []


@pytest.mark.parametrize(
    "further", [{}, {"Level": "Series"}, {"Level": "Instance", "Metadata": False, "Short": True}]
)
def test_many_documents_at_once_are_those_that_orthanc_sends(
    guarded_orthanc: GuardedOrthanc, further: dict[str, Any]
) -> None:
    body = {"Resources": [guarded_orthanc.study("S1"), guarded_orthanc.series("S5", 2)], **further}
    here = guarded_orthanc.client(SEES_ALL).post("/tools/bulk-content", json=body)
    there = guarded_orthanc.orthanc.request("POST", "/tools/bulk-content", json=body)
    assert list(differences(here, there)) == []
    for persona in ("rad1", "stud1"):
        assert guarded_orthanc.client(persona).post("/tools/bulk-content", json=body).status_code == 404


def test_an_identifier_of_dicom_is_looked_up_within_what_may_be_searched(
    guarded_orthanc: GuardedOrthanc,
) -> None:
    rad1, chief, orthanc = (
        guarded_orthanc.client("rad1"),
        guarded_orthanc.client(SEES_ALL),
        guarded_orthanc.orthanc,
    )
    instance = guarded_orthanc.hospital.objects["S1"][0]
    for study, seen in (("S1", True), ("S2", False)):
        instance = guarded_orthanc.hospital.objects[study][0]
        for value in (
            instance.PatientID,
            instance.StudyInstanceUID,
            instance.SeriesInstanceUID,
            instance.SOPInstanceUID,
        ):
            straight = orthanc.request("POST", "/tools/lookup", data=str(value)).json()
            assert straight, value
            assert chief.post("/tools/lookup", data=str(value)).json() == straight
            assert rad1.post("/tools/lookup", data=str(value)).json() == (straight if seen else [])
    clerk = guarded_orthanc.client("clerk1")
    assert len(clerk.post("/tools/lookup", data=str(instance.PatientID)).json()) == 1
    assert rad1.post("/tools/lookup", data="nothing").json() == []
    for pattern in ("*", "P1*", "P?"):
        with pytest.raises(requests.HTTPError, match="400"):
            orthanc.request("POST", "/tools/lookup", data=pattern)
        assert rad1.post("/tools/lookup", data=pattern).status_code == 400


def test_a_parent_that_is_hidden_holds_nothing(guarded_orthanc: GuardedOrthanc) -> None:
    rad1 = guarded_orthanc.client("rad1")
    hidden, made_up = guarded_orthanc.study("S2"), guarded_orthanc.study("S2")[::-1]
    answers = [
        rad1.post("/tools/find", json={"Level": "Series", "Query": {}, "ParentStudy": parent})
        for parent in (hidden, made_up)
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, []), (200, [])]
    own: dict[str, Any] = {"Level": "Instance", "Query": {}, "ParentStudy": guarded_orthanc.study("S1")}
    expected = [each["ID"] for each in rad1.get(f"/studies/{guarded_orthanc.study('S1')}/instances").json()]
    assert sorted(rad1.post("/tools/find", json=own).json()) == sorted(expected)


def test_the_explorers_files_and_orthancs_own_words_are_for_whoever_may_do_anything(
    guarded_orthanc: GuardedOrthanc,
) -> None:
    rad1, nobody = guarded_orthanc.client("rad1"), guarded_orthanc.client(None)
    explorer = rad1.get("/app/explorer.html")
    assert explorer.content == guarded_orthanc.orthanc.request("GET", "/app/explorer.html").content
    assert explorer.headers["content-type"].startswith("text/html")
    for path, place in (("/", "/app/explorer.html"), ("/favicon.ico", "/app/images/favicon.ico")):
        moved = rad1.get(path, allow_redirects=False)
        assert (moved.status_code, moved.headers["location"]) == (301, f"/orthanc{place}")
        moved = guarded_orthanc.at_root("rad1").get(path, allow_redirects=False)
        assert moved.headers["location"] == place
    system = rad1.get("/system").json()
    assert system.items() <= guarded_orthanc.orthanc.request("GET", "/system").json().items()
    assert system["Version"]
    assert rad1.get("/tools/generate-uid?level=study").text.count(".") > 3
    for path in ("/app/explorer.html", "/system", "/", "/tools/generate-uid"):
        assert nobody.get(path).status_code == 401
    assert guarded_orthanc.client("comp1").get("/system").status_code == 403


def test_an_object_by_wado_uri_is_the_file(guarded_orthanc: GuardedOrthanc) -> None:
    made = guarded_orthanc.hospital.objects["S1"][0]
    query = (
        f"requestType=WADO&studyUID={made.StudyInstanceUID}&seriesUID={made.SeriesInstanceUID}"
        f"&objectUID={made.SOPInstanceUID}&contentType=application/dicom"
    )
    name = orthanc_id(made.PatientID, made.StudyInstanceUID, made.SeriesInstanceUID, made.SOPInstanceUID)
    file = guarded_orthanc.orthanc.request("GET", f"/instances/{name}/file").content
    assert guarded_orthanc.client("rad1").get(f"/wado?{query}").content == file
    assert guarded_orthanc.client("rad2").get(f"/wado?{query}").status_code == 404


def test_head_is_answered_like_get_without_the_body(guarded_orthanc: GuardedOrthanc) -> None:
    rad1 = guarded_orthanc.client("rad1")
    for path in ("/studies", f"/studies/{guarded_orthanc.study('S1')}", "/system", "/nope"):
        head, get = rad1.head(path), rad1.get(path)
        assert head.status_code == get.status_code
        assert head.content == b""
        assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize("keyword", ["SeriesInstanceUID", "SOPInstanceUID"])
def test_a_series_or_instance_is_found_by_its_uid_alone(
    guarded_orthanc: GuardedOrthanc, keyword: str
) -> None:
    level = "Series" if keyword == "SeriesInstanceUID" else "Instance"
    for study, seen in (("S1", True), ("S2", False)):
        uid = str(guarded_orthanc.hospital.objects[study][0][keyword].value)
        find: dict[str, Any] = {"Level": level, "Query": {keyword: uid}}
        straight = guarded_orthanc.orthanc.request("POST", "/tools/find", json=find).json()
        assert len(straight) == 1
        assert guarded_orthanc.client(SEES_ALL).post("/tools/find", json=find).json() == straight
        assert guarded_orthanc.client("rad1").post("/tools/find", json=find).json() == (
            straight if seen else []
        )


def test_reads_searches_and_refusals_are_on_record_when_they_are_answered(
    guarded_orthanc: GuardedOrthanc,
) -> None:
    rad1 = guarded_orthanc.client("rad1")
    answers = {
        "read": rad1.get(f"/studies/{guarded_orthanc.study('S1')}/series"),
        "found": rad1.post("/tools/find", json={"Level": "Study", "Query": {"PatientID": "*"}}),
        "hidden": rad1.get(f"/series/{guarded_orthanc.series('S2')}"),
        "never": rad1.get("/tools/metrics-prometheus"),
    }
    trail = [entry.event for entry in read_trail(guarded_orthanc.hospital.config.parent / "data" / "trail")]
    of = {
        name: [event for event in trail if event.request_id == answer.headers["x-request-id"]]
        for name, answer in answers.items()
    }
    assert [(event.kind, event.count) for event in of["found"]] == [(EventKind.QUERY, 1)]
    assert "PatientID" in str(of["found"][0].query)
    (refused,) = of["hidden"]
    assert (refused.kind, refused.action, refused.reasons) == (EventKind.DENIED, "search", ("not-visible",))
    assert refused.details["orthanc_id"] == guarded_orthanc.series("S2")
    assert [event.reasons for event in of["never"]] == [("no-permission",)]
    uid = guarded_orthanc.hospital.studies["S1"].study_instance_uid
    openings = [event for event in trail if event.kind is EventKind.INSTANCES_ACCESSED and event.study]
    assert any(
        event.action == "search" and event.study.study_instance_uid == uid
        for event in openings
        if event.study
    )
