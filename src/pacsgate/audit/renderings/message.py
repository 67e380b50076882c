"""An event as the parts of an audit message: who took part in which role, and which objects it is about.

Which participants a message has, and in which roles, is one row per kind of `_CASTS`; which object it is
about is chosen by the kind's EventID.  An event without an object of its own is about its record in the
trail, so that each message names that record.  What an event says beyond the standard's fields are details
of its first object.

Called by `dicom_xml` and `balp`, which write the same parts down in two formats.

Invariants:
- a message has at least one participant and one object, and `RecordID` is a detail of the first object.

Standard: PS3.15 A.5.2 (fields), A.5.3 (messages), CID 400 to 404; coded roles of this installation use the
private scheme `99PACSGATE` (PS3.3 8.2).
"""

import base64
import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pacsgate.audit.events import AuditEvent, Code, EventKind, StudyObject

DCM = "DCM"
RFC_3881 = "RFC-3881"
OUR_ROLES = "99PACSGATE"

APPLICATION = Code("110150", "Application")
_LAUNCHER = Code("110151", "Application Launcher")
DESTINATION = Code("110152", "Destination Role ID")
SOURCE = Code("110153", "Source Role ID")
_DESTINATION_MEDIA = Code("110154", "Destination Media")
_INITIATOR = Code("110156", "Initiator")

PERSON, SYSTEM = "1", "2"
PATIENT, _REPORT, _SECURITY_USER, SECURITY_RESOURCE = "1", "3", "11", "13"

RECORD_ID = "RecordID"

_STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
"""QIDO-RS has no SOP class; it queries the Study Root information model (PS3.18 10.6.1.1)."""

_STORAGE_COMMITMENT = "1.2.840.10008.1.20.1"

_EVALUATION = "/access/v1"
"""Questions about what somebody may do are of no SOP class either, and not about one object of a patient."""

_BY_TITLE = ("device", "called-ae")
"""The kinds of credential whose id is an AE title."""


class Coded(NamedTuple):
    """A code with its scheme."""

    code: Code
    system: str = DCM


STUDY_UID = Coded(Code("110180", "Study Instance UID"))
_SOP_CLASS_UID = Coded(Code("110181", "SOP Class UID"))
_NODE_ID = Coded(Code("110182", "Node ID"))
_PATIENT_NUMBER = Coded(Code("2", "Patient Number"), RFC_3881)
_USER_IDENTIFIER = Coded(Code("11", "User Identifier"), RFC_3881)
_URI = Coded(Code("12", "URI"), RFC_3881)


class _Cast(NamedTuple):
    """The roles of the actor and of the gate in a message; `has_gate` false: it takes no part."""

    actor: Code | None = None
    gate: Code | None = None
    has_gate: bool = True


_ALONE = _Cast(has_gate=False)
_REPORTED = _Cast(None, APPLICATION)

_CASTS: Mapping[EventKind, _Cast] = {
    EventKind.APPLICATION_STARTED: _Cast(_LAUNCHER, APPLICATION),
    EventKind.APPLICATION_STOPPED: _Cast(_LAUNCHER, APPLICATION),
    EventKind.AUDIT_LOG_USED: _ALONE,
    EventKind.CHANGES_SEEN: _ALONE,
    EventKind.QUERY: _Cast(SOURCE, DESTINATION),
    EventKind.EVALUATED: _Cast(SOURCE, DESTINATION),
    EventKind.INSTANCES_ACCESSED: _ALONE,
    EventKind.INSTANCES_TRANSFERRED: _Cast(DESTINATION, SOURCE),
    EventKind.TRANSFER_BEGUN: _Cast(None, SOURCE),
    EventKind.INSTANCES_STORED: _Cast(SOURCE, DESTINATION),
    EventKind.STORE_BEGUN: _Cast(SOURCE, DESTINATION),
    EventKind.MESSAGE_RECEIVED: _REPORTED,
    EventKind.PACS_MESSAGE: _REPORTED,
    EventKind.COMMITMENT_ASKED: _Cast(SOURCE, DESTINATION),
    EventKind.PROCEDURE_STEP_CREATED: _ALONE,
    EventKind.PROCEDURE_STEP_CHANGED: _ALONE,
    EventKind.INSTANCES_CHANGED: _ALONE,
    EventKind.INSTANCES_DELETED: _ALONE,
    EventKind.STUDY_DELETED: _ALONE,
    EventKind.DATA_EXPORTED: _Cast(_INITIATOR, SOURCE),
    EventKind.DENIED: _REPORTED,
    EventKind.SIGN_IN: _REPORTED,
    EventKind.SIGN_OUT: _REPORTED,
    EventKind.CERTIFICATE_REFUSED: _REPORTED,
    EventKind.LOCKED_OUT: _REPORTED,
    EventKind.EMERGENCY_ACCESS: _REPORTED,
    EventKind.CREDENTIAL_SHARED: _REPORTED,
    EventKind.ROLE_CHANGED: _REPORTED,
    EventKind.USER_CHANGED: _REPORTED,
    EventKind.ACCOUNTS_RECONCILED: _REPORTED,
    EventKind.OBJECT_ACCESS_CHANGED: _REPORTED,
    EventKind.DOOR_PASSED: _REPORTED,
    EventKind.DEVICE_CHANGED: _REPORTED,
    EventKind.TENANT_CHANGED: _REPORTED,
    EventKind.PACS_CHANGED: _REPORTED,
    EventKind.POLICY_CHANGED: _REPORTED,
    EventKind.ARCHIVE_ADMINISTERED: _REPORTED,
    EventKind.ATTRIBUTES_DISAGREE: _REPORTED,
    EventKind.SECRETS_RESEALED: _REPORTED,
    EventKind.CLOCK_SET_BACK: _REPORTED,
    EventKind.ACCESS_WINDOW_CLOSED: _ALONE,
    EventKind.TRAIL_TAMPERED: _REPORTED,
}


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody or something that took part; `is_media` where what is sent leaves for good."""

    name: str
    is_requestor: bool = False
    roles: tuple[Coded, ...] = ()
    address: str | None = None
    ae_title: str | None = None
    is_media: bool = False


@dataclass(frozen=True, slots=True)
class MessageObject:
    """What the event is about; `details` and `sop_classes` in the order in which they are written."""

    object_id: str
    type_code: str
    role: str
    id_type: Coded
    name: str | None = None
    query: str | None = None
    details: tuple[tuple[str, str], ...] = ()
    sop_classes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of a message."""

    participants: tuple[Participant, ...]
    objects: tuple[MessageObject, ...]


def message_of(event: AuditEvent, record_id: str, source: str) -> Message:
    """The parts of the message about an event.

    `source` is the name of this gate.  `record_id` names segment and position, by which the record is found
    again in the trail.
    """
    return Message(tuple(_participants(event, source)), tuple(_objects(event, record_id, source)))


def as_base64(text: str) -> str:
    """Any text in base64, as both formats want what was asked."""
    # Half a surrogate pair has no UTF-8; it is kept as the escape that JSON has for it.
    return base64.b64encode(text.encode("utf-8", "backslashreplace")).decode("ascii")


def network_type(address: str) -> str:
    """The NetworkAccessPointTypeCode of an address: of an IP address, or of a machine's name."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return "1"
    return "2"


def _participants(event: AuditEvent, source: str) -> Iterator[Participant]:
    cast, actor = _CASTS[event.kind], event.actor
    roles = (*_coded(cast.actor), *(Coded(Code(role, role), OUR_ROLES) for role in actor.roles))
    yield Participant(
        actor.name, is_requestor=True, roles=roles, address=actor.address, ae_title=_calling_ae_title(event)
    )
    if cast.has_gate:
        yield Participant(source, roles=_coded(cast.gate))
    if event.recipient is not None:
        is_export = event.kind is EventKind.DATA_EXPORTED  # A.5.3.6 alone speaks of media
        media = _coded(_DESTINATION_MEDIA if is_export else None)
        yield Participant(event.recipient, roles=(Coded(DESTINATION), *media), is_media=is_export)


def _calling_ae_title(event: AuditEvent) -> str | None:
    if event.actor.credential in _BY_TITLE:
        return event.actor.credential_id
    return event.details.get("calling_ae_title")


def _coded(code: Code | None) -> tuple[Coded, ...]:
    return () if code is None else (Coded(code),)


def _objects(event: AuditEvent, record_id: str, source: str) -> Iterator[MessageObject]:
    details = tuple(_details(event, record_id))
    match event.kind.event_id.value:
        case "110101":
            yield MessageObject(
                "audit-log", SYSTEM, SECURITY_RESOURCE, _URI, name="Security Audit Log", details=details
            )
        case "110112":
            object_id, role, id_type = _QUERIED[event.kind]
            yield MessageObject(object_id, SYSTEM, role, id_type, query=event.query or "", details=details)
        case "110113":
            yield _alert_object(event, source, (("Alert Description", _alert_description(event)), *details))
        case "110100" | "110114":
            yield _record_object(record_id, details)
            return  # A.5.3.1 and A.5.3.12 are about nobody's images
        case _ if event.study is None:
            yield _record_object(record_id, details)
        case _:
            yield _study_object(event.study, (*details, *_evidence(event.study)), event.study.sop_classes)
    patient_id = None if event.study is None else event.study.patient_id
    # A blank PatientID names nobody (PS3.3 C.7.1.1: type 2), and no format has a patient without a name.
    if patient_id is not None and patient_id.strip():
        yield MessageObject(patient_id, PERSON, PATIENT, _PATIENT_NUMBER)


_QUERIED: Mapping[EventKind, tuple[str, str, Coded]] = {
    EventKind.QUERY: (_STUDY_ROOT_FIND, _REPORT, _SOP_CLASS_UID),
    EventKind.COMMITMENT_ASKED: (_STORAGE_COMMITMENT, _REPORT, _SOP_CLASS_UID),
    EventKind.EVALUATED: (_EVALUATION, SECURITY_RESOURCE, _URI),
}


def _record_object(record_id: str, details: tuple[tuple[str, str], ...]) -> MessageObject:
    return MessageObject(record_id, SYSTEM, SECURITY_RESOURCE, _URI, name="Audit Record", details=details)


def _alert_object(event: AuditEvent, source: str, details: tuple[tuple[str, str], ...]) -> MessageObject:
    if event.study is not None:
        return _study_object(event.study, details, {})
    target = event.details.get("target") or event.archive or source
    if event.kind is EventKind.USER_CHANGED:
        return MessageObject(target, PERSON, _SECURITY_USER, _USER_IDENTIFIER, details=details)
    return MessageObject(target, SYSTEM, SECURITY_RESOURCE, _NODE_ID, details=details)


def _alert_description(event: AuditEvent) -> str:
    reasons = ", ".join(event.reasons)
    return f"{event.kind.value.emitted}: {reasons}" if reasons else event.kind.value.emitted


def _study_object(
    study: StudyObject, details: tuple[tuple[str, str], ...], sop_classes: Mapping[str, int]
) -> MessageObject:
    return MessageObject(
        study.study_instance_uid,
        SYSTEM,
        _REPORT,
        STUDY_UID,
        details=details,
        sop_classes=tuple(sorted(sop_classes.items())),
    )


def _evidence(study: StudyObject) -> Iterator[tuple[str, str]]:
    return ((f"Evidence for {name}", source) for name, source in sorted(study.evidence.items()))


def _details(event: AuditEvent, record_id: str) -> Iterator[tuple[str, str]]:
    facts: tuple[tuple[str, str | int | None], ...] = (
        (RECORD_ID, record_id),
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
    return ((name, str(value)) for name, value in facts if value is not None)
