"""Somebody who may look at images but not at names: no answer of Orthanc's has one, in whatever form it is asked for."""

import json
from collections.abc import Iterator

import pytest

from pacsgate.cli.desk import open_desk
from tests.support.canaries import Canary
from tests.support.guarded_orthanc import FurnishedOrthanc, GuardedOrthanc, opened_guarded
from tests.support.hospital import RecordingSession

pytestmark = [pytest.mark.server("orthanc"), pytest.mark.long]

WATCHER, PASSWORD = "watcher1", "correct horse battery staple"
HIDDEN = frozenset({"PatientName", "AccessionNumber", "SeriesDescription"})
POLICY = f"""\
version: 1
roles:
  watcher: {{may: [search, view, retrieve], owner: chief1}}
rules:
  - {{id: watchers-watch, effect: permit, roles: [watcher], obligations: {{mask: [{", ".join(sorted(HIDDEN))}]}}}}
assignments:
  - {{users: [{WATCHER}], roles: [watcher]}}
"""
NUMBERS = ("0010,0010", "0010-0010", "0008,0050", "0008-0050", "0008,103e", "0008-103e")


@pytest.fixture(scope="module")
def guarded(
    furnished_orthanc: FurnishedOrthanc, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GuardedOrthanc]:
    furnished = furnished_orthanc.copy_to(tmp_path_factory.mktemp("masks"))
    config = furnished.gate.config
    policy = config.parent / "policy"
    policy.mkdir()
    (config.parent / "policy.yaml").rename(policy / "demo.yaml")
    (policy / "watchers.yaml").write_text(POLICY, "utf-8")
    config.write_text(config.read_text("utf-8").replace("policy: policy.yaml", "policy: policy"), "utf-8")
    with open_desk(config) as desk:
        desk.users.add(desk.change(), WATCHER, password=PASSWORD)
    with opened_guarded(furnished) as running:
        others = running.hospital.recorder.may_see

        def may_see(persona: str, canary: Canary) -> bool:
            return canary.keyword not in HIDDEN if persona == WATCHER else others(persona, canary)

        running.hospital.recorder.may_see = may_see
        yield running


@pytest.fixture
def watcher(guarded: GuardedOrthanc) -> RecordingSession:
    return guarded.client(WATCHER, PASSWORD)


def paths(guarded: GuardedOrthanc) -> Iterator[str]:
    named = {
        "patients": guarded.patient("S5"),
        "studies": guarded.study("S5"),
        "series": guarded.series("S5"),
        "instances": guarded.instance("S5"),
    }
    for word, name in named.items():
        for form in ("", "?full", "?short", "?requestedTags=PatientName;AccessionNumber;SeriesDescription"):
            yield f"/{word}/{name}{form}"
            yield f"/{word}?expand&{form[1:]}"
        yield f"/{word}/{name}/module"
        for form in ("", "?simplify", "?short"):
            if word != "instances":
                yield f"/{word}/{name}/shared-tags{form}"
                yield f"/{word}/{name}/instances-tags{form}"
    yield f"/studies/{named['studies']}/module-patient"
    yield f"/patients/{named['patients']}/studies?full"
    for tail in ("tags", "tags?simplify", "tags?short", "simplified-tags", "header", "content"):
        yield f"/instances/{named['instances']}/{tail}"


def test_no_document_and_no_tags_hold_what_is_masked(
    guarded: GuardedOrthanc, watcher: RecordingSession
) -> None:
    chief = guarded.client("chief1")
    for path in paths(guarded):
        answer, whole = watcher.get(path), chief.get(path)
        assert answer.status_code == 200, path
        for name in (*HIDDEN, *NUMBERS):
            assert f'"{name}"' not in answer.text, (path, name)
        assert len(answer.text) <= len(whole.text), path
    everything = f"/instances/{guarded.instance('S5')}/simplified-tags"
    told, all_tags = watcher.get(everything).json(), chief.get(everything).json()
    assert told == {name: value for name, value in all_tags.items() if name not in HIDDEN}


def test_a_masked_element_is_no_place_to_look_into(
    guarded: GuardedOrthanc, watcher: RecordingSession
) -> None:
    content = f"/instances/{guarded.instance('S5')}/content"
    for number in ("0010-0010", "0008-0050", "PatientName", "00100010"):
        assert watcher.get(f"{content}/{number}").status_code == 404
    for number in ("0008-0060", "Modality"):
        answer = watcher.get(f"{content}/{number}")
        straight = guarded.orthanc.request("GET", f"{content}/0008-0060")
        assert (answer.status_code, answer.content) == (200, straight.content)
    assert watcher.get(f"{content}/0040-0275").status_code in {200, 404}


def test_what_is_masked_finds_nothing(guarded: GuardedOrthanc, watcher: RecordingSession) -> None:
    made = guarded.hospital.objects["S5"][0]
    for keyword in ("PatientName", "AccessionNumber"):
        asked = {"Level": "Study", "Query": {keyword: str(made[keyword].value)}}
        assert watcher.post("/tools/find", data=json.dumps(asked)).status_code == 403
        assert watcher.post("/tools/count-resources", data=json.dumps(asked)).status_code == 403
    assert watcher.post("/tools/lookup", data=str(made.AccessionNumber)).json() == []
    assert len(watcher.post("/tools/lookup", data=str(made.StudyInstanceUID)).json()) == 1
    bulk = {"Resources": [guarded.series("S5")], "Level": "Instance"}
    answer = watcher.post("/tools/bulk-content", data=json.dumps(bulk))
    assert answer.status_code == 200
    assert not any(f'"{name}"' in answer.text for name in HIDDEN)


def test_every_element_of_an_instance_is_where_orthanc_has_it(guarded: GuardedOrthanc) -> None:
    chief = guarded.client("chief1")
    report = next(
        name
        for name in chief.get(f"/studies/{guarded.study('S5')}/instances?expand=false").json()
        if chief.get(f"/instances/{name}/simplified-tags").json()["Modality"] == "SR"
    )
    waiting, seen = [f"/instances/{report}/content"], 0
    while waiting and seen < 150:
        path = waiting.pop()
        here, there = chief.get(path), guarded.orthanc.request("GET", path)
        seen += 1
        if there.headers.get("Content-Type", "").startswith("application/json"):
            assert here.json() == there.json(), path
            waiting += [f"{path}/{each}" for each in there.json()]
        else:
            assert here.content == there.content, path
    assert seen > 40
