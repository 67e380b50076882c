"""An event as an AuditMessage of DICOM PS3.15 A.5.

Which participants a message has, and in which roles, is one row per kind of
`_CASTS`; which object it is about is chosen by the kind's EventID.  What an event
says beyond the standard's fields goes into ParticipantObjectDetail elements of
that object: their values, like the query, are base64 and can hold anything.

One message is one line of ASCII without an XML declaration, so that a file of
messages can be split at line feeds and a message sent as the body of a syslog
record.

Standard: PS3.15 A.5.2 (fields), A.5.3 (messages), CID 400 to 404; coded roles of
this installation use the private scheme `99PACSGATE` (PS3.3 8.2).
"""

import base64
import ipaddress
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

from pacsgate.audit.canonical import encode_time
from pacsgate.audit.events import AuditEvent, Code, EventKind, Outcome, StudyObject
from pacsgate.audit.renderings.visible import visible

_DCM = "DCM"
_RFC_3881 = "RFC-3881"
_OUR_ROLES = "99PACSGATE"

_APPLICATION = Code("110150", "Application")
_LAUNCHER = Code("110151", "Application Launcher")
_DESTINATION = Code("110152", "Destination Role ID")
_SOURCE = Code("110153", "Source Role ID")
_DESTINATION_MEDIA = Code("110154", "Destination Media")
_INITIATOR = Code("110156", "Initiator")

_STUDY_UID = (Code("110180", "Study Instance UID"), _DCM)
_SOP_CLASS_UID = (Code("110181", "SOP Class UID"), _DCM)
_NODE_ID = (Code("110182", "Node ID"), _DCM)
_PATIENT_NUMBER = (Code("2", "Patient Number"), _RFC_3881)
_USER_IDENTIFIER = (Code("11", "User Identifier"), _RFC_3881)
_URI = (Code("12", "URI"), _RFC_3881)

_PERSON, _SYSTEM = "1", "2"
_PATIENT, _REPORT, _SECURITY_USER, _SECURITY_RESOURCE = "1", "3", "11", "13"

_STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
"""QIDO-RS has no SOP class; it queries the Study Root information model (PS3.18 10.6.1.1)."""

_STORAGE_COMMITMENT = "1.2.840.10008.1.20.1"

_EVALUATION = "/access/v1"
"""Questions about what somebody may do are of no SOP class either, and not about one object of a patient."""


class _Cast(NamedTuple):
    """The roles of the actor and of the gate in a message; `has_gate` false: it takes no part."""

    actor: Code | None = None
    gate: Code | None = None
    has_gate: bool = True


_ALONE = _Cast(has_gate=False)
_REPORTED = _Cast(None, _APPLICATION)

_CASTS: Mapping[EventKind, _Cast] = {
    EventKind.APPLICATION_STARTED: _Cast(_LAUNCHER, _APPLICATION),
    EventKind.APPLICATION_STOPPED: _Cast(_LAUNCHER, _APPLICATION),
    EventKind.AUDIT_LOG_USED: _ALONE,
    EventKind.QUERY: _Cast(_SOURCE, _DESTINATION),
    EventKind.EVALUATED: _Cast(_SOURCE, _DESTINATION),
    EventKind.INSTANCES_ACCESSED: _ALONE,
    EventKind.INSTANCES_TRANSFERRED: _Cast(_DESTINATION, _SOURCE),
    EventKind.TRANSFER_BEGUN: _Cast(None, _SOURCE),
    EventKind.INSTANCES_STORED: _Cast(_SOURCE, _DESTINATION),
    EventKind.STORE_BEGUN: _Cast(_SOURCE, _DESTINATION),
    EventKind.MESSAGE_RECEIVED: _REPORTED,
    EventKind.COMMITMENT_ASKED: _Cast(_SOURCE, _DESTINATION),
    EventKind.PROCEDURE_STEP_CREATED: _ALONE,
    EventKind.PROCEDURE_STEP_CHANGED: _ALONE,
    EventKind.INSTANCES_CHANGED: _ALONE,
    EventKind.INSTANCES_DELETED: _ALONE,
    EventKind.STUDY_DELETED: _ALONE,
    EventKind.DATA_EXPORTED: _Cast(_INITIATOR, _SOURCE),
    EventKind.DENIED: _REPORTED,
    EventKind.SIGN_IN: _REPORTED,
    EventKind.SIGN_OUT: _REPORTED,
    EventKind.LOCKED_OUT: _REPORTED,
    EventKind.ROLE_CHANGED: _REPORTED,
    EventKind.USER_CHANGED: _REPORTED,
    EventKind.OBJECT_ACCESS_CHANGED: _REPORTED,
    EventKind.DEVICE_CHANGED: _REPORTED,
    EventKind.POLICY_CHANGED: _REPORTED,
    EventKind.ARCHIVE_ADMINISTERED: _REPORTED,
    EventKind.ATTRIBUTES_DISAGREE: _REPORTED,
    EventKind.CLOCK_SET_BACK: _REPORTED,
    EventKind.ACCESS_WINDOW_CLOSED: _ALONE,
    EventKind.TRAIL_TAMPERED: _REPORTED,
}


def to_xml(event: AuditEvent, record_id: str, source: str) -> bytes:
    """The message, on one line without its line feed.

    `source` is the AuditSourceID, the name of this gate.  `record_id` names
    segment and position, by which the record is found again in the trail.
    """
    message = Element("AuditMessage")
    _add_event(message, event)
    _add_participants(message, event, source)
    audit_source = SubElement(message, "AuditSourceIdentification", AuditSourceID=visible(source))
    if event.tenant is not None:
        audit_source.set("AuditEnterpriseSiteID", visible(event.tenant))
    _add_code(audit_source, "AuditSourceTypeCode", Code("4", "Application Server Process"), _RFC_3881)
    _add_objects(message, event, record_id, source)
    line: bytes = tostring(message, encoding="us-ascii", xml_declaration=False)
    return line


def _add_event(message: Element, event: AuditEvent) -> None:
    element = SubElement(
        message,
        "EventIdentification",
        EventActionCode=event.kind.action.value,
        EventDateTime=encode_time(event.at),
        EventOutcomeIndicator=str(int(event.outcome)),
    )
    _add_code(element, "EventID", event.kind.event_id)
    if event.kind.event_type is not None:
        _add_code(element, "EventTypeCode", event.kind.event_type)
    if event.outcome is not Outcome.SUCCESS and event.reasons:
        SubElement(element, "EventOutcomeDescription").text = visible(", ".join(event.reasons))


def _add_participants(message: Element, event: AuditEvent, source: str) -> None:
    cast, actor = _CASTS[event.kind], event.actor
    person = _add_participant(message, actor.name, is_requestor=True, role=cast.actor)
    for role in actor.roles:
        _add_code(person, "RoleIDCode", Code(role, role), _OUR_ROLES)
    if actor.address is not None:
        person.set("NetworkAccessPointID", visible(actor.address))
        person.set("NetworkAccessPointTypeCode", "2" if _is_ip(actor.address) else "1")
    if cast.has_gate:
        _add_participant(message, source, is_requestor=False, role=cast.gate)
    if event.recipient is not None:
        recipient = _add_participant(message, event.recipient, is_requestor=False, role=_DESTINATION)
        if event.kind is EventKind.DATA_EXPORTED:  # A.5.3.6 alone speaks of media
            _add_code(recipient, "RoleIDCode", _DESTINATION_MEDIA)
            media = SubElement(recipient, "MediaIdentifier")
            _add_code(media, "MediaType", Code("110037", "URI"))


def _add_participant(message: Element, user_id: str, *, is_requestor: bool, role: Code | None) -> Element:
    element = SubElement(
        message,
        "ActiveParticipant",
        UserID=visible(user_id) or "nobody",
        UserIsRequestor="true" if is_requestor else "false",
    )
    if role is not None:
        _add_code(element, "RoleIDCode", role)
    return element


def _add_objects(message: Element, event: AuditEvent, record_id: str, source: str) -> None:
    details = _details(event, record_id)
    match event.kind.event_id.value:
        case "110100" | "110114":  # A.5.3.1 and A.5.3.12 name no objects
            return
        case "110101":
            log = _add_object(message, "audit-log", _SYSTEM, _SECURITY_RESOURCE, _URI)
            SubElement(log, "ParticipantObjectName").text = "Security Audit Log"
            _add_details(log, details)
        case "110112":
            query = _query_object(message, event.kind)
            SubElement(query, "ParticipantObjectQuery").text = _base64(event.query or "")
            _add_details(query, details)
        case "110113":
            alert = _alert_object(message, event, source)
            _add_details(alert, [("Alert Description", _alert_description(event)), *details])
        case _:
            if event.study is not None:
                study = _study_object(message, event.study)
                _add_details(study, details)
                evidence = sorted(event.study.evidence.items())
                _add_details(study, [(f"Evidence for {name}", source) for name, source in evidence])
                _add_sop_classes(study, event.study)
    if event.study is not None and event.study.patient_id is not None:
        _add_object(message, event.study.patient_id, _PERSON, _PATIENT, _PATIENT_NUMBER)


def _query_object(message: Element, kind: EventKind) -> Element:
    if kind is EventKind.QUERY:
        return _add_object(message, _STUDY_ROOT_FIND, _SYSTEM, _REPORT, _SOP_CLASS_UID)
    if kind is EventKind.COMMITMENT_ASKED:
        return _add_object(message, _STORAGE_COMMITMENT, _SYSTEM, _REPORT, _SOP_CLASS_UID)
    return _add_object(message, _EVALUATION, _SYSTEM, _SECURITY_RESOURCE, _URI)


def _alert_object(message: Element, event: AuditEvent, source: str) -> Element:
    if event.study is not None:
        return _study_object(message, event.study)
    target = event.details.get("target") or event.archive or source
    if event.kind is EventKind.USER_CHANGED:
        return _add_object(message, target, _PERSON, _SECURITY_USER, _USER_IDENTIFIER)
    return _add_object(message, target, _SYSTEM, _SECURITY_RESOURCE, _NODE_ID)


def _alert_description(event: AuditEvent) -> str:
    reasons = ", ".join(event.reasons)
    return f"{event.kind.value.emitted}: {reasons}" if reasons else event.kind.value.emitted


def _study_object(message: Element, study: StudyObject) -> Element:
    return _add_object(message, study.study_instance_uid, _SYSTEM, _REPORT, _STUDY_UID)


def _add_object(
    message: Element, object_id: str, type_code: str, role: str, id_type: tuple[Code, str]
) -> Element:
    element = SubElement(
        message,
        "ParticipantObjectIdentification",
        ParticipantObjectID=visible(object_id),
        ParticipantObjectTypeCode=type_code,
        ParticipantObjectTypeCodeRole=role,
    )
    _add_code(element, "ParticipantObjectIDTypeCode", *id_type)
    return element


def _details(event: AuditEvent, record_id: str) -> list[tuple[str, str]]:
    facts: tuple[tuple[str, str | int | None], ...] = (
        ("RecordID", record_id),
        ("Archive", event.archive),
        ("Action", event.action),
        ("Query", event.query if event.kind.event_id.value != "110112" else None),
        ("Reasons", ", ".join(event.reasons) or None),
        ("PolicyRevision", event.revision),
        ("PurposeOfUse", event.purpose),
        ("RequestID", event.request_id),
        ("AccessWindow", event.window),
        ("NumberOfInstances", event.count),
        ("BytesSent", event.bytes_sent),
        *event.details.items(),
    )
    return [(name, str(value)) for name, value in facts if value is not None]


def _add_details(element: Element, details: Iterable[tuple[str, str]]) -> None:
    for name, value in details:
        SubElement(element, "ParticipantObjectDetail", type=visible(name), value=_base64(value))


def _add_sop_classes(element: Element, study: StudyObject) -> None:
    if not study.sop_classes:
        return
    description = SubElement(element, "ParticipantObjectDescription")
    for uid, count in sorted(study.sop_classes.items()):
        SubElement(description, "SOPClass", UID=visible(uid), NumberOfInstances=str(count))


def _add_code(parent: Element, name: str, code: Code, system: str = _DCM) -> None:
    attributes = {
        "csd-code": visible(code.value),
        "codeSystemName": system,
        "originalText": visible(code.meaning),
    }
    SubElement(parent, name, attributes)


def _base64(text: str) -> str:
    # Half a surrogate pair has no UTF-8; it is kept as the escape that JSON has for it.
    return base64.b64encode(text.encode("utf-8", "backslashreplace")).decode("ascii")


def _is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True
