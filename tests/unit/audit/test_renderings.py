import base64
import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given

from pacsgate.audit.canonical import decode_event, encode_event
from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome, StudyObject
from pacsgate.audit.renderings.dicom_xml import to_xml
from pacsgate.audit.renderings.flat import flatten, to_json
from pacsgate.audit.renderings.line import to_line
from pacsgate.audit.renderings.visible import visible
from tests.support.audit_schema import problems
from tests.support.events import FORGERY, READ, events


def parsed(line: bytes) -> ET.Element:
    return ET.fromstring(line)  # noqa: S314 - our own bytes


def xml(event: AuditEvent) -> ET.Element:
    return parsed(to_xml(event, "s1/7", "gate@hospital.example"))


def codes(element: ET.Element, path: str) -> list[tuple[str, str]]:
    return [(each.get("csd-code"), each.get("codeSystemName")) for each in element.iterfind(path)]


def detail(element: ET.Element, name: str) -> str:
    (found,) = element.iterfind(f"ParticipantObjectIdentification/ParticipantObjectDetail[@type='{name}']")
    return base64.b64decode(found.get("value")).decode()


@given(events)
def test_every_event_becomes_a_message_of_the_standard_on_one_line_of_ascii(event: AuditEvent) -> None:
    line = to_xml(event, "s1/7", "gate")
    assert all(0x20 <= byte < 0x7F for byte in line)
    assert problems(parsed(line)) == []


@given(events)
def test_every_event_becomes_one_line_of_flat_json(event: AuditEvent) -> None:
    line = to_json(event, "s1/7")
    assert all(" " <= character <= "~" for character in line)
    assert json.loads(line) == {"id": "s1/7", **flatten(event)}


@given(events)
def test_every_event_becomes_one_line_that_does_nothing_to_a_terminal(event: AuditEvent) -> None:
    line = to_line(event)
    assert line == visible(line)
    assert line.splitlines() == [line]


@pytest.mark.parametrize("kind", EventKind, ids=lambda kind: kind.name)
def test_a_message_carries_the_codes_of_its_kind(kind) -> None:
    message = xml(replace(READ, kind=kind))
    assert codes(message, "EventIdentification/EventID") == [(kind.event_id.value, "DCM")]
    types = [(kind.event_type.value, "DCM")] if kind.event_type else []
    assert codes(message, "EventIdentification/EventTypeCode") == types
    assert message.find("EventIdentification").get("EventActionCode") == kind.action.value


def test_a_read_names_who_from_where_which_study_and_which_patient() -> None:
    message = xml(READ)
    (person,) = message.iterfind("ActiveParticipant")
    assert person.attrib == {
        "UserID": "rad1",
        "UserIsRequestor": "true",
        "NetworkAccessPointID": "10.0.0.7",
        "NetworkAccessPointTypeCode": "2",
    }
    study, patient = message.iterfind("ParticipantObjectIdentification")
    assert study.get("ParticipantObjectID") == READ.study.study_instance_uid
    assert codes(study, "ParticipantObjectIDTypeCode") == [("110180", "DCM")]
    assert patient.get("ParticipantObjectID") == "P1"
    assert codes(patient, "ParticipantObjectIDTypeCode") == [("2", "RFC-3881")]
    assert detail(message, "PurposeOfUse") == "TREAT"
    assert detail(message, "RecordID") == "s1/7"


def test_a_denial_is_a_security_alert_of_outcome_8_about_the_study() -> None:
    denial = replace(READ, kind=EventKind.DENIED, outcome=Outcome.SERIOUS, reasons=("forbidden-by-rule:vip",))
    message = xml(denial)
    event = message.find("EventIdentification")
    assert event.get("EventOutcomeIndicator") == "8"
    assert codes(event, "EventID") == [("110113", "DCM")]
    assert codes(event, "EventTypeCode") == [("110132", "DCM")]
    assert detail(message, "Alert Description") == "a request is denied: forbidden-by-rule:vip"
    assert (
        message.find("ParticipantObjectIdentification").get("ParticipantObjectID")
        == READ.study.study_instance_uid
    )


def test_a_denial_without_a_study_still_describes_the_alert() -> None:
    message = xml(replace(READ, kind=EventKind.DENIED, study=None))
    assert detail(message, "Alert Description").startswith("a request is denied")


def test_a_query_carries_its_text_in_base64() -> None:
    message = xml(replace(READ, kind=EventKind.QUERY, study=None, query=f"PatientName={FORGERY}"))
    (query,) = message.iterfind("ParticipantObjectIdentification/ParticipantObjectQuery")
    assert base64.b64decode(query.text).decode() == f"PatientName={FORGERY}"


def test_a_transfer_names_source_and_destination_the_right_way_round() -> None:
    def roles(kind: EventKind) -> list[tuple[str, str]]:
        return [
            (each.get("UserID"), each.find("RoleIDCode").get("csd-code"))
            for each in xml(replace(READ, kind=kind)).iterfind("ActiveParticipant")
        ]

    gate = "gate@hospital.example"
    assert roles(EventKind.INSTANCES_TRANSFERRED) == [("rad1", "110152"), (gate, "110153")]
    assert roles(EventKind.INSTANCES_STORED) == [("rad1", "110153"), (gate, "110152")]


def test_an_export_names_its_recipient_count_and_bytes() -> None:
    export = replace(
        READ, kind=EventKind.DATA_EXPORTED, recipient="ext@example.org", count=12, bytes_sent=345
    )
    message = xml(export)
    recipient = message.find("ActiveParticipant[@UserID='ext@example.org']")
    assert codes(recipient, "RoleIDCode") == [("110152", "DCM"), ("110154", "DCM")]
    assert (detail(message, "NumberOfInstances"), detail(message, "BytesSent")) == ("12", "345")


def test_a_failed_sign_in_shows_the_claimed_name_and_the_outcome() -> None:
    message = xml(
        AuditEvent(EventKind.SIGN_IN, READ.at, Actor(FORGERY, verified=False), outcome=Outcome.SERIOUS)
    )
    person = message.find("ActiveParticipant")
    assert person.get("UserID") == visible(FORGERY)
    assert message.find("EventIdentification").get("EventOutcomeIndicator") == "8"


def test_sop_classes_are_counted() -> None:
    study = StudyObject("1.2.3", sop_classes={"1.2.840.10008.5.1.4.1.1.2": 40})
    message = xml(replace(READ, kind=EventKind.INSTANCES_STORED, study=study))
    (sop_class,) = message.iterfind("ParticipantObjectIdentification/ParticipantObjectDescription/SOPClass")
    assert sop_class.attrib == {"UID": "1.2.840.10008.5.1.4.1.1.2", "NumberOfInstances": "40"}


def test_a_changed_user_is_the_object_of_the_alert() -> None:
    change = replace(
        READ, kind=EventKind.USER_CHANGED, study=None, details={"target": "rad2", "after": "disabled"}
    )
    message = xml(change)
    user = message.find("ParticipantObjectIdentification")
    assert user.get("ParticipantObjectID") == "rad2"
    assert detail(message, "after") == "disabled"


def test_a_line_shows_what_a_person_looks_for() -> None:
    assert to_line(READ) == (
        "2026-03-01T09:00:00.125Z  instances-accessed  ok  rad1  view  from=10.0.0.7  archive=main  patient=P1  "
        "study=1.2.826.0.1.3680043.10.1  why=permitted-by-rule:radiologists-read  request=r1"
    )


def test_no_value_can_pretend_to_be_a_field_of_the_line() -> None:
    line = to_line(replace(READ, actor=Actor('x  ok  "rad1"', verified=False), query="a  why=permitted"))
    assert r'"x  ok  \"rad1\"" (not verified)' in line
    assert 'query="a  why=permitted"' in line


def test_what_would_act_is_written_out_and_the_rest_is_left_alone() -> None:
    assert visible("山田^太郎=やまだ^たろう") == "山田^太郎=やまだ^たろう"
    assert visible("a\nb\x1b[2J\u202ec\x9b") == "a\\u000ab\\u001b[2J\\u202ec\\u009b"


def test_the_evidence_by_which_a_study_was_found_to_be_somebody_s_is_told() -> None:
    event = replace(READ, study=StudyObject("1.2.3", evidence={"referring": "ReferringPhysicianName"}))
    assert flatten(event)["study.evidence.referring"] == "ReferringPhysicianName"
    assert detail(xml(event), "Evidence for referring") == "ReferringPhysicianName"
    assert problems(xml(event)) == []
    assert decode_event(encode_event(event)) == event
