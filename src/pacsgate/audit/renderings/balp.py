"""An event as a FHIR R4 AuditEvent, by the patterns of IHE's Basic Audit Log Patterns where one fits.

A pattern is for a success: somebody read, searched, stored, changed or deleted, or an export left the house.
Then the agents are those that the pattern names (the person, the application that asked, this gate) and
`meta.profile` claims it.  Every other event has the participants of its DICOM message.  The entities are the
objects of that message, the request, and the record in the trail, which carries all details.

One event is one line of ASCII.  DICOM's codes are there beside those of FHIR, and the RecordID is the same as
in the DICOM message about the same event.

Called by `sinks.trail_reader` for exports.

Invariants:
- text is written out as `visible` does, so that no value can act; the query alone is base64, and exact.

Standard: FHIR R4 AuditEvent; IHE ITI Basic Audit Log Patterns 1.1, profiles `IHE.BasicAudit.*`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pacsgate.audit.canonical import canonical, encode_time
from pacsgate.audit.events import AuditEvent, Code, EventKind, Outcome
from pacsgate.audit.renderings.message import (
    APPLICATION,
    DCM,
    DESTINATION,
    PATIENT,
    PERSON,
    RECORD_ID,
    SOURCE,
    STUDY_UID,
    Message,
    MessageObject,
    Participant,
    as_base64,
    message_of,
    network_type,
)
from pacsgate.audit.renderings.visible import visible

Json = dict[str, Any]

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
_EVENT_TYPE = f"{_TERMINOLOGY}audit-event-type"
_ENTITY_TYPE = f"{_TERMINOLOGY}audit-entity-type"
_ROLE = f"{_TERMINOLOGY}object-role"
_PARTICIPATION = f"{_TERMINOLOGY}v3-ParticipationType"
_INTERACTION = "http://hl7.org/fhir/restful-interaction"
_BALP = "https://profiles.ihe.net/ITI/BALP/"
_SYSTEMS = {DCM: "http://dicom.nema.org/resources/ontology/DCM"}
"""The URIs of coding schemes; roles of this installation have none and are text."""

_RECIPIENT = (_PARTICIPATION, "IRCP", "information recipient")
_AUTHOR = (_PARTICIPATION, "AUT", "author (originator)")
_CUSTODIAN = (f"{_TERMINOLOGY}provenance-participant-type", "custodian", "Custodian")
_DISCLOSURE = (f"{_TERMINOLOGY}iso-21089-lifecycle", "disclose", "Disclose Record Lifecycle Event")

_QUERY_ROLE, _OTHER = "24", "4"

_NO_KEYS = "?"
"""A search without keys: FHIR has no empty value, and the pattern wants one."""

_Coding = tuple[str, str, str]


def _dcm(code: Code) -> _Coding:
    return _SYSTEMS[DCM], code.value, code.meaning


class _Pattern(NamedTuple):
    """A pattern of an interaction: what the person, the application and the gate are called in it."""

    profile: str
    interaction: str
    user: _Coding
    client: _Coding
    server: _Coding
    other_subtypes: bool = True


_READ = _Pattern("Read", "read", _RECIPIENT, _dcm(DESTINATION), _dcm(SOURCE))
_QUERY = _Pattern("Query", "search", _RECIPIENT, _dcm(SOURCE), _dcm(DESTINATION))
_CREATE = _Pattern("Create", "create", _AUTHOR, _dcm(SOURCE), _dcm(DESTINATION))
_UPDATE = _Pattern("Update", "update", _AUTHOR, _dcm(SOURCE), _dcm(DESTINATION))
_DELETE = _Pattern("Delete", "delete", _AUTHOR, _dcm(APPLICATION), _CUSTODIAN, other_subtypes=False)

_PATTERNS: Mapping[EventKind, _Pattern] = {
    EventKind.QUERY: _QUERY,
    EventKind.COMMITMENT_ASKED: _QUERY,
    EventKind.INSTANCES_ACCESSED: _READ,
    EventKind.ACCESS_WINDOW_CLOSED: _READ,
    EventKind.INSTANCES_TRANSFERRED: _READ,
    EventKind.INSTANCES_STORED: _CREATE,
    EventKind.PROCEDURE_STEP_CREATED: _CREATE,
    EventKind.PROCEDURE_STEP_CHANGED: _UPDATE,
    EventKind.INSTANCES_CHANGED: _UPDATE,
    EventKind.INSTANCES_DELETED: _DELETE,
    EventKind.STUDY_DELETED: _DELETE,
}
"""The kinds that are an interaction with what somebody keeps; of the others, exports are disclosures."""


def to_balp(event: AuditEvent, record_id: str, source: str) -> bytes:
    """The AuditEvent, on one line without its line feed.

    `source` is the name of this gate.  `record_id` names segment and position, by which the record is found
    again in the trail.
    """
    message = message_of(event, record_id, source)
    pattern = _pattern(event)
    agents = _agents(event, message) if pattern is None else _agents_of(pattern, event, message, source)
    fields: Mapping[str, Any] = {
        "resourceType": "AuditEvent",
        "meta": _known({"profile": _profiles(event, pattern)}) or None,
        **_identification(event, pattern),
        "agent": list(agents),
        "source": _known(
            {
                "site": _text(event.tenant),
                "observer": _somebody(source),
                "type": [_coding(f"{_TERMINOLOGY}security-source-type", "4", "Application Server")],
            }
        ),
        "entity": list(_entities(event, message, record_id)),
    }
    return canonical(_known(fields))


def _pattern(event: AuditEvent) -> _Pattern | None:
    pattern = _PATTERNS.get(event.kind)
    if pattern is None or event.outcome is not Outcome.SUCCESS:
        return None
    return pattern if pattern is _QUERY or event.study is not None else None


def _profiles(event: AuditEvent, pattern: _Pattern | None) -> list[str]:
    """The profile that the event fulfils, if there is one."""
    has_patient = event.study is not None and _text(event.study.patient_id) is not None
    if pattern is not None:
        name = f"Patient{pattern.profile}" if has_patient else pattern.profile
    elif event.kind is EventKind.DATA_EXPORTED and has_patient and _text(event.recipient) is not None:
        name = "PrivacyDisclosure.Source"
    else:
        return []
    return [f"{_BALP}StructureDefinition/IHE.BasicAudit.{name}"]


def _identification(event: AuditEvent, pattern: _Pattern | None) -> Json:
    kind = event.kind
    codes = [_coding(*_dcm(code)) for code in (kind.event_id, kind.event_type) if code is not None]
    if pattern is not None:
        kind_of_event = _coding(_EVENT_TYPE, "rest", "Restful Operation")
        others = codes if pattern.other_subtypes else []
        subtypes = [_coding(_INTERACTION, pattern.interaction, pattern.interaction), *others]
    else:
        kind_of_event, *subtypes = codes
        if kind is EventKind.DATA_EXPORTED:
            subtypes.append(_coding(*_DISCLOSURE))
    failed = event.outcome is not Outcome.SUCCESS
    return {
        "type": kind_of_event,
        "subtype": subtypes,
        "action": kind.action.value,
        "recorded": encode_time(event.at),
        "outcome": str(int(event.outcome)),
        "outcomeDesc": _text(", ".join(event.reasons)) if failed else None,
        "purposeOfEvent": _purposes(event),
    }


def _agents_of(pattern: _Pattern, event: AuditEvent, message: Message, source: str) -> Iterator[Json]:
    """The agents that a pattern names; a recipient that is told is the application to which things go."""
    person = message.participants[0]
    client = person if event.recipient is None else message.participants[-1]
    yield _known(
        {
            "type": _concept(pattern.user),
            "role": _own_roles(person),
            "who": _somebody(person.name),
            "name": _text(person.name),
            "requestor": True,
            "purposeOfUse": _purposes(event),
        }
    )
    yield _known(
        {
            "type": _concept(pattern.client),
            "who": _somebody(client.ae_title or client.address or client.name),
            "requestor": False,
            "network": _network(_address(client) or source),
        }
    )
    yield _gate(pattern.server, source)


def _gate(role: _Coding, source: str) -> Json:
    return {
        "type": _concept(role),
        "who": _somebody(source),
        "requestor": False,
        "network": _network(source),
    }


def _agents(event: AuditEvent, message: Message) -> Iterator[Json]:
    """The participants of the DICOM message."""
    for each in message.participants:
        codes = [_dcm(role.code) for role in each.roles if role.system == DCM]
        address = _address(each)
        yield _known(
            {
                "type": _concept(*codes) if codes else None,
                "role": _own_roles(each),
                "who": _somebody(each.name),
                "altId": _text(each.ae_title),
                "name": _text(each.name),
                "requestor": each.is_requestor,
                "network": None if address is None else _network(address),
                "purposeOfUse": _purposes(event) if each.is_requestor else None,
            }
        )


def _address(participant: Participant) -> str | None:
    """Where a participant is: of one that did not ask, what its name says (`TITLE@address`)."""
    if participant.is_requestor:
        return participant.address
    return participant.name.rpartition("@")[2] or participant.name


def _entities(event: AuditEvent, message: Message, record_id: str) -> Iterator[Json]:
    for each in message.objects:
        if each.object_id != record_id:
            yield _entity(each)
    if event.request_id is not None and _text(event.request_id):
        yield {
            "type": _coding(f"{_BALP}CodeSystem/BasicAuditEntityType", "XrequestId"),
            "what": _somebody(event.request_id),
        }
    details = [
        ("Kind", event.kind.name),
        *(detail for each in message.objects for detail in each.details),
        *((f"Instances of {uid}", str(count)) for each in message.objects for uid, count in each.sop_classes),
    ]
    yield {
        "type": _coding(_ENTITY_TYPE, _OTHER, "Other"),
        "what": {"identifier": {"type": {"text": RECORD_ID}, "value": record_id}},
        "detail": [
            {"type": _text(name), "valueString": _text(value)}
            for name, value in details
            if _text(name) and _text(value)
        ],
    }


def _entity(about: MessageObject) -> Json:
    entity_type = _coding(_ENTITY_TYPE, about.type_code)
    if about.query is not None:
        query = as_base64(about.query or _NO_KEYS)
        return {"type": entity_type, "role": _coding(_ROLE, _QUERY_ROLE, "Query"), "query": query}
    return {"type": entity_type, "role": _coding(_ROLE, about.role), "what": _what(about)}


def _what(about: MessageObject) -> Json:
    if about.id_type == STUDY_UID:
        uid = f"urn:oid:{visible(about.object_id)}"
        return {"type": "ImagingStudy", "identifier": {"system": "urn:dicom:uid", "value": uid}}
    named = _somebody(about.object_id)
    is_patient = (about.type_code, about.role) == (PERSON, PATIENT)
    return {"type": "Patient", **named} if is_patient else named


def _purposes(event: AuditEvent) -> list[Json] | None:
    purpose = _text(event.purpose)
    if purpose is None:
        return None
    if purpose.isascii() and purpose.isalnum():
        return [{"coding": [{"system": f"{_TERMINOLOGY}v3-ActReason", "code": purpose}]}]
    return [{"text": purpose}]


def _own_roles(participant: Participant) -> list[Json] | None:
    names = [_text(role.code.value) for role in participant.roles if role.system != DCM]
    return [{"text": name} for name in names if name is not None] or None


def _somebody(name: str) -> Json:
    return {"identifier": {"value": _text(name) or "nobody"}}


def _network(address: str) -> Json:
    return {"address": _text(address) or "unknown", "type": network_type(address)}


def _coding(system: str, code: str, display: str | None = None) -> Json:
    return _known({"system": system, "code": code, "display": display})


def _concept(*codings: _Coding) -> Json:
    return {"coding": [_coding(*coding) for coding in codings]}


def _text(text: str | None) -> str | None:
    """A FHIR string: it is not empty, and neither begins nor ends with a space."""
    return visible(text).strip() or None if text is not None else None


def _known(fields: Mapping[str, Any]) -> Json:
    """The fields that have a value; FHIR has no null and no empty list."""
    return {name: value for name, value in fields.items() if value not in (None, [])}
