"""A permit that asks for a reason, and purposes of use, over real HTTP: what is answered and what is recorded."""

from collections.abc import Iterator

import pytest
import requests

from pacsgate.audit.events import EventKind
from tests.e2e.asking import PATIENCE_SECONDS, events, within
from tests.support.hospital import RunningHospital

WHEN = "when: study.department in user.departments"
ASKING = f"""actions: [search]
    {WHEN}
  - id: radiologists-say-why
    effect: permit
    roles: [radiologist]
    actions: [view, retrieve]
    obligations: {{reason-required: true}}
    {WHEN}"""


@pytest.fixture(scope="module", autouse=True)
def asking(own_hospital: RunningHospital) -> Iterator[None]:
    """The hospital's radiologists must say why they look at a study."""
    before = own_hospital.policy.read_text("utf-8")
    own_hospital.policy.write_text(before.replace(WHEN, ASKING, 1), "utf-8")
    assert within(PATIENCE_SECONDS, lambda: look(own_hospital).status_code == 403)
    yield
    own_hospital.policy.write_text(before, "utf-8")


def look(hospital: RunningHospital, path: str = "metadata", **headers: str) -> requests.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return hospital.client("rad1").get(f"{hospital.study('S1')}/{path}", headers=given)


def test_without_a_reason_the_answer_says_how_to_give_one(own_hospital: RunningHospital) -> None:
    refused = look(own_hospital)
    assert refused.status_code == 403
    assert refused.json() == {
        "error": "forbidden",
        "message": "this needs a reason: send one in the header `Pacsgate-Reason`",
    }


def test_a_search_that_asks_for_none_needs_none(own_hospital: RunningHospital) -> None:
    found = own_hospital.client("rad1").get(f"{own_hospital.dicomweb}/studies")
    assert len(found.json()) == 1


@pytest.mark.parametrize("path", ["metadata", "rendered"])
def test_with_a_reason_it_is_answered_and_the_reason_is_in_the_record(
    own_hospital: RunningHospital, path: str
) -> None:
    reason = f"second opinion on {path}: drugie zdanie"
    assert look(own_hospital, path, Pacsgate_Reason=reason).status_code == 200
    recorded = [event for event in events(own_hospital) if event.get("details.reason_given") == reason]
    assert [event["kind"] for event in recorded] == [EventKind.INSTANCES_ACCESSED.name]
    assert recorded[0]["reasons"] == ["permitted-by-rule:radiologists-say-why"]


def test_a_search_of_instances_hears_purpose_and_reason_too(own_hospital: RunningHospital) -> None:
    client, search = own_hospital.client("rad1"), f"{own_hospital.url}/api/v1/search"
    reason = "looking for thin slices"
    assert client.get(search, headers={"Pacsgate-Reason": reason}).status_code == 200
    assert client.get(search, headers={"Pacsgate-Purpose": "HPAYMT"}).status_code == 403
    recorded = list(events(own_hospital))
    assert [event["kind"] for event in recorded if event.get("details.reason_given") == reason] == [
        EventKind.QUERY.name
    ]
    assert [event["actor.name"] for event in recorded if event.get("reasons") == ["purpose-not-held"]] == [
        "rad1"
    ]


def test_a_purpose_that_is_not_the_user_s_is_refused_and_recorded(own_hospital: RunningHospital) -> None:
    refused = look(own_hospital, Pacsgate_Purpose="HRESCH", Pacsgate_Reason="curiosity")
    assert refused.status_code == 403
    denied = [event for event in events(own_hospital) if event.get("reasons") == ["purpose-not-held"]]
    assert {event["actor.name"] for event in denied} == {"rad1"}
    assert look(own_hospital, Pacsgate_Purpose="TREAT", Pacsgate_Reason="treatment").status_code == 200
