"""The operations of the API, read from its own document, and what each of their parameters and fields names.

A name that is not in these tables stops whoever builds a request, so that a new one is looked at.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

MADE_UP = "made-up-"
"""What new names begin with, before a number."""
PLACE = re.compile(r"(\w[\w-]*)/\{(\w+)\}")
KINDS = {
    "users": "user",
    "user": "user",
    "groups": "group",
    "roles": "role",
    "role": "role",
    "devices": "device",
    "device": "device",
    "sessions": "session",
    "tokens": "token",
    "grants": "grant",
    "studies": "study",
    "tenants": "tenant",
    "tenant": "tenant",
    "pacs": "pacs",
    "identities": "identity",
    "identity": "identity",
    "visits": "visit",
    "visit": "visit",
    "credentials": "credential",
    "credential": "credential",
    "access-units": "unit",
    "accessUnit": "unit",
    "assignments": "assignment",
    "assignment": "assignment",
    "message": "message",
    "messages": "message",
    "results": "message",
    "result": "message",
    "dead-letters": "message",
    "deadLetter": "message",
    "permissions": "grantee kind",
}
"""What stands in a path behind a word."""
OF_AGENTS = re.compile(r"/(agent|queue|dead-?[lL]etters?|results?|events|logs|presence)(/|$)")
"""Of operations on a PACS those that want one with an agent; all others are carried out at an archive."""
FIELDS = {
    "account": "user",
    "agentUid": "service",
    "archive": "archive",
    "collection": "unit",
    "extends": "role",
    "grantee": "user",
    "group": "group",
    "groups": "group",
    "holder": "identity",
    "host": "user",
    "owner": "user",
    "pacsId": "pacs",
    "role": "role",
    "source": "source",
    "target_id": "study",
    "tenantAdministratorUid": "user",
    "userUid": "user",
    "visitor": "visitor",
}
"""Fields of bodies and queries that name something that there is."""
NEW_NAMES = {
    "ae_title": "device",
    "credentialId": "credential",
    "identityId": "identity",
    "name": "user",
    "pacsId": "pacs",
    "roleId": "role",
    "visitId": "visit",
}
"""Fields of bodies that give a name to something new."""
TEXTS: Mapping[str, Any] = {
    "action": "view",
    "actions": ["view"],
    "cursor": None,
    "events": [],
    "entries": [],
    "features": [],
    "format": "login",
    "grantee_kind": "user",
    "kind": "user",
    "lease": "x",
    "limit": 1,
    "live": "true",
    "before": 1,
    "level": "info",
    "query": "StudyInstanceUID StrEquals 1.2.3",
    "reason": "why",
    "search": "x",
    "state": "active",
    "status": 200,
    "target": "study",
    "sources": {"policy.yaml": "version: 1\n"},
    "up_to": 1,
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the document."""

    method: str
    path: str
    body: Mapping[str, Any] | None = field(hash=False)
    """The schema of its body."""
    query: tuple[str, ...]
    needs: tuple[str, ...]
    """What its query must say."""

    @property
    def is_for_agents(self) -> bool:
        """Whether it is asked by what works for a PACS, and by nobody else."""
        return "/agent/" in self.path and "/agent/secret" not in self.path

    @property
    def waits(self) -> bool:
        """Whether an answer is held back until there is a message."""
        return "{message}" in self.path or self.path.endswith(("/agent/messages", "/agent/message"))

    @property
    def places(self) -> dict[str, str]:
        """What each parameter of the path names."""
        found = {name: KINDS[word] for word, name in PLACE.findall(self.path)}
        if "pacs" in found and not OF_AGENTS.search(self.path):
            found["pacs"] = "archive"
        if "grantee" in self.path:
            found["grantee"] = "user"
        if set(found) != set(re.findall(r"\{(\w+)\}", self.path)):
            raise LookupError(f"`{self.path}` has a parameter that names nothing known")
        return found

    def fields(self) -> dict[str, Any]:
        """The properties of its body, by name."""
        return {} if self.body is None else dict(self.body.get("properties", {}))

    def required(self) -> set[str]:
        return set() if self.body is None else set(self.body.get("required", ()))

    def filled(self, values: Mapping[str, str]) -> str:
        """The path with something in each of its places."""
        return re.sub(r"\{(\w+)\}", lambda place: values[place[1]].replace("/", "%2F"), self.path)


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, told in item.items():
            content = told.get("requestBody", {}).get("content", {}).get("application/json", {})
            schema = content.get("schema")
            while schema is not None and "$ref" in schema:
                schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            asked = [each for each in told.get("parameters", ()) if each["in"] == "query"]
            query = tuple(each["name"] for each in asked)
            needs = tuple(each["name"] for each in asked if each.get("required") and each["name"] in FIELDS)
            yield Operation(method.upper(), path, schema, query, needs)


def own_body(operation: Operation, ids: Mapping[str, str], now: datetime, number: int) -> dict[str, Any]:
    """What could be sent: every field that it needs, about things that there are or with new names."""

    def value(name: str, schema: Mapping[str, Any]) -> Any:
        if name in NEW_NAMES and operation.method == "POST":
            return f"{MADE_UP}{number}"
        if name in FIELDS:
            return [ids[FIELDS[name]]] if schema.get("type") == "array" else ids[FIELDS[name]]
        if name in TEXTS:
            return TEXTS[name]
        if name.endswith(("From", "_at", "At", "starts")):
            return (now + timedelta(days=1)).isoformat()
        if name.endswith(("To", "until", "expires")):
            return (now + timedelta(days=2)).isoformat()
        return {"object": {}, "array": [], "integer": 1, "boolean": True}.get(schema.get("type", ""), "x")

    needed = operation.required()
    return {name: value(name, schema) for name, schema in operation.fields().items() if name in needed}
