"""An event as an AuditMessage of DICOM PS3.15 A.5.

One message is one line of ASCII without an XML declaration, so that a file of
messages can be split at line feeds and a message sent as the body of a syslog
record.  Details, like the query, are base64 and can hold anything.

Standard: PS3.15 A.5.1 (schema), A.5.2 (fields); what a message is made of is said in `message`.
"""

from xml.etree.ElementTree import Element, SubElement, tostring

from pacsgate.audit.canonical import encode_time
from pacsgate.audit.events import AuditEvent, Code, Outcome
from pacsgate.audit.renderings.message import (
    RFC_3881,
    Coded,
    MessageObject,
    Participant,
    as_base64,
    message_of,
    network_type,
)
from pacsgate.audit.renderings.visible import visible

_APPLICATION_SERVER = Coded(Code("4", "Application Server Process"), RFC_3881)


def to_xml(event: AuditEvent, record_id: str, source: str) -> bytes:
    """The message, on one line without its line feed.

    `source` is the AuditSourceID, the name of this gate.  `record_id` names
    segment and position, by which the record is found again in the trail.
    """
    parts = message_of(event, record_id, source)
    message = Element("AuditMessage")
    _add_event(message, event)
    for participant in parts.participants:
        _add_participant(message, participant)
    audit_source = SubElement(message, "AuditSourceIdentification", AuditSourceID=visible(source))
    if event.tenant is not None:
        audit_source.set("AuditEnterpriseSiteID", visible(event.tenant))
    _add_code(audit_source, "AuditSourceTypeCode", _APPLICATION_SERVER)
    for each in parts.objects:
        _add_object(message, each)
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
    _add_code(element, "EventID", Coded(event.kind.event_id))
    if event.kind.event_type is not None:
        _add_code(element, "EventTypeCode", Coded(event.kind.event_type))
    if event.outcome is not Outcome.SUCCESS and event.reasons:
        SubElement(element, "EventOutcomeDescription").text = visible(", ".join(event.reasons))


def _add_participant(message: Element, participant: Participant) -> None:
    element = SubElement(
        message,
        "ActiveParticipant",
        UserID=visible(participant.name) or "nobody",
        UserIsRequestor="true" if participant.is_requestor else "false",
    )
    if participant.ae_title is not None:
        element.set("AlternativeUserID", f"AETITLES={visible(participant.ae_title)}")
    if participant.address is not None:
        element.set("NetworkAccessPointID", visible(participant.address))
        element.set("NetworkAccessPointTypeCode", network_type(participant.address))
    for role in participant.roles:
        _add_code(element, "RoleIDCode", role)
    if participant.is_media:
        media = SubElement(element, "MediaIdentifier")
        _add_code(media, "MediaType", Coded(Code("110037", "URI")))


def _add_object(message: Element, about: MessageObject) -> None:
    element = SubElement(
        message,
        "ParticipantObjectIdentification",
        ParticipantObjectID=visible(about.object_id),
        ParticipantObjectTypeCode=about.type_code,
        ParticipantObjectTypeCodeRole=about.role,
    )
    _add_code(element, "ParticipantObjectIDTypeCode", about.id_type)
    if about.name is not None:
        SubElement(element, "ParticipantObjectName").text = about.name
    if about.query is not None:
        SubElement(element, "ParticipantObjectQuery").text = as_base64(about.query)
    for name, value in about.details:
        SubElement(element, "ParticipantObjectDetail", type=visible(name), value=as_base64(value))
    if about.sop_classes:
        description = SubElement(element, "ParticipantObjectDescription")
        for uid, count in about.sop_classes:
            SubElement(description, "SOPClass", UID=visible(uid), NumberOfInstances=str(count))


def _add_code(parent: Element, name: str, coded: Coded) -> None:
    attributes = {
        "csd-code": visible(coded.code.value),
        "codeSystemName": coded.system,
        "originalText": visible(coded.code.meaning),
    }
    SubElement(parent, name, attributes)
