"""FHIR AuditEvents: read by an independent library, held against the slices of BALP's profiles, and against the DICOM message about the same event."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from fhir.resources.R4B.auditevent import AuditEvent as Resource
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome, StudyObject
from pacsgate.audit.renderings.balp import to_balp
from pacsgate.audit.renderings.dicom_xml import to_xml
from tests.support.balp_profiles import BALP, agents, departures, entities
from tests.support.events import FORGERY, READ, events

KINDS = {
    EventKind.INSTANCES_ACCESSED: "Read",
    EventKind.INSTANCES_TRANSFERRED: "Read",
    EventKind.QUERY: "Query",
    EventKind.INSTANCES_STORED: "Create",
    EventKind.INSTANCES_CHANGED: "Update",
    EventKind.STUDY_DELETED: "Delete",
}


def balp(event: AuditEvent, record_id: str = "s1/7") -> dict[str, Any]:
    resource = json.loads(to_balp(event, record_id, "gate.example"))
    Resource(**resource)
    return resource


def empties(value: Any) -> Iterator[Any]:
    """What FHIR has no word for: nulls, and lists, objects and texts with nothing in them."""
    if value in (None, "", [], {}):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from empties(each)


def xml(event: AuditEvent) -> ET.Element:
    return ET.fromstring(to_xml(event, "s1/7", "gate.example"))  # noqa: S314 - our own bytes


def details(resource: Mapping[str, Any]) -> dict[str, str]:
    (record,) = entities(resource, "4", None)
    return {each["type"]: each["valueString"] for each in record["detail"]}


@given(events, st.sampled_from(["s1/7", "20260301T090000.000Z-http-1-2-ab/123456"]))
def test_every_event_is_an_audit_event_of_fhir_on_one_line_of_ascii(
    event: AuditEvent, record_id: str
) -> None:
    line = to_balp(event, record_id, "gate")
    assert all(0x20 <= byte < 0x7F for byte in line)
    assert Resource.model_validate_json(line).get_resource_type() == "AuditEvent"
    assert not list(empties(json.loads(line)))


@given(events)
def test_whatever_claims_a_profile_fulfils_it(event: AuditEvent) -> None:
    resource = balp(event)
    assert "meta" not in resource or departures(resource) == []


@given(events)
def test_both_formats_name_the_same_record_event_and_objects(event: AuditEvent) -> None:
    message, resource = xml(event), balp(event)
    record_id = message.find(".//ParticipantObjectDetail[@type='RecordID']").get("value")
    (record,) = entities(resource, "4", None)
    assert record["what"]["identifier"] == {
        "type": {"text": "RecordID"},
        "value": base64.b64decode(record_id).decode(),
    }
    said = message.find("EventIdentification")
    assert resource["recorded"] == said.get("EventDateTime")
    assert resource["outcome"] == said.get("EventOutcomeIndicator")
    assert resource["action"] == said.get("EventActionCode")
    codes = {each["code"] for each in (resource["type"], *resource.get("subtype", []))}
    if "delete" not in codes:
        assert {
            each.get("csd-code") for each in (*said.iter("EventID"), *said.iter("EventTypeCode"))
        } <= codes
    queries = [each.text for each in message.iter("ParticipantObjectQuery") if each.text]
    if queries:
        assert [each["query"] for each in entities(resource, "2", "24")] == queries


@pytest.mark.parametrize("kind", EventKind, ids=lambda kind: kind.name)
def test_an_event_of_every_kind_is_read_by_others(kind: EventKind) -> None:
    resource = balp(replace(READ, kind=kind, query="PatientID=P1", recipient="WS@10.0.0.9"))
    assert "meta" not in resource or departures(resource) == []


@pytest.mark.parametrize(("kind", "profile"), KINDS.items(), ids=str)
def test_a_success_follows_its_pattern(kind: EventKind, profile: str) -> None:
    resource = balp(replace(READ, kind=kind))
    assert resource["meta"]["profile"] == [f"{BALP}Patient{profile}"]
    assert departures(resource) == []
    nobody = balp(replace(READ, kind=kind, study=StudyObject("1.2.3")))
    assert nobody["meta"]["profile"] == [f"{BALP}{profile}"]
    assert departures(nobody) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_did_not_succeed_claims_no_pattern(kind: EventKind) -> None:
    resource = balp(replace(READ, kind=kind, outcome=Outcome.SERIOUS, reasons=("no-permit",)))
    assert "meta" not in resource
    assert resource["type"]["code"] == kind.event_id.value
    assert (resource["outcome"], resource["outcomeDesc"]) == ("8", "no-permit")


def test_a_read_names_person_purpose_study_and_patient() -> None:
    resource = balp(READ)
    (person,) = agents(resource, "IRCP")
    assert person["who"] == {"identifier": {"value": "rad1"}}
    assert person["role"] == [{"text": "radiologist"}]
    assert person["purposeOfUse"] == resource["purposeOfEvent"]
    assert person["purposeOfUse"][0]["coding"][0]["code"] == "TREAT"
    (application,) = agents(resource, "110152")
    assert application["network"] == {"address": "10.0.0.7", "type": "2"}
    (study,) = entities(resource, "2", "3")
    assert study["what"]["identifier"] == {
        "system": "urn:dicom:uid",
        "value": f"urn:oid:{READ.study.study_instance_uid}",
    }
    (patient,) = entities(resource, "1", "1")
    assert patient["what"] == {"type": "Patient", "identifier": {"value": "P1"}}
    (request,) = [each for each in resource["entity"] if each["type"]["code"] == "XrequestId"]
    assert request["what"] == {"identifier": {"value": "r1"}}


def test_a_device_is_the_application_under_its_ae_title() -> None:
    device = Actor("CT1", verified=True, credential="device", credential_id="CT1", address="10.0.0.8")
    event = replace(READ, kind=EventKind.INSTANCES_STORED, actor=device)
    (application,) = agents(balp(event), "110153")
    assert application["who"] == {"identifier": {"value": "CT1"}}
    assert xml(event).find("ActiveParticipant").get("AlternativeUserID") == "AETITLES=CT1"


def test_what_is_sent_to_another_has_it_as_the_client_and_not_who_asked() -> None:
    event = replace(READ, kind=EventKind.INSTANCES_TRANSFERRED, recipient="WS2@10.0.0.9")
    (client,) = agents(balp(event), "110152")
    assert client["who"] == {"identifier": {"value": "WS2@10.0.0.9"}}
    assert client["network"] == {"address": "10.0.0.9", "type": "2"}


def test_an_export_is_a_disclosure_with_recipient_count_and_bytes() -> None:
    event = replace(READ, kind=EventKind.DATA_EXPORTED, recipient="WS2@10.0.0.9", count=3, bytes_sent=12)
    resource = balp(event)
    assert resource["meta"]["profile"] == [f"{BALP}PrivacyDisclosure.Source"]
    assert departures(resource) == []
    assert (details(resource)["NumberOfInstances"], details(resource)["BytesSent"]) == ("3", "12")


def test_a_query_is_there_exactly_and_in_no_other_place() -> None:
    asked = f"PatientName={FORGERY}"
    resource = balp(replace(READ, kind=EventKind.QUERY, study=None, query=asked))
    (query,) = entities(resource, "2", "24")
    assert base64.b64decode(query["query"]).decode() == asked
    assert "DOE" not in json.dumps([each for each in resource["entity"] if each is not query])


def test_a_search_without_keys_has_a_query_all_the_same() -> None:
    resource = balp(replace(READ, kind=EventKind.QUERY, study=None, query=None))
    (query,) = entities(resource, "2", "24")
    assert base64.b64decode(query["query"]) == b"?"
    assert departures(resource) == []


def test_a_name_cannot_act_in_a_resource() -> None:
    name = balp(replace(READ, actor=Actor(FORGERY, verified=False)))["agent"][0]["name"]
    assert name.isprintable()
    assert "\\u000a" in name


def test_a_sign_in_and_a_start_name_their_record_in_both_formats() -> None:
    for kind in (EventKind.SIGN_IN, EventKind.APPLICATION_STARTED):
        event = replace(READ, kind=kind, study=None)
        (about,) = xml(event).iterfind("ParticipantObjectIdentification")
        assert about.get("ParticipantObjectID") == "s1/7"
        assert balp(event)["entity"][-1]["what"]["identifier"]["value"] == "s1/7"
