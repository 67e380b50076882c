"""What random policies and worlds speak of: attributes of every type, and tiny pools of values for them.

Pools are tiny so that comparisons come out both ways and edges are hit often.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pacsgate.model.actions import Action
from pacsgate.model.context import RequestLine
from pacsgate.model.grant import GranteeKind
from pacsgate.model.resource import ArchiveName
from pacsgate.model.study_permission import Holding
from pacsgate.model.subject import Credential, Scalar
from pacsgate.policy.calendar import DATE, HOUR, TIME, WEEKDAY, date_days_ago
from pacsgate.policy.environment import (
    AUTHENTICATION,
    AUTHENTICATION_AGE,
    BUILT_INS,
    CALLED_AE,
    CALLING_AE,
    CREDENTIAL,
    NETWORK,
    PURPOSE,
    RISK,
    USER_GROUPS,
    USER_KIND,
    USER_NAME,
    ZONE,
)
from pacsgate.policy.ir import (
    COLLECTIONS,
    PATIENT_ID,
    SERIES_UID,
    STUDY_UID,
    Attribute,
    Scope,
    ValueType,
)
from pacsgate.policy.request_patterns import REQUEST

ZONES = (UTC, ZoneInfo("Europe/Warsaw"), ZoneInfo("Pacific/Auckland"))
NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
ARCHIVES = (ArchiveName("main"), ArchiveName("research"))
ROLES = ("radiologist", "student", "auditor")
GROUPS = ("radiology", "teaching")
USERS = ("ann", "bob")
SITE_ZONES = ("reading room", "theatre")
PERMITTED_ACTIONS = (Action.SEARCH, Action.VIEW, Action.RETRIEVE, Action.EXPORT)
HOLDINGS = tuple(
    Holding(action, kind, name)
    for action in PERMITTED_ACTIONS
    for kind, names in ((GranteeKind.ROLE, ROLES), (GranteeKind.GROUP, GROUPS), (GranteeKind.USER, USERS))
    for name in names
)
"""Of study permissions."""
COLLECTION_NAMES = ("TEACH", "TRIAL")
STUDY_UIDS = ("1.2.1", "1.2.2", "1.2.3", "1.2.4")
FILTER_NAMES = ("f1", "f2")
SERIES_UIDS = ("1.2.9.1", "1.2.9.2", "1.2.9.3")
AE_TITLES = ("CT1", "CT 1")
PATIENT_IDS = ("P1", "site|P1", "P2")
MASKABLE = ("PatientName", "PatientBirthDate", "AccessionNumber", "StudyDescription")
WORDS = ("CT-A", "MR-B", "CT", "ct-a", "", "naïve_%*?", "VIP")
PATTERNS = ("CT*", "*-A", "*", "C*-*", "CT-A", "*a*v*", "?T-A", "C[T]*", "%", "*_%*")
REQUEST_PATTERNS = ("GET /studies/**", "ANY /**", "POST /*", "GET /studies/*/metadata")
REQUESTS = (
    None,
    RequestLine("GET", "/studies/1.2.1"),
    RequestLine("GET", "/Studies/1.2.1/metadata"),
    RequestLine("POST", "/studies"),
)
NUMBERS: tuple[int | float, ...] = (-1, 0, 2, 2.5, 3, 10)
DATES = ("19991231", "20260101", "20260310")

FROM: Mapping[str, tuple[ValueType, str]] = {
    "study.department": (ValueType.STRING, "00081040"),
    "study.weight": (ValueType.NUMBER, "00101030"),
    "study.acquired": (ValueType.DATE, "00080022"),
    "study.referrer": (ValueType.STRING, "00080090"),
    "study.burned": (ValueType.BOOLEAN, "00280301"),
    "study.sites": (ValueType.SET, "00080080"),
    "series.protocol": (ValueType.STRING, "00181030"),
    "series.number": (ValueType.NUMBER, "00200011"),
    "series.parts": (ValueType.SET, "00180015"),
}
KEYWORDS = {
    "00081040": "InstitutionalDepartmentName",
    "00101030": "PatientWeight",
    "00080022": "AcquisitionDate",
    "00080090": "ReferringPhysicianName",
    "00280301": "BurnedInAnnotation",
    "00080080": "InstitutionName",
    "00181030": "ProtocolName",
    "00200011": "SeriesNumber",
    "00180015": "BodyPartExamined",
}
MANY = frozenset({"study.referrer"})
"""Declared with many values: no kind of study is told apart by them."""
OF_THE_USER = {
    "user.site": ValueType.STRING,
    "user.sites": ValueType.SET,
    "user.clearance": ValueType.NUMBER,
    "user.since": ValueType.DATE,
    "user.trusted": ValueType.BOOLEAN,
}


def attribute(name: str, value_type: ValueType) -> Attribute:
    scope, _, short = name.partition(".")
    return Attribute(Scope(scope), short, value_type)


DECLARED = tuple(
    [attribute(name, value_type) for name, (value_type, _) in FROM.items()]
    + [attribute(name, value_type) for name, value_type in OF_THE_USER.items()]
)
DAYS_AGO = (date_days_ago(0), date_days_ago(68))
"""To `NOW`, today and the first of January."""
VOCABULARY = (*BUILT_INS, *DAYS_AGO, *DECLARED)
RESOURCE_ATTRIBUTES = tuple(a for a in VOCABULARY if a.scope in (Scope.STUDY, Scope.SERIES))
BINDABLE_ATTRIBUTES = tuple(a for a in VOCABULARY if a.scope in (Scope.USER, Scope.ENV))

POOLS: Mapping[Attribute, tuple[Scalar, ...]] = {
    STUDY_UID: STUDY_UIDS,
    SERIES_UID: SERIES_UIDS,
    PATIENT_ID: PATIENT_IDS,
    NETWORK: ("internal", "external"),
    PURPOSE: ("TREAT", "HRESCH"),
    COLLECTIONS: COLLECTION_NAMES,
    USER_NAME: USERS,
    USER_GROUPS: GROUPS,
    USER_KIND: ("user", "device"),
    ZONE: SITE_ZONES,
    CREDENTIAL: tuple(credential.value for credential in Credential),
    WEEKDAY: ("mon", "tue", "sun"),
    HOUR: (8, 9, 10),
    TIME: (929, 930, 931),
    DATE: ("20260309", "20260310", "20260311"),
    AUTHENTICATION: (1, 2, 3),
    AUTHENTICATION_AGE: (4, 5, 6),
    RISK: (0, 0.5, 1),
    CALLING_AE: AE_TITLES,
    CALLED_AE: AE_TITLES,
    REQUEST: REQUEST_PATTERNS,
}
_POOLS_BY_TYPE: Mapping[ValueType, tuple[Scalar, ...]] = {
    ValueType.STRING: WORDS,
    ValueType.SET: (*WORDS, *COLLECTION_NAMES),
    ValueType.NUMBER: NUMBERS,
    ValueType.DATE: DATES,
    ValueType.BOOLEAN: (True, False),
}


def pool(of: Attribute) -> tuple[Scalar, ...]:
    return POOLS.get(of, _POOLS_BY_TYPE[of.type])
