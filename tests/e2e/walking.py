"""A walk along the table of routes: every route asked by one persona, and what came out held against the oracle.

Called by the tests of the embedded archive and of the same hospital in a real Orthanc.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import requests

from pacsgate.cli.demo.hospital import part10
from tests.e2e.asking import events
from tests.e2e.expectations import (
    MISSING,
    Row,
    Target,
    contents,
    expected_status,
    is_mixed,
    routes,
    sees,
    studies,
)
from tests.support.hospital import RecordingSession, RunningHospital
from tests.support.multipart import multipart_related

MISSING_UID = "2.25.4"
_FILLED = {
    "{frames}": "1",
    "{tags*}": "7FE00010",
    "{workitem}": "1.2.3.4",
    "{aetitle}": "SOMEBODY",
    "{uid}": "1.2.3.5",
    "{transaction}": "1.2.3.6",
}
VARYING = {"date", "x-request-id"}
"""Headers that differ between any two answers (design 2.3)."""


@dataclass
class Findings:
    """What a walk through the table found, for the questions asked afterwards."""

    wrong: list[str] = field(default_factory=list)
    constant: dict[int, set[tuple]] = field(default_factory=dict)
    denied: dict[str, str] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)

    def note(self, row: Row, persona: str, target: Target, response: requests.Response, path: str) -> None:
        where = f"{persona} {row.method} {row.path} {row.media} {target}"
        expected = expected_status(row, persona, target)
        if response.status_code != expected:
            self.wrong.append(f"{where}: {response.status_code} instead of {expected} ({path})")
        if response.status_code in {404, 204}:
            headers = tuple((n, v) for n, v in response.raw.headers.items() if n.lower() not in VARYING)
            self.constant.setdefault(response.status_code, set()).add((headers, response.content))
        if expected in {403, 501} or (expected == 404 and _is_about_access(row, persona, target)):
            self.denied[response.headers["X-Request-Id"]] = where
        if response.status_code == 200 and row.names_study and row.method == "GET" and row.form != "search":
            self.read.add(target.study)


def _is_about_access(row: Row, persona: str, target: Target) -> bool:
    """Whether a 404 says that something is hidden, missing or no route, not that an image has no such form."""
    return row.answer == "denied" or not sees(persona, target.study) or target.stray is not None


def _uids(hospital: RunningHospital, target: Target) -> tuple[str, str, str]:
    """The names in the path of a request for the target."""
    if target.study == MISSING:
        return MISSING_UID, MISSING_UID + ".1", MISSING_UID + ".1.1"
    study = hospital.studies[target.study]
    other = hospital.studies["S3" if target.study != "S3" else "S2"]
    series = (other if target.stray == "series" else study).series_instance_uid(target.series)
    instance = (study if target.stray is None else other).sop_instance_uid(1, 1)
    if target.stray is None:
        instance = study.sop_instance_uid(target.series, target.instance)
    return study.study_instance_uid, series, instance


def path_of(hospital: RunningHospital, row: Row, target: Target) -> str:
    study, series, instance = _uids(hospital, target)
    path = row.path
    for variable, value in {"{study}": study, "{series}": series, "{instance}": instance, **_FILLED}.items():
        path = path.replace(variable, value)
    if row.route_id == "search-instances":
        path += f"?StudyInstanceUID={study}"
    if row.route_id == "wado-uri":
        path += f"&studyUID={study}&seriesUID={series}&objectUID={instance}"
        path += "&contentType=application/dicom" if row.media else ""
    return path


def ask(
    hospital: RunningHospital, client: RecordingSession, persona: str, row: Row, target: Target
) -> tuple[str, requests.Response]:
    path = path_of(hospital, row, target)
    headers = {"Accept": row.media} if row.media and row.route_id != "wado-uri" else {}
    if row.route_id in {"store", "store-in-study"}:
        body, headers["Content-Type"] = multipart_related([_image_for(hospital, target)])
        headers["Accept"] = "application/dicom+json"
        # Not recorded: the answer repeats the UIDs that the sender sent, and nothing else.
        auth = hospital.auth(persona)
        return path, requests.request(
            row.method, hospital.dicomweb + path, headers=headers, data=body, auth=auth, timeout=30
        )
    return path, client.request(row.method, path, headers=headers)


def _image_for(hospital: RunningHospital, target: Target) -> bytes:
    """An image of the target study as it is stored there already, so that storing it changes nothing."""
    return part10(hospital.objects[target.study][0])


def _targets(persona: str, *, every: bool) -> Iterator[Target]:
    own = [study for study in studies() if sees(persona, study) and not is_mixed(persona, study)]
    mixed = [study for study in studies() if is_mixed(persona, study)]
    foreign = [study for study in studies() if not sees(persona, study)]
    limit = None if every else 1
    for study in (*own[:limit], *mixed, *foreign[:limit]):
        for name, series in contents():
            if name == study and (every or series == 1 or study in mixed):
                yield Target(study, series)
    yield Target(MISSING)
    for study in (*own[:limit], *mixed[:limit]):
        yield Target(study, stray="series")
        yield Target(study, stray="instance")


def walk(hospital: RunningHospital, persona: str, *, every: bool) -> Findings:
    """Ask for some targets of each sort, or for every one there is."""
    findings = Findings()
    client = hospital.client(persona)
    asked: set[tuple[str, str, str]] = set()
    for target in _targets(persona, every=every):
        for row in routes():
            if row.route_id in {"store", "store-in-study"} and not _may_be_tried(persona, target):
                continue
            question = (row.method, path_of(hospital, row, target), row.media)
            if question in asked and row.method != "POST":
                continue
            asked.add(question)
            path, response = ask(hospital, client, persona, row, target)
            findings.note(row, persona, target, response, path)
    return findings


def _may_be_tried(persona: str, target: Target) -> bool:
    """Whether a store leaves the hospital as it is, and names nothing that its answer could not repeat."""
    return (
        target.study != MISSING and target.stray is None and (persona == "CT1" or sees(persona, target.study))
    )


def check(hospital: RunningHospital, persona: str, findings: Findings) -> None:
    """Fail with what was answered otherwise than the oracle says, could be told apart, or is not on record."""
    assert not findings.wrong, "\n".join(findings.wrong[:40])
    for status, answers in findings.constant.items():
        assert len(answers) == 1, f"{persona} can tell answers with {status} apart: {answers}"
    recorded_events = events(hospital, user=persona, tenant=hospital.tenant)
    for request_id, where in findings.denied.items():
        of_request = [event for event in recorded_events if event.get("request_id") == request_id]
        alerts = [event for event in of_request if event["event.code"] == "110113"]
        assert len(alerts) == 1, f"{where}: {of_request}"
        assert {event["kind"] for event in of_request} <= {"DENIED", "SIGN_IN"}, where
    recorded = {
        event.get("study.study_instance_uid") for event in recorded_events if event["kind"] != "DENIED"
    }
    assert {hospital.studies[study].study_instance_uid for study in findings.read} <= recorded
