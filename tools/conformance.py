"""Writes `docs/conformance.md`: the DICOM Conformance Statement, whose tables are the code's own.

What a table of the code can say is taken from there; the template beside this file has the sentences between.

Called by `reference`, which writes and checks the page.

Standard: PS3.2 (layout of a conformance statement).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID

from pacsgate.config.dicom import DicomSettings
from pacsgate.config.tls import TlsProfile
from pacsgate.dicom.attributes import COMPUTED_KEYWORDS, vr_of
from pacsgate.dicom.file_meta import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from pacsgate.dicom.matching import RANGE_VRS, WILDCARD_VRS
from pacsgate.gateway.dimse.admission import Rejection
from pacsgate.gateway.dimse.association import IDLE_SECONDS, MAXIMUM_LENGTH
from pacsgate.gateway.dimse.bounded_socket import SEND_SECONDS
from pacsgate.gateway.dimse.contexts import IDENTIFIER_TRANSFER_SYNTAXES, STORABLE_TRANSFER_SYNTAXES
from pacsgate.gateway.dimse.messages import MAX_COMMAND_BYTES, MAX_IDENTIFIER_BYTES
from pacsgate.gateway.dimse.places import STRANGERS, STRANGERS_PER_ADDRESS
from pacsgate.gateway.dimse.upper_layer import PDU_SECONDS, REQUEST_SECONDS
from pacsgate.model.actions import Action
from pacsgate.model.resource import Level
from pacsgate.ports.associations import UserIdentityType
from pacsgate.protocols.dimse.character_sets import SINGLE_SETS, UTF_8
from pacsgate.protocols.dimse.elements import MAX_DEPTH, MAX_ELEMENTS
from pacsgate.protocols.dimse.extended_negotiation import QueryExtensions
from pacsgate.protocols.dimse.identifiers import LEVELS, QUERY_LEVELS, UNIQUE_KEYS
from pacsgate.protocols.dimse.pdus import ASSOCIATION_PDU_BYTES
from pacsgate.protocols.dimse.query_keys import PATIENT_COUNTS, keys_of
from pacsgate.protocols.dimse.services import SERVICES, Root, ServiceKind, is_storage
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.services.find_all import MOST_ROWS
from tools.members import docstrings_below
from tools.tables import code, table

TITLE = "DICOM Conformance Statement"

_TEMPLATE = Path(__file__).with_name("conformance.template.md")
_PLACE = re.compile(r"\[\[([a-z_]+)\]\]")

_AS_USER: Mapping[ServiceKind, str] = {
    ServiceKind.ECHO: "no",
    ServiceKind.FIND: "towards an archive of kind `dimse`",
    ServiceKind.MOVE: "towards an archive of kind `dimse`",
    ServiceKind.GET: "towards an archive of kind `dimse`",
    ServiceKind.STORE: "sub-operations of C-MOVE and C-GET; towards an archive of kind `dimse`",
    ServiceKind.WORKLIST: "towards the configured worklist",
    ServiceKind.PROCEDURE_STEP: "towards the configured SCP",
    ServiceKind.COMMITMENT: "no",
}
_IDENTITIES: Mapping[UserIdentityType, str] = {
    UserIdentityType.USERNAME: "from a device that vouches for its users; else rejected",
    UserIdentityType.USERNAME_AND_PASSCODE: "verified",
    UserIdentityType.KERBEROS: "rejected",
    UserIdentityType.SAML: "verified: signature, issuer, audience, time; each assertion once",
    UserIdentityType.JWT: "verified: signature, issuer, audience, time",
}
_PROFILES: Mapping[TlsProfile, str] = {
    TlsProfile.BCP_195: "B.12 BCP 195 RFC 8996, 9325 TLS",
    TlsProfile.EXTENDED_BCP_195: "B.13 Modified BCP 195 RFC 8996, 9325 TLS",
}
_EXTENSIONS: Mapping[str, str] = {
    "relational": "agreed to if `relational_queries` is configured, which then holds without negotiation too",
    "combined_date_time": "agreed to",
    "fuzzy": "agreed to; person names match by the beginnings of their words as well",
}


def conformance() -> str:
    """What pacsgate does on a DICOM network, in the layout of PS3.2.

    Everything is subject to the policy that is in force: what this statement supports, a subject may still
    be refused. [The DICOM door](dimse.md) says how to set it up.
    """
    filled = {name: make() for name, make in _TABLES.items()}
    return _PLACE.sub(lambda found: filled[found[1]], _TEMPLATE.read_text("utf-8")).rstrip()


def _services() -> str:
    rows = [
        (UID(uid).name, code(uid), "yes", _AS_USER[service.kind], _actions(service.actions))
        for uid, service in SERVICES.items()
    ]
    storage = ("Storage (all of them are listed below)", "", "yes", _AS_USER[ServiceKind.STORE], "see there")
    return table(("SOP class", "UID", "as SCP", "as SCU", "needs one of"), *rows, storage)


def _actions(actions: Iterable[Action]) -> str:
    return ", ".join(code(action) for action in sorted(actions)) or "any action"


def _rejections() -> str:
    texts = docstrings_below(Rejection)
    return table(
        ("result", "source", "reason", "when"),
        *((*map(str, each.value), texts.get(each.name, _words(each.name))) for each in Rejection),
    )


def _words(name: str) -> str:
    return name.replace("_", " ").lower()


def _extensions() -> str:
    return table(
        ("field", "what is answered"),
        *((_words(name), _EXTENSIONS[name]) for name in QueryExtensions.__dataclass_fields__),
        ("timezone adjustment, enhanced multi-frame conversion and later ones", "never agreed to"),
    )


def _all_keys() -> str:
    parts = [
        f"**{root}, {_wire_name(level)}**\n\n{_keys(root, level)}" for root in Root for level in LEVELS[root]
    ]
    return "\n\n".join(parts)


def _keys(root: Root, level: Level) -> str:
    return table(
        ("attribute", "VR", "key", "matching"),
        *(
            (code(keyword), vr_of(keyword), _kind(keyword, level), _matching(keyword))
            for keyword in keys_of(root, level)
        ),
    )


def _kind(keyword: str, level: Level) -> str:
    if keyword == UNIQUE_KEYS[level]:
        return "unique"
    return "computed" if keyword in COMPUTED_KEYWORDS or keyword in PATIENT_COUNTS else "optional"


def _matching(keyword: str) -> str:
    if keyword in PATIENT_COUNTS or keyword == "TimezoneOffsetFromUTC":
        return "returned only"
    kinds = {
        "SQ": "sequence",
        "UI": "single value, list of UIDs",
        "CS": "single value, list, wildcards",
        **dict.fromkeys(RANGE_VRS, "single value, range"),
    }
    vr = vr_of(keyword)
    return kinds.get(vr, "single value, wildcards" if vr in WILDCARD_VRS else "single value")


def _statuses() -> str:
    texts = docstrings_below(Status)
    return table(
        ("status", "meaning", ""),
        *(
            (code(f"{status:04X}"), _words(status.name), texts.get(status.name, ""))
            for status in sorted(Status)
        ),
    )


def _storage() -> str:
    named = sorted(
        (row[0], uid) for uid, row in UID_dictionary.items() if is_storage(uid) and row[3] != "Retired"
    )
    return table(("SOP class", "UID"), *((name, code(uid)) for name, uid in named))


def _transfer_syntaxes() -> str:
    identifiers = set(map(str, IDENTIFIER_TRANSFER_SYNTAXES))
    return table(
        ("transfer syntax", "UID", "identifiers"),
        *(
            (UID(uid).name, code(uid), "yes" if uid in identifiers else "")
            for uid in sorted(STORABLE_TRANSFER_SYNTAXES)
        ),
    )


def _parameters() -> str:
    configurable = {
        "associations in all": "maximum_associations",
        "associations of one subject": "associations_per_subject",
    }
    fixed = {
        "time for a whole A-ASSOCIATE-RQ (ARTIM)": f"{REQUEST_SECONDS:g} s",
        "time for one whole PDU": f"{PDU_SECONDS:g} s",
        "time without a message": f"{IDLE_SECONDS:g} s",
        "time for which a peer may not read": f"{SEND_SECONDS:g} s",
        "maximum length received": f"{MAXIMUM_LENGTH:,} bytes",
        "longest association PDU": f"{ASSOCIATION_PDU_BYTES:,} bytes",
        "longest command set": f"{MAX_COMMAND_BYTES:,} bytes",
        "longest identifier": f"{MAX_IDENTIFIER_BYTES:,} bytes",
        "elements of an identifier": f"{MAX_ELEMENTS:,}",
        "depth of its sequences": str(MAX_DEPTH),
        "connections without an association, per address": str(STRANGERS_PER_ADDRESS),
        "connections without an association, in all": str(STRANGERS),
    }
    return table(
        ("parameter", "value", "configurable"),
        *((name, value, "no") for name, value in fixed.items()),
        *(
            (name, str(DicomSettings.model_fields[key].default), code(key))
            for name, key in configurable.items()
        ),
    )


def _character_sets() -> str:
    return table(
        ("defined term", "in answers"),
        *((code(term), "where a request has it") for term in SINGLE_SETS if term != UTF_8),
        (code(UTF_8), "wherever else a text is not ASCII"),
    )


def _profiles() -> str:
    return table(("`profile`", "PS3.15"), *((code(profile), text) for profile, text in _PROFILES.items()))


def _identities() -> str:
    return table(
        ("type", "", "what is done"),
        *((str(int(kind)), _words(kind.name), _IDENTITIES[kind]) for kind in UserIdentityType),
    )


def _wire_name(level: Level) -> str:
    return next(name for name, each in QUERY_LEVELS.items() if each is level)


_TABLES: Mapping[str, Callable[[], str]] = {
    "services": _services,
    "implementation_class_uid": lambda: IMPLEMENTATION_CLASS_UID,
    "implementation_version_name": lambda: IMPLEMENTATION_VERSION_NAME,
    "maximum_length": lambda: f"{MAXIMUM_LENGTH:,}",
    "rejections": _rejections,
    "extensions": _extensions,
    "most_rows": lambda: f"{MOST_ROWS:,}",
    "keys": _all_keys,
    "statuses": _statuses,
    "storage": _storage,
    "transfer_syntaxes": _transfer_syntaxes,
    "parameters": _parameters,
    "character_sets": _character_sets,
    "profiles": _profiles,
    "identities": _identities,
}
"""What stands in the template's places."""
