"""One event of the trail, before anybody has chosen a format for it.

Services build an `AuditEvent`; a sink chains it and makes it durable; a
renderer (JSON, PS3.15 A.5 XML) shows it.  The catalogue of kinds is the single
list from which the renderers, the reference page and the conformance table are
made.

Standard: PS3.15 A.5.3 (messages), PS3.16 CID 400, 401, 402 (codes).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum, StrEnum
from typing import NamedTuple

from pacsgate.model.resource import ArchiveName, TenantName


class Code(NamedTuple):
    """A coded value of the DCM coding scheme."""

    value: str
    meaning: str


class Outcome(IntEnum):
    """Event Outcome Indicator (PS3.15 A.5.2).

    In a security alert, `MINOR` and `SERIOUS` mean that the mitigation worked
    (our denial), `MAJOR` a possible compromise.
    """

    SUCCESS = 0
    MINOR = 4
    SERIOUS = 8
    MAJOR = 12


class EventActionCode(StrEnum):
    """Event Action Code (PS3.15 A.5.2)."""

    CREATE = "C"
    READ = "R"
    UPDATE = "U"
    DELETE = "D"
    EXECUTE = "E"


class _Row(NamedTuple):
    event_id: Code
    event_type: Code | None
    action: EventActionCode
    emitted: str


_CREATE = EventActionCode.CREATE
_READ = EventActionCode.READ
_UPDATE = EventActionCode.UPDATE
_DELETE = EventActionCode.DELETE
_EXECUTE = EventActionCode.EXECUTE

# CID 400, what happened
_APPLICATION = Code("110100", "Application Activity")
_LOG_USED = Code("110101", "Audit Log Used")
_BEGUN = Code("110102", "Begin Transferring DICOM Instances")
_ACCESSED = Code("110103", "DICOM Instances Accessed")
_TRANSFERRED = Code("110104", "DICOM Instances Transferred")
_STUDY_DELETED = Code("110105", "DICOM Study Deleted")
_EXPORTED = Code("110106", "Data Export")
_PROCEDURE = Code("110111", "Procedure Record")
_QUERIED = Code("110112", "Query")
_ALERT = Code("110113", "Security Alert")
_AUTHENTICATION = Code("110114", "User Authentication")

# CID 401, of which type
_START = Code("110120", "Application Start")
_STOP = Code("110121", "Application Stop")
_LOGIN = Code("110122", "Login")
_LOGOUT = Code("110123", "Logout")
_NODE = Code("110126", "Node Authentication")
_NETWORK = Code("110128", "Network Configuration")
_CONFIGURATION = Code("110129", "Security Configuration")
_RESTRICTED = Code("110132", "Use of Restricted Function")
_RECORDING_STOPPED = Code("110133", "Audit Recording Stopped")
_EMERGENCY = Code("110127", "Emergency Override Started")
_OBJECT = Code("110135", "Object Security Attributes Changed")
_ROLES = Code("110136", "Security Roles Changed")
_USER = Code("110137", "User Security Attributes Changed")


class EventKind(Enum):
    """The catalogue: each kind with its codes and the moment it is emitted."""

    APPLICATION_STARTED = _Row(_APPLICATION, _START, _EXECUTE, "a process of the gate starts")
    APPLICATION_STOPPED = _Row(_APPLICATION, _STOP, _EXECUTE, "a process of the gate stops in good order")
    AUDIT_LOG_USED = _Row(_LOG_USED, None, _READ, "somebody reads, searches, verifies or exports the trail")
    CHANGES_SEEN = _Row(
        _LOG_USED, None, _READ, "an administrator has seen what others changed; says how much, and until when"
    )
    QUERY = _Row(_QUERIED, None, _EXECUTE, "a search is answered; carries the query, never the answer")
    EVALUATED = _Row(
        _QUERIED,
        None,
        _EXECUTE,
        "an enforcement point asks what somebody else may do; names whom, and the answer",
    )
    INSTANCES_ACCESSED = _Row(
        _ACCESSED, None, _READ, "metadata, frames, bulk data or rendered images of a study are read"
    )
    INSTANCES_TRANSFERRED = _Row(_TRANSFERRED, None, _READ, "DICOM objects of a study are retrieved")
    TRANSFER_BEGUN = _Row(
        _BEGUN,
        None,
        _EXECUTE,
        "objects of a study are about to be sent to another AE (C-MOVE, C-GET); says to whom, and how many",
    )
    INSTANCES_STORED = _Row(_TRANSFERRED, None, _CREATE, "objects of a study were stored")
    STORE_BEGUN = _Row(_BEGUN, None, _EXECUTE, "objects of a study are about to be stored")
    COMMITMENT_ASKED = _Row(
        _QUERIED,
        None,
        _EXECUTE,
        "somebody asks whether objects are kept (storage commitment); names them, and says how many are",
    )
    PROCEDURE_STEP_CREATED = _Row(_PROCEDURE, None, _CREATE, "a modality begins a procedure step (MPPS)")
    PROCEDURE_STEP_CHANGED = _Row(
        _PROCEDURE, None, _UPDATE, "a modality goes on with a procedure step, or ends it (MPPS)"
    )
    INSTANCES_CHANGED = _Row(
        _ACCESSED,
        None,
        _UPDATE,
        "objects of a study, or what the archive keeps beside them, are modified, merged or split; says how",
    )
    INSTANCES_DELETED = _Row(_ACCESSED, None, _DELETE, "part of a study is deleted")
    STUDY_DELETED = _Row(_STUDY_DELETED, None, _DELETE, "a whole study is deleted")
    DATA_EXPORTED = _Row(
        _EXPORTED, None, _READ, "an archive built to leave is sent, with its recipient, instances and bytes"
    )
    MESSAGE_RECEIVED = _Row(
        _ALERT,
        _OBJECT,
        _EXECUTE,
        "an HL7 message about somebody's orders, stay or identity is taken, or cannot be read",
    )
    PACS_MESSAGE = _Row(
        _ALERT,
        _OBJECT,
        _EXECUTE,
        "an operation on a PACS is asked for, handed to its agent, answered, given up or queued again",
    )
    DENIED = _Row(_ALERT, _RESTRICTED, _EXECUTE, "a request is denied")
    SIGN_IN = _Row(_AUTHENTICATION, _LOGIN, _EXECUTE, "a sign-in succeeds or fails")
    SIGN_OUT = _Row(
        _AUTHENTICATION, _LOGOUT, _EXECUTE, "a session is ended, by its owner or by somebody for them"
    )
    EMERGENCY_ACCESS = _Row(
        _ALERT, _EMERGENCY, _EXECUTE, "the sealed credential is made, used, or declared void"
    )
    CREDENTIAL_SHARED = _Row(
        _ALERT, _RESTRICTED, _EXECUTE, "one account is at work from two networks at once; names both"
    )
    CERTIFICATE_REFUSED = _Row(
        _ALERT, _NODE, _EXECUTE, "a client certificate is not accepted; says what is wrong with it"
    )
    LOCKED_OUT = _Row(_ALERT, _RESTRICTED, _EXECUTE, "repeated failures lock a user name, or an address")
    ROLE_CHANGED = _Row(_ALERT, _ROLES, _EXECUTE, "a role is created, changed, assigned or taken away")
    USER_CHANGED = _Row(
        _ALERT, _USER, _EXECUTE, "a user, password or token is created, changed, disabled or removed"
    )
    ACCOUNTS_RECONCILED = _Row(
        _ALERT,
        _USER,
        _EXECUTE,
        "a source's list of its people is compared with its accounts; says how many join, move and leave, "
        "or why nothing was done",
    )
    OBJECT_ACCESS_CHANGED = _Row(_ALERT, _OBJECT, _EXECUTE, "a grant, label or collection changes")
    DOOR_PASSED = _Row(
        _ALERT,
        _RESTRICTED,
        _EXECUTE,
        "a door system lets somebody through, or does not; says who, where and why not",
    )
    DEVICE_CHANGED = _Row(
        _ALERT, _NETWORK, _EXECUTE, "a remote application entity is added, changed or removed"
    )
    TENANT_CHANGED = _Row(
        _ALERT,
        _CONFIGURATION,
        _EXECUTE,
        "a tenant is registered or changed, or its calls are counted anew",
    )
    PACS_CHANGED = _Row(
        _ALERT, _CONFIGURATION, _EXECUTE, "a PACS is registered, changed or unregistered; names its agent"
    )
    POLICY_CHANGED = _Row(
        _ALERT, _CONFIGURATION, _EXECUTE, "a policy revision is activated, or a candidate is refused"
    )
    ARCHIVE_ADMINISTERED = _Row(
        _ALERT,
        _CONFIGURATION,
        _EXECUTE,
        "a guarded archive is configured, restarted or made to run a script; holds no secret",
    )
    SECRETS_RESEALED = _Row(
        _ALERT, _CONFIGURATION, _EXECUTE, "the key that seals secrets in the database is replaced"
    )
    ATTRIBUTES_DISAGREE = _Row(
        _ALERT, _OBJECT, _EXECUTE, "instances of one study disagree about an attribute that decides access"
    )
    CLOCK_SET_BACK = _Row(_ALERT, _CONFIGURATION, _EXECUTE, "the clock of the machine went back")
    ACCESS_WINDOW_CLOSED = _Row(
        _ACCESSED, None, _READ, "an access window ends; carries its exact count and bytes"
    )
    TRAIL_TAMPERED = _Row(
        _ALERT, _RECORDING_STOPPED, _EXECUTE, "verification finds that the trail was changed"
    )

    @property
    def event_id(self) -> Code:
        """EventID (CID 400)."""
        return self.value.event_id

    @property
    def event_type(self) -> Code | None:
        """EventTypeCode (CID 401), where the message has one."""
        return self.value.event_type

    @property
    def action(self) -> EventActionCode:
        """EventActionCode."""
        return self.value.action


REASON_GIVEN = "reason_given"
"""Detail that holds the reason for a request in its subject's own words."""
HANDED_OVER = "handed_over"
"""Detail of a closed access window: how many of its instances a proxy was told to send, bytes unknown."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, as far as it is known: a subject, or the name that somebody claimed."""

    name: str
    verified: bool
    credential: str | None = None
    credential_id: str | None = None
    roles: tuple[str, ...] = ()
    address: str | None = None


@dataclass(frozen=True, slots=True)
class StudyObject:
    """A study that took part; `patient_id` and `instances` where they are known.

    `evidence` tells, for each of its attributes that have several sources, which of them had the value.
    """

    study_instance_uid: str
    patient_id: str | None = None
    sop_classes: Mapping[str, int] = field(default_factory=dict)
    instances: int | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something that happened and must be provable later.

    `details` holds further facts as strings; nothing secret ever enters it.
    `window` ties the opening of an access window to its close.  `at` is aware
    UTC.  An event that concerns several patients is several events.
    """

    kind: EventKind
    at: datetime
    actor: Actor
    outcome: Outcome = Outcome.SUCCESS
    tenant: TenantName | None = None
    archive: ArchiveName | None = None
    action: str | None = None
    study: StudyObject | None = None
    query: str | None = None
    reasons: tuple[str, ...] = ()
    revision: str | None = None
    purpose: str | None = None
    request_id: str | None = None
    window: str | None = None
    count: int | None = None
    bytes_sent: int | None = None
    recipient: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
