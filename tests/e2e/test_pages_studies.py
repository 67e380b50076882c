"""The pages about studies show what DICOMweb shows the same person, hide what it hides, and leave the same record."""

import re

import pytest

from pacsgate.audit.events import EventKind
from tests.e2e.asking import events
from tests.e2e.expectations import cell, could, personas, sees, studies
from tests.support.hospital import RunningHospital
from tests.support.pages import Pages, pages_of, studies_on, text_of

PEOPLE = tuple(name for name in personas() if name[0].islower())
SEARCHERS = tuple(name for name in PEOPLE if could(name, "search"))
DOES = {
    "view": "View the images",
    "retrieve": "Download the DICOM files",
    "append": "Add images to it",
    "annotate": "Annotate it",
    "update": "Change it",
    "delete": "Delete it",
    "export": "Export it",
    "share": "Share it",
}
_ANSWER = re.compile(r"<li><span>([^<]+)</span>\s*<span class=\"badge \w+\">([^<]+)</span>")


def uids(hospital: RunningHospital, persona: str) -> set[str]:
    return {hospital.studies[name].study_instance_uid for name in studies() if sees(persona, name)}


def answers_on(page: str) -> dict[str, str]:
    return dict(_ANSWER.findall(page))


def test_somebody_searches_opens_a_study_and_reads_what_she_may_do(hospital: RunningHospital) -> None:
    pages = pages_of(hospital, "rad1")
    found = pages.search(ModalitiesInStudy="CT")
    assert studies_on(found.text) == uids(hospital, "rad1")
    page = pages.get(hospital.study("S1"))
    assert page.status_code == 200
    assert answers_on(page.text)["View the images"] == "Allowed"
    assert answers_on(page.text)["Delete it"] == "Denied"
    hidden, missing = pages.get(hospital.study("S2")), pages.get("/studies/1.2.3.4")
    assert (hidden.status_code, text_of(hidden.text)) == (missing.status_code, text_of(missing.text))
    assert hidden.status_code == 404


@pytest.mark.long
@pytest.mark.parametrize("persona", PEOPLE)
def test_a_list_and_the_pages_of_its_studies_are_what_the_oracle_says(
    hospital: RunningHospital, persona: str
) -> None:
    pages = pages_of(hospital, persona)
    listed = pages.get("/studies")
    if persona not in SEARCHERS:
        assert (listed.status_code, studies_on(listed.text)) == (403, set())
    else:
        assert (listed.status_code, studies_on(listed.text)) == (200, uids(hospital, persona))
        assert studies_on(pages.get("/").text) <= uids(hospital, persona)
    for name in studies():
        page = pages.get(hospital.study(name))
        assert page.status_code == (200 if sees(persona, name) else 404), name
        if sees(persona, name):
            said = answers_on(page.text)
            for action, words in DOES.items():
                allowed = cell(persona, action, name) == "allow"
                assert (said[words] != "Denied") is allowed, (name, action)


@pytest.mark.long
@pytest.mark.parametrize("order", ["patient", "description", "modality"])
def test_another_order_shows_the_same_studies(hospital: RunningHospital, order: str) -> None:
    pages = pages_of(hospital, "chief1")
    assert studies_on(pages.get(f"/studies?order={order}").text) == uids(hospital, "chief1")


@pytest.mark.parametrize(
    "fields",
    [
        {"PatientID": "P1*"},
        {"AccessionNumber": "*"},
        {"from": "2026-09-01", "until": "2026-09-30"},
        {"keyword": "StudyID", "value": "S1"},
    ],
)
def test_a_form_finds_what_qido_rs_finds(hospital: RunningHospital, fields: dict[str, str]) -> None:
    asked = {
        "PatientID": "PatientID=P1*",
        "AccessionNumber": "AccessionNumber=*",
        "from": "StudyDate=20260901-20260930",
        "keyword": "StudyID=S1",
    }[next(iter(fields))]
    answer = hospital.client("chief1").get(f"/studies?{asked}")
    rows = answer.json() if answer.status_code == 200 else []
    assert rows
    found = pages_of(hospital, "chief1").search(**fields)
    assert studies_on(found.text) == {row["0020000D"]["Value"][0] for row in rows}


def test_what_is_masked_says_so(hospital: RunningHospital) -> None:
    """The clerk sees neither descriptions of series nor names of patients."""
    pages = pages_of(hospital, "clerk1")
    name = next(name for name in studies() if sees("clerk1", name))
    assert "Name hidden" in text_of(pages.get(hospital.study(name)).text)
    assert "hidden" in text_of(pages.get("/studies").text)


def test_a_search_by_a_masked_key_is_refused_as_at_every_door(hospital: RunningHospital) -> None:
    page = pages_of(hospital, "clerk1").search(PatientName="a")
    assert (page.status_code, studies_on(page.text)) == (403, set())


def test_no_address_holds_what_was_searched_for(hospital: RunningHospital) -> None:
    """ASVS 5.0 14.2.1: names of patients stay out of addresses, histories and the logs of proxies."""
    pages = pages_of(hospital, "rad1")
    sent = pages.post("/studies", "/studies", PatientName="amber", AccessionNumber="ACC-S1")
    assert sent.status_code == 303
    assert "amber" not in sent.headers["Location"].lower()
    assert "acc" not in sent.headers["Location"].lower()
    page = pages.get(sent.headers["Location"]).text
    assert 'value="amber"' in page
    assert not re.search(r'href="[^"]*(amber|ACC-S1)', page, re.IGNORECASE)


def test_what_cannot_be_asked_is_told_above_the_form_that_asked_it(hospital: RunningHospital) -> None:
    page = pages_of(hospital, "rad1").search(PatientID="P1", keyword="InstitutionName")
    assert (page.status_code, 'role="alert"' in page.text) == (400, True)
    assert 'value="P1"' in page.text


def test_images_are_found_by_the_query_language(hospital: RunningHospital) -> None:
    pages = pages_of(hospital, "rad1")
    found = pages.search(by="query", query="Modality StrEquals CT")
    assert studies_on(found.text) == uids(hospital, "rad1")
    wrong = pages.search(by="query", query="Modality Like CT")
    assert wrong.status_code == 400
    assert 'role="alert"' in wrong.text
    assert "Modality Like CT" in wrong.text


@pytest.mark.parametrize(
    "path",
    ["/studies?archive=elsewhere", "/studies?offset=x&q=%00&cursor=1", "/studies/not-a-uid", "/studies/1..2"],
)
def test_an_address_that_makes_no_sense_breaks_nothing(hospital: RunningHospital, path: str) -> None:
    assert pages_of(hospital, "rad1").get(path).status_code in {200, 404}


def test_what_pages_show_and_refuse_is_on_record(hospital: RunningHospital) -> None:
    pages = pages_of(hospital, "rad1")
    pages.search(PatientID="P1*")
    pages.get(hospital.study("S1"))
    pages.get(hospital.study("S2"))
    queries = {event["query"] for event in events(hospital, kind=EventKind.QUERY, user="rad1")}
    assert "/studies?PatientID=P1%2A" in queries
    assert f"/studies/{hospital.studies['S1'].study_instance_uid}/series" in queries
    denied = events(hospital, kind=EventKind.DENIED, user="rad1")
    hidden = hospital.studies["S2"].study_instance_uid
    assert hidden in {event.get("study.study_instance_uid") for event in denied}


def why(pages: Pages, study: str, action: str = "view") -> str:
    page = pages.post("/access", "/access", study=study, action=action)
    assert page.status_code == 200
    return text_of(page.text)


def test_who_asks_why_hears_the_same_of_a_hidden_study_and_of_none(hospital: RunningHospital) -> None:
    pages = pages_of(hospital, "rad1")
    hidden = hospital.studies["S2"].study_instance_uid
    answers = {why(pages, hidden), why(pages, "1.2.3.4"), why(pages, "ACC-S2"), why(pages, "no such number")}
    assert len(answers) == 1
    assert "There is no such study that you may see." in answers.pop()


def test_who_asks_why_about_what_she_sees_hears_it_and_whom_to_ask(hospital: RunningHospital) -> None:
    """Row L2."""
    pages, seen = pages_of(hospital, "rad1"), hospital.studies["S1"].study_instance_uid
    assert "You can view the images." in why(pages, seen)
    refused = why(pages, seen, "delete")
    assert "You cannot delete it. None of your roles includes it." in refused
    assert "Whom to ask: chief1 (radiologist)." in refused


def test_my_access_says_which_roles_i_have_until_when_and_from_where(hospital: RunningHospital) -> None:
    page = text_of(pages_of(hospital, "rad1").get("/access").text)
    assert "radiologist" in page
    assert "your group radiology" in page
    assert "without end" in page
    assert "medical-student" in text_of(pages_of(hospital, "stud1").get("/access").text)
