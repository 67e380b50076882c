"""The profiles of IHE's Basic Audit Log Patterns, said a second time: what each wants of an AuditEvent.

Nothing here is imported from the renderer.
"""

from collections.abc import Mapping
from typing import Any

BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
INTERACTION = "http://hl7.org/fhir/restful-interaction"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
CUSTODIAN = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"

# The profiles, said a second time: action, interaction, and the types of user, client and server.
PROFILES: Mapping[str, tuple[str, str, str, str, str]] = {
    "Read": ("R", "read", "IRCP", "110152", "110153"),
    "Query": ("E", "search", "IRCP", "110153", "110152"),
    "Create": ("C", "create", "AUT", "110153", "110152"),
    "Update": ("U", "update", "AUT", "110153", "110152"),
    "Delete": ("D", "delete", "AUT", "110150", "custodian"),
}


def types(element: Mapping[str, Any]) -> set[str]:
    return {coding["code"] for coding in element.get("type", {}).get("coding", [])}


def agents(resource: Mapping[str, Any], code: str) -> list[dict[str, Any]]:
    return [agent for agent in resource["agent"] if code in types(agent)]


def entities(resource: Mapping[str, Any], type_code: str, role: str | None) -> list[dict[str, Any]]:
    return [
        each
        for each in resource["entity"]
        if each["type"]["code"] == type_code and each.get("role", {}).get("code") == role
    ]


def departures(resource: Mapping[str, Any]) -> list[str]:
    """What the profile that a resource claims does not allow in it."""
    (claimed,) = resource["meta"]["profile"]
    name = claimed.removeprefix(BALP)
    if name == "PrivacyDisclosure.Source":
        return _departures_of_a_disclosure(resource)
    action, interaction, user, client, server = PROFILES[name.removeprefix("Patient")]
    subtypes = [(each["system"], each["code"]) for each in resource["subtype"]]
    (client_agent, server_agent) = (agents(resource, code) for code in (client, server))
    rules = {
        "type": resource["type"]["code"] == "rest",
        "action": resource["action"] == action,
        "subtype": (INTERACTION, interaction) in subtypes and (interaction != "delete" or len(subtypes) == 1),
        "outcome": resource["outcome"] == "0",
        "client": len(client_agent) == 1 and {"who", "network"} <= client_agent[0].keys(),
        "server": len(server_agent) == 1 and {"who", "network"} <= server_agent[0].keys(),
        "user": [agent["requestor"] for agent in agents(resource, user)] == [True],
        "user has no network": all("network" not in agent for agent in agents(resource, user)),
        "one requestor": sum(agent["requestor"] for agent in resource["agent"]) == 1,
        "patient": len(entities(resource, "1", "1")) == name.startswith("Patient"),
    }
    if interaction == "search":
        (query,) = entities(resource, "2", "24")
        rules["query"] = "query" in query and not {"what", "lifecycle", "detail"} & query.keys()
    else:
        (data,) = [each for role in ("3", "4", "20") for each in entities(resource, "2", role)]
        rules["data"] = "what" in data and not {"lifecycle", "name", "query", "detail"} & data.keys()
    return [rule for rule, holds in rules.items() if not holds]


def _departures_of_a_disclosure(resource: Mapping[str, Any]) -> list[str]:
    (source,), (recipient,) = agents(resource, "110153"), agents(resource, "110152")
    rules = {
        "type": resource["type"] == {"system": DCM, "code": "110106", "display": "Data Export"},
        "action": resource["action"] == "R",
        "subtype": "disclose" in {each["code"] for each in resource["subtype"]},
        "source": {"who", "network"} <= source.keys(),
        "source is who records": source["who"] == resource["source"]["observer"],
        "recipient": {"who", "network"} <= recipient.keys(),
        "patient": len(entities(resource, "1", "1")) == 1,
        "data": len(entities(resource, "2", "3")) == 1,
    }
    return [rule for rule, holds in rules.items() if not holds]
