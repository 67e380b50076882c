"""What can be asked of a PACS by way of the queue: one closed table, for every door and every adapter.

An operation stands under the address of its PACS at two trees, in the style of each: `path` under
`/api/v1/tenants/{tenant}/pacs/{pacs}`, `ais_path` under `/ais/v1/tenant/{tenant}/pacs/{pacs}`.  What one
operation needs (a permission), reads (a body) and is about (an entity, by which an order is kept) is in
its row.

Called by the API, the queue, the agent and its adapters; calls nothing.

Invariants:
- every permission on identities, visits, credentials, access units and formats guards exactly one operation;
- operations on one entity are carried out in the order in which they were accepted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pacsgate.model.permission import Permission


class PacsKind(StrEnum):
    """What a PACS of a tenant is."""

    ARCHIVE = "archive"
    """A picture archive and communication system: DICOM studies."""
    DOORS = "doors"
    """A physical access control system: cards, doors and zones."""


class EntityKind(StrEnum):
    """What an operation is about."""

    IDENTITY = "identity"
    VISIT = "visit"
    ACCESS_UNIT = "access-unit"
    PACS = "pacs"
    """The PACS as such: formats, lists, policy."""


@dataclass(frozen=True, slots=True)
class OperationRow:
    """One operation.  `{identity}`, `{visit}`, `{credential}` and `{unit}` in a path are ids."""

    permission: Permission
    entity: EntityKind
    method: str
    path: str
    ais_path: str
    has_body: bool = False
    changes: bool = True


def _row(
    permission: Permission, entity: EntityKind, method: str, path: str, *, has_body: bool = False
) -> OperationRow:
    return OperationRow(permission, entity, method, path, _ais(path), has_body, changes=method != "GET")


_SINGULAR = (
    ("identities", "identity"),
    ("visits", "visit"),
    ("credentials", "credential"),
    ("access-units", "accessUnit"),
    ("credential-formats", "credentialFormats"),
    ("check-in", "checkIn"),
    ("check-out", "checkOut"),
)


def _ais(path: str) -> str:
    """The path in the words of the other tree: singular nouns, as in `/ais/v1/tenant/{tenant}`."""
    words = dict(_SINGULAR)
    return "/".join(words.get(part, part) for part in path.split("/"))


_P, _I, _V, _U = Permission, EntityKind.IDENTITY, EntityKind.VISIT, EntityKind.ACCESS_UNIT
_IDENTITY, _VISIT, _UNIT = "identities/{identity}", "visits/{visit}", "access-units/{unit}"

OPERATIONS: Mapping[str, OperationRow] = {
    row.permission.value: row
    for row in (
        _row(_P.IDENTITY_CREATE, _I, "POST", "identities", has_body=True),
        _row(_P.IDENTITY_LIST, _I, "GET", "identities"),
        _row(_P.IDENTITY_GET, _I, "GET", _IDENTITY),
        _row(_P.IDENTITY_UPDATE, _I, "PUT", _IDENTITY, has_body=True),
        _row(_P.IDENTITY_REMOVE, _I, "DELETE", _IDENTITY),
        _row(_P.IDENTITY_CREDENTIAL_CREATE, _I, "POST", f"{_IDENTITY}/credentials", has_body=True),
        _row(_P.IDENTITY_CREDENTIAL_LIST, _I, "GET", f"{_IDENTITY}/credentials"),
        _row(_P.IDENTITY_CREDENTIAL_GET, _I, "GET", f"{_IDENTITY}/credentials/{{credential}}"),
        _row(_P.IDENTITY_CREDENTIAL_REMOVE, _I, "DELETE", f"{_IDENTITY}/credentials/{{credential}}"),
        _row(_P.IDENTITY_CREDENTIAL_ACTIVATE, _I, "POST", f"{_IDENTITY}/credentials/{{credential}}/activate"),
        _row(
            _P.IDENTITY_CREDENTIAL_DEACTIVATE,
            _I,
            "POST",
            f"{_IDENTITY}/credentials/{{credential}}/deactivate",
        ),
        _row(_P.IDENTITY_ACCESS_UNIT_LIST, _I, "GET", f"{_IDENTITY}/access-units"),
        _row(_P.IDENTITY_ACCESS_UNIT_ASSIGN, _I, "PUT", f"{_IDENTITY}/access-units/{{unit}}"),
        _row(_P.IDENTITY_ACCESS_UNIT_REMOVE, _I, "DELETE", f"{_IDENTITY}/access-units/{{unit}}"),
        _row(_P.VISIT_CREATE, _V, "POST", "visits", has_body=True),
        _row(_P.VISIT_LIST, _V, "GET", "visits"),
        _row(_P.VISIT_GET, _V, "GET", _VISIT),
        _row(_P.VISIT_UPDATE, _V, "PUT", _VISIT, has_body=True),
        _row(_P.VISIT_REMOVE, _V, "DELETE", _VISIT),
        _row(_P.VISIT_CHECK_IN, _V, "POST", f"{_VISIT}/check-in"),
        _row(_P.VISIT_CHECK_OUT, _V, "POST", f"{_VISIT}/check-out"),
        _row(_P.VISIT_CREDENTIAL_CREATE, _V, "POST", f"{_VISIT}/credentials", has_body=True),
        _row(_P.VISIT_CREDENTIAL_LIST, _V, "GET", f"{_VISIT}/credentials"),
        _row(_P.VISIT_CREDENTIAL_GET, _V, "GET", f"{_VISIT}/credentials/{{credential}}"),
        _row(_P.VISIT_CREDENTIAL_REMOVE, _V, "DELETE", f"{_VISIT}/credentials/{{credential}}"),
        _row(_P.VISIT_CREDENTIAL_ACTIVATE, _V, "POST", f"{_VISIT}/credentials/{{credential}}/activate"),
        _row(_P.VISIT_CREDENTIAL_DEACTIVATE, _V, "POST", f"{_VISIT}/credentials/{{credential}}/deactivate"),
        _row(_P.VISIT_ACCESS_UNIT_LIST, _V, "GET", f"{_VISIT}/access-units"),
        _row(_P.VISIT_ACCESS_UNIT_ASSIGN, _V, "PUT", f"{_VISIT}/access-units/{{unit}}"),
        _row(_P.VISIT_ACCESS_UNIT_REMOVE, _V, "DELETE", f"{_VISIT}/access-units/{{unit}}"),
        _row(_P.CREDENTIAL_FORMATS_GET, EntityKind.PACS, "GET", "credential-formats"),
        _row(_P.ACCESS_UNIT_LIST, _U, "GET", "access-units"),
        _row(_P.ACCESS_UNIT_GET, _U, "GET", _UNIT),
        _row(_P.ACCESS_UNIT_IDENTITY_LIST, _U, "GET", f"{_UNIT}/identities"),
        _row(_P.ACCESS_UNIT_VISIT_LIST, _U, "GET", f"{_UNIT}/visits"),
        _row(_P.POLICY_PUBLISH, EntityKind.PACS, "PUT", "policy", has_body=True),
    )
}
"""By name; an operation is called as the permission that it needs, in the catalogue's spelling."""
