"""Every route of the table, asked by every persona about their own, foreign, partly visible and missing studies.

What must come out is worked out in `expectations` from tables written by hand.  Canaries watch every answer, and
the trail is asked afterwards about every denial and every study that was read.
"""

import pytest

from tests.e2e.expectations import MISSING, Target, personas, routes, sees, studies
from tests.e2e.walking import VARYING, ask, check, path_of, walk
from tests.support.hospital import RunningHospital


@pytest.mark.parametrize("persona", personas())
def test_every_route_answers_each_persona_as_the_oracle_says(hospital: RunningHospital, persona: str) -> None:
    check(hospital, persona, walk(hospital, persona, every=False))


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("persona", personas())
def test_every_route_answers_each_persona_about_every_study(hospital: RunningHospital, persona: str) -> None:
    check(hospital, persona, walk(hospital, persona, every=True))


def test_without_a_credential_every_route_asks_for_one(hospital: RunningHospital) -> None:
    client = hospital.client(None)
    answers = set()
    for row in routes():
        response = client.request(row.method, path_of(hospital, row, Target("S1")))
        assert response.headers["WWW-Authenticate"].startswith("Basic")
        answers.add((response.status_code, response.content))
    assert {status for status, _ in answers} == {401}
    assert len(answers) == 1


def test_searching_all_instances_of_the_archive_needs_a_key(hospital: RunningHospital) -> None:
    assert hospital.client("chief1").get("/instances").status_code == 413


def test_an_archive_by_its_name_is_the_same_archive_and_an_unknown_one_is_not_there(
    hospital: RunningHospital,
) -> None:
    client = hospital.client("rad1")
    named = client.get(f"{hospital.url}/archives/main/dicom-web/studies").json()
    plain = client.get("/studies").json()
    assert [row["0020000D"] for row in named] == [row["0020000D"] for row in plain]
    unknown = client.get(f"{hospital.url}/archives/other/dicom-web/studies")
    hidden = client.get(hospital.study("S2"))
    assert (unknown.status_code, unknown.content) == (404, hidden.content)
    nobody = hospital.client(None).get(f"{hospital.url}/archives/other/dicom-web/studies")
    assert nobody.status_code == 401


def test_hidden_and_missing_studies_are_told_apart_by_nobody(hospital: RunningHospital) -> None:
    answers = set()
    for persona in personas():
        client = hospital.client(persona)
        for target in (Target(MISSING), *(Target(study) for study in studies() if not sees(persona, study))):
            for row in routes():
                if row.route_id in {"study-metadata", "instance-rendered", "retrieve-series"}:
                    _, response = ask(hospital, client, persona, row, target)
                    if response.status_code == 404:
                        names = tuple(n for n in response.raw.headers if n.lower() not in VARYING)
                        answers.add((response.content, names))
    assert len(answers) == 1


def test_the_canaries_were_seen_by_those_who_may(hospital: RunningHospital) -> None:
    hospital.client("chief1").get("/studies?includefield=all")
    hospital.client("clerk1").get("/studies?includefield=all")
    assert hospital.recorder.sightings["chief1"] >= len(studies())
    assert hospital.recorder.sightings["clerk1"] >= 9
