"""The structure of an AuditMessage, said a second time: PS3.15 A.5.1, as far as our messages use it.

Each row is an element: its attributes (a `?` after those that may be missing), and its children in order with how
often each may occur.  Nothing here is imported from the renderer.
"""

import re
from xml.etree.ElementTree import Element

CODE = {"csd-code": r".+", "codeSystemName": r".+", "originalText": r".*"}
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
BASE64 = r"[A-Za-z0-9+/]*={0,2}"

# element -> (attributes, children as a regular expression over their names, text)
ELEMENTS: dict[str, tuple[dict[str, str], str, str]] = {
    "AuditMessage": (
        {},
        "EventIdentification (ActiveParticipant )+AuditSourceIdentification (ParticipantObjectIdentification )*",
        "",
    ),
    "EventIdentification": (
        {"EventActionCode?": "[CRUDE]", "EventDateTime": TIME, "EventOutcomeIndicator": "0|4|8|12"},
        "EventID (EventTypeCode )*(EventOutcomeDescription )?",
        "",
    ),
    "EventID": (CODE, "", ""),
    "EventTypeCode": (CODE, "", ""),
    "EventOutcomeDescription": ({}, "", ".*"),
    "ActiveParticipant": (
        {
            "UserID": ".+",
            "AlternativeUserID?": ".*",
            "UserName?": ".*",
            "UserIsRequestor": "true|false",
            "NetworkAccessPointID?": ".*",
            "NetworkAccessPointTypeCode?": "[1-5]",
        },
        "(RoleIDCode )*(MediaIdentifier )?",
        "",
    ),
    "RoleIDCode": (CODE | {"csd-code": ".*"}, "", ""),
    "MediaIdentifier": ({}, "MediaType ", ""),
    "MediaType": (CODE, "", ""),
    "AuditSourceIdentification": (
        {"AuditEnterpriseSiteID?": ".*", "AuditSourceID": ".+"},
        "(AuditSourceTypeCode )*",
        "",
    ),
    "AuditSourceTypeCode": (CODE | {"csd-code": "[1-9]"}, "", ""),
    "ParticipantObjectIdentification": (
        {
            "ParticipantObjectID": ".*",
            "ParticipantObjectTypeCode": "[1-4]",
            "ParticipantObjectTypeCodeRole": "[1-9]|1[0-9]|2[0-6]",
        },
        (
            "ParticipantObjectIDTypeCode (ParticipantObjectName |ParticipantObjectQuery )?"
            "(ParticipantObjectDetail )*(ParticipantObjectDescription )*"
        ),
        "",
    ),
    "ParticipantObjectIDTypeCode": (CODE, "", ""),
    "ParticipantObjectName": ({}, "", ".+"),
    "ParticipantObjectQuery": ({}, "", BASE64),
    "ParticipantObjectDetail": ({"type": ".*", "value": BASE64}, "", ""),
    "ParticipantObjectDescription": ({}, "(SOPClass )*", ""),
    "SOPClass": ({"UID?": ".*", "NumberOfInstances": r"\d+"}, "", ""),
}


def problems(element: Element) -> list[str]:
    """What in a message is not as the standard says."""
    if element.tag not in ELEMENTS:
        return [f"unknown element {element.tag}"]
    attributes, children, text = ELEMENTS[element.tag]
    allowed = {name.rstrip("?"): pattern for name, pattern in attributes.items()}
    required = {name for name in attributes if not name.endswith("?")}
    found = [f"{element.tag} lacks {name}" for name in required - element.attrib.keys()]
    for name, value in element.items():
        if not re.fullmatch(allowed.get(name, r"(?!)"), value, re.DOTALL):
            found.append(f"{element.tag}/@{name} is {value!r}")
    order = "".join(f"{child.tag} " for child in element)
    if not re.fullmatch(children, order):
        found.append(f"{element.tag} holds {order}")
    if not re.fullmatch(text, element.text or "", re.DOTALL):
        found.append(f"{element.tag} says {element.text!r}")
    return [*found, *(problem for child in element for problem in problems(child))]
