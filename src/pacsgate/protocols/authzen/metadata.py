"""Where the endpoints are: the list of them, and the document by which clients find them.

Called by the door.

Standard: AuthZEN Authorization API 1.0 section 9 (Policy Decision Point Metadata).
"""

from collections.abc import Mapping
from enum import StrEnum


class Endpoint(StrEnum):
    """The path of each endpoint."""

    EVALUATION = "/access/v1/evaluation"
    EVALUATIONS = "/access/v1/evaluations"
    SUBJECT_SEARCH = "/access/v1/search/subject"
    RESOURCE_SEARCH = "/access/v1/search/resource"
    ACTION_SEARCH = "/access/v1/search/action"


WELL_KNOWN = "/.well-known/authzen-configuration"

_MEMBERS: Mapping[Endpoint, str] = {
    Endpoint.EVALUATION: "access_evaluation_endpoint",
    Endpoint.EVALUATIONS: "access_evaluations_endpoint",
    Endpoint.SUBJECT_SEARCH: "search_subject_endpoint",
    Endpoint.RESOURCE_SEARCH: "search_resource_endpoint",
    Endpoint.ACTION_SEARCH: "search_action_endpoint",
}


def metadata(own_url: str) -> dict[str, str]:
    """The document of a gate that clients reach at this URL, which has no slash at its end."""
    endpoints = {member: own_url + endpoint.value for endpoint, member in _MEMBERS.items()}
    return {"policy_decision_point": own_url, **endpoints}
