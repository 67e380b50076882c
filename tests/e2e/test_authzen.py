"""The AuthZEN endpoints over HTTP: who may ask, what is said, and that it is what DICOMweb does."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from pacsgate.audit.events import EventKind
from tests.e2e.asking import events, found
from tests.support.hospital import RunningHospital

PERSONAS = ("rad1", "chief1", "ref1", "clerk1", "stud1", "admin1")
STUDIES = ("S1", "S2", "S3", "S4", "S5")


@dataclass(frozen=True)
class Client:
    """An enforcement point with a token."""

    hospital: RunningHospital
    token: str | None

    def post(self, path: str, body: object, **headers: str) -> requests.Response:
        """Not recorded by the canaries: the UIDs in an answer are those that were asked about."""
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        headers.setdefault("Content-Type", "application/json")
        url = f"{self.hospital.url}/access/v1/{path}"
        return requests.post(url, data=json.dumps(body), headers=headers, timeout=30)

    def allows(self, persona: str, action: str, study: str) -> bool:
        answer = self.post("evaluation", self.question(persona, action, study)).json()
        assert set(answer) == {"decision", "context"}
        decision: bool = answer["decision"]
        return decision

    def question(self, persona: str, action: str, study: str) -> dict[str, Any]:
        return {
            "subject": {"type": "user", "id": persona, "properties": {"ip_address": "127.0.0.1"}},
            "action": {"name": action},
            "resource": {"type": "study", "id": self.hospital.studies[study].study_instance_uid},
        }


@pytest.fixture(scope="module")
def asker(hospital: RunningHospital) -> Client:
    """Adds accounts of its own to the hospital of those who only look, and changes nobody's."""
    role = ("--role", "enforcement-point")
    run(hospital, "role", "add", "enforcement-point", "--permission", "EvaluateForOthers")
    run(hospital, "user", "add", "viewer", "--kind", "service", "--no-password", *role)
    run(hospital, "user", "add", "somebody", "--no-password", *role)
    return Client(hospital, token_of(hospital, "viewer"))


def run(hospital: RunningHospital, *arguments: str) -> str:
    done = hospital.cli(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def token_of(hospital: RunningHospital, name: str, *options: str) -> str:
    issued: str = json.loads(run(hospital, "token", "issue", name, "--label", "t", "--json", *options))[
        "token"
    ]
    return issued


def pages(asker: Client, path: str, body: dict[str, Any], limit: int) -> Iterator[dict[str, Any]]:
    token = ""
    while True:
        answer = asker.post(path, body | {"page": {"limit": limit, "token": token}}).json()
        assert answer["page"]["count"] == len(answer["results"]) <= limit
        yield from answer["results"]
        token = answer["page"]["next_token"]
        if not token:
            return


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_decision_is_what_dicomweb_does(asker: Client, persona: str) -> None:
    hospital = asker.hospital
    for study in STUDIES:
        status = requests.get(
            f"{hospital.dicomweb}{hospital.study(study)}/metadata",
            auth=(persona, hospital.passwords[persona]),
            timeout=30,
        ).status_code
        assert asker.allows(persona, "view", study) is (status == 200), (study, status)
        assert asker.allows(persona, "search", study) is (study in found(hospital, persona))


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_list_of_studies_is_what_the_subject_finds(asker: Client, persona: str) -> None:
    asked = asker.question(persona, "search", "S1") | {"resource": {"type": "study"}}
    names = {study.study_instance_uid: name for name, study in asker.hospital.studies.items()}
    listed = [names[resource["id"]] for resource in pages(asker, "search/resource", asked, limit=2)]
    assert len(listed) == len(set(listed))
    assert set(listed) == found(asker.hospital, persona)


def test_subjects_and_actions_are_listed(asker: Client) -> None:
    asked = asker.question("rad1", "view", "S1")
    who = asked | {"subject": {"type": "user"}}
    named = [subject["id"] for subject in pages(asker, "search/subject", who, limit=2)]
    assert named == sorted(name for name in named if asker.allows(name, "view", "S1"))
    assert "rad1" in named
    assert "rad2" not in named
    del asked["action"]
    actions = [action["name"] for action in pages(asker, "search/action", asked, limit=3)]
    assert actions == ["search", "view", "retrieve", "annotate", "share"]


def test_a_batch_is_answered_in_order(asker: Client) -> None:
    common = asker.question("rad1", "view", "S1")
    del common["resource"]
    about = [asker.question("rad1", "view", study)["resource"] for study in STUDIES]
    body = common | {"evaluations": [{"resource": resource} for resource in about]}
    answers = asker.post("evaluations", body).json()["evaluations"]
    decisions = [answer["decision"] for answer in answers]
    assert decisions == [asker.allows("rad1", "view", study) for study in STUDIES]
    body["options"] = {"evaluations_semantic": "deny_on_first_deny"}
    stopped = asker.post("evaluations", body).json()["evaluations"]
    assert stopped == answers[: decisions.index(False) + 1]
    assert asker.post("evaluations", common | {"resource": about[0]}).json() == answers[0]


def test_a_study_that_is_hidden_is_answered_like_one_that_does_not_exist(asker: Client) -> None:
    hidden = asker.question("rad1", "view", "S2")
    absent = hidden | {"resource": {"type": "study", "id": "1.2.3.4.5"}}
    told = asker.post("evaluation", hidden).json()
    assert told == asker.post("evaluation", absent).json()
    assert (told["decision"], told["context"]["reasons"]) == (False, ["not-found"])


def test_a_mask_is_an_obligation(asker: Client) -> None:
    context = asker.post("evaluation", asker.question("clerk1", "search", "S1")).json()["context"]
    (obligation,) = context["obligations"]
    assert obligation["id"] == "mask"
    assert "PatientID" in obligation["mask"]["all_but"]
    assert context["reason_admin"] == {"en": "permitted-by-rule:clerks-find-appointments"}


def test_only_an_enforcement_point_is_answered(asker: Client) -> None:
    hospital = asker.hospital
    question = asker.question("rad1", "view", "S1")
    nobody = Client(hospital, None).post("evaluation", question)
    assert (nobody.status_code, nobody.text) == (401, "authentication required")
    assert "Bearer" in nobody.headers["WWW-Authenticate"]
    for name, options in (("rad1", ()), ("somebody", ()), ("CT1", ()), ("viewer", ("--action", "view"))):
        refused = Client(hospital, token_of(hospital, name, *options)).post("evaluation", question)
        assert refused.status_code == 403, name
        assert "`EvaluateForOthers`" in refused.text
    assert {event["actor.name"] for event in events(hospital, kind=EventKind.DENIED)} >= {
        "rad1",
        "somebody",
        "CT1",
    }


def test_errors_are_sentences_and_keep_the_request_id(asker: Client) -> None:
    wrong = asker.post("evaluation", {"subject": 7}, **{"X-Request-ID": "mine-1"})
    assert (wrong.status_code, wrong.headers["X-Request-ID"]) == (400, "mine-1")
    assert wrong.headers["Content-Type"].startswith("text/plain")
    assert "at `$.subject`" in wrong.text
    assert asker.post("evaluation", {}, **{"Content-Type": "text/plain"}).status_code == 415
    assert asker.post("evaluation", {}, **{"X-HTTP-Method-Override": "GET"}).status_code == 400
    assert asker.post("evaluation", {"x": "y" * 2_000_000}).status_code == 413
    assert asker.post("nothing", {}).status_code == 404


def test_who_asked_and_for_whom_is_on_record(asker: Client) -> None:
    asker.post("evaluation", asker.question("ref1", "view", "S1"), **{"X-Request-ID": "find-me"})
    (event,) = (
        each
        for each in events(asker.hospital, kind=EventKind.EVALUATED, user="viewer")
        if each.get("details.enquirer's request") == "find-me"
    )
    assert (event["details.subject"], event["action"]) == ("ref1", "view")


def test_the_endpoints_are_found_without_a_credential(hospital: RunningHospital) -> None:
    document = requests.get(f"{hospital.url}/.well-known/authzen-configuration", timeout=30).json()
    assert document["policy_decision_point"] == hospital.url
    assert document["access_evaluation_endpoint"] == f"{hospital.url}/access/v1/evaluation"
    del document["policy_decision_point"]
    for endpoint in document.values():
        assert requests.post(endpoint, timeout=30).status_code == 401
    assert len(document) == 5
