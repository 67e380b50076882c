"""What a persona finds is what a check would allow: at every level, in every count, on every page."""

import re

import pytest

from tests.e2e.expectations import cell, contents, could, personas, sees, studies, visible_series
from tests.support.hospital import RunningHospital

SEARCHERS = tuple(persona for persona in personas() if could(persona, "search"))
VIEWERS = tuple(persona for persona in SEARCHERS if could(persona, "view"))
COUNTS = "includefield=NumberOfStudyRelatedSeries,NumberOfStudyRelatedInstances,ModalitiesInStudy"
_WARNING = re.compile(r"299 \S+ There are (\d+) additional results that can be requested")

STUDY_UID, SERIES_UID, INSTANCE_UID = "0020000D", "0020000E", "00080018"
MODALITIES, SERIES_COUNT, INSTANCE_COUNT, SERIES_INSTANCES = "00080061", "00201206", "00201208", "00201209"


def _values(row: dict, tag: str) -> list:
    return row.get(tag, {}).get("Value", [])


def _rows(hospital: RunningHospital, persona: str, path: str) -> list[dict]:
    response = hospital.client(persona).get(path)
    assert response.status_code in {200, 204}, response.text
    return response.json() if response.status_code == 200 else []


def _visible_studies(hospital: RunningHospital, persona: str) -> dict[str, str]:
    return {hospital.studies[name].study_instance_uid: name for name in studies() if sees(persona, name)}


def _instances(hospital: RunningHospital, study: str, series: int) -> set[str]:
    held = len(contents()[study, series])
    return {hospital.studies[study].sop_instance_uid(series, number) for number in range(1, held + 1)}


@pytest.mark.parametrize("persona", SEARCHERS)
def test_a_search_finds_what_the_oracle_says_and_nothing_else(
    hospital: RunningHospital, persona: str
) -> None:
    visible = _visible_studies(hospital, persona)
    found = _rows(hospital, persona, "/studies?limit=1000")
    assert {_values(row, STUDY_UID)[0] for row in found} == set(visible)

    series = _rows(hospital, persona, "/series?limit=1000")
    assert {_values(row, SERIES_UID)[0] for row in series} == {
        hospital.studies[name].series_instance_uid(number)
        for name in visible.values()
        for number in visible_series(persona, name)
    }
    for uid, name in visible.items():
        instances = _rows(hospital, persona, f"/studies/{uid}/instances?limit=1000")
        assert {_values(row, INSTANCE_UID)[0] for row in instances} == {
            instance
            for number in visible_series(persona, name)
            for instance in _instances(hospital, name, number)
        }


@pytest.mark.parametrize("persona", VIEWERS)
def test_every_resource_that_a_search_finds_passes_its_check_and_no_other_does(
    hospital: RunningHospital, persona: str
) -> None:
    client = hospital.client(persona)
    found = {
        (_values(row, STUDY_UID)[0], _values(row, SERIES_UID)[0])
        for row in _rows(hospital, persona, "/series?limit=1000")
    }
    checked = {
        (study.study_instance_uid, study.series_instance_uid(number))
        for (name, number) in contents()
        if (study := hospital.studies[name])
        and client.get(f"{hospital.series(name, number)}/metadata").status_code == 200
    }
    assert found == checked
    assert {study for study, _ in found} == {
        hospital.studies[name].study_instance_uid
        for name in studies()
        if client.get(f"{hospital.study(name)}/metadata").status_code == 200
    }


@pytest.mark.parametrize("persona", [persona for persona in SEARCHERS if persona != "clerk1"])
def test_counts_are_made_of_what_is_visible(hospital: RunningHospital, persona: str) -> None:
    visible = _visible_studies(hospital, persona)
    for row in _rows(hospital, persona, f"/studies?{COUNTS}"):
        name = visible[_values(row, STUDY_UID)[0]]
        numbers = visible_series(persona, name)
        assert _values(row, SERIES_COUNT) == [len(numbers)]
        assert _values(row, INSTANCE_COUNT) == [sum(len(contents()[name, number]) for number in numbers)]
        shown = {hospital.studies[name].series[number - 1].modality for number in numbers}
        assert set(_values(row, MODALITIES)) == shown
    for row in _rows(hospital, persona, "/series?includefield=NumberOfSeriesRelatedInstances"):
        name = visible[_values(row, STUDY_UID)[0]]
        number = next(
            number
            for number in visible_series(persona, name)
            if hospital.studies[name].series_instance_uid(number) == _values(row, SERIES_UID)[0]
        )
        assert _values(row, SERIES_INSTANCES) == [len(contents()[name, number])]


def test_a_hidden_modality_does_not_find_the_study_it_is_in(hospital: RunningHospital) -> None:
    chief = {_values(row, STUDY_UID)[0] for row in _rows(hospital, "chief1", "/studies?ModalitiesInStudy=SR")}
    assert hospital.studies["S9"].study_instance_uid in chief
    assert _rows(hospital, "tech1", "/studies?ModalitiesInStudy=SR") == []
    assert _rows(hospital, "tech1", "/series?Modality=SR") == []


@pytest.mark.parametrize("persona", ["chief1", "rad3", "tech1", "clerk1"])
@pytest.mark.parametrize("level", ["/studies", "/series"])
@pytest.mark.parametrize("size", [1, 4])
def test_the_pages_of_a_search_are_the_whole_and_say_exactly_what_remains(
    hospital: RunningHospital, persona: str, level: str, size: int
) -> None:
    client = hospital.client(persona)
    whole = client.get(f"{level}?limit=1000").json()
    paged: list[dict] = []
    for offset in range(0, len(whole), size):
        response = client.get(f"{level}?limit={size}&offset={offset}")
        page = response.json()
        assert len(page) == min(size, len(whole) - offset)
        paged += page
        remaining = len(whole) - offset - len(page)
        warning = _WARNING.match(response.headers.get("Warning", ""))
        assert (int(warning[1]) if warning else 0) == remaining
    assert paged == whole
    beyond = client.get(f"{level}?limit={size}&offset={len(whole)}")
    assert (beyond.status_code, beyond.headers.get("Warning")) == (204, None)


def test_somebody_who_may_search_and_not_view_is_told_so(hospital: RunningHospital) -> None:
    assert cell("clerk1", "search", "S1") == "allow"
    assert hospital.client("clerk1").get(f"{hospital.study('S1')}/metadata").status_code == 403
