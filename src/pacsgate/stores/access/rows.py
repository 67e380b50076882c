"""What access control keeps, as rows, and back.

Called by `store`.
"""

import json

from pacsgate.model.access import (
    AccessCredential,
    AccessUnit,
    HolderKey,
    HolderKind,
    Identity,
    PacsPlace,
    Person,
    UnitAssignment,
    Visit,
    VisitState,
)
from pacsgate.ports.pacs_adapters import Json
from pacsgate.stores.columns import AnyRow

Values = dict[str, object]


def pack_json(value: Json) -> bytes:
    """Any JSON value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def unpack_json(data: bytes) -> Json:
    """The reverse of `pack_json`."""
    return json.loads(data)


def place_values(place: PacsPlace) -> Values:
    """The key columns that lead every row."""
    return {"tenant": place.tenant, "pacs": place.pacs}


def holder_values(holder: HolderKey) -> Values:
    """The columns that name a holder."""
    return {"holder_kind": holder.kind, "holder_id": holder.holder_id}


def identity_values(identity: Identity) -> Values:
    """An identity."""
    return {
        **_person_values(identity.person),
        "account": identity.account,
        "valid_from": identity.valid_from,
        "valid_to": identity.valid_to,
        "created_at": identity.created_at,
        "fields": pack_json(dict(identity.fields)),
    }


def identity_of(row: AnyRow) -> Identity:
    """The identity of a row."""
    return Identity(
        identity_id=row.identity_id,
        person=_person_of(row),
        created_at=row.created_at,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        account=row.account,
        fields=unpack_json(row.fields),
    )


def visit_values(visit: Visit) -> Values:
    """A visit."""
    return {
        **_person_values(visit.person),
        "visitor": visit.visitor,
        "host": visit.host,
        "account": visit.account,
        "state": visit.state,
        "valid_from": visit.valid_from,
        "valid_to": visit.valid_to,
        "created_at": visit.created_at,
        "checked_in_at": visit.checked_in_at,
        "ended_at": visit.ended_at,
        "fields": pack_json(dict(visit.fields)),
    }


def visit_of(row: AnyRow) -> Visit:
    """The visit of a row."""
    return Visit(
        visit_id=row.visit_id,
        visitor=row.visitor,
        person=_person_of(row),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        created_at=row.created_at,
        state=VisitState(row.state),
        host=row.host,
        account=row.account,
        fields=unpack_json(row.fields),
        checked_in_at=row.checked_in_at,
        ended_at=row.ended_at,
    )


def credential_values(credential: AccessCredential) -> Values:
    """A credential."""
    return {
        "format": credential.format,
        "value": credential.value or None,
        "label": credential.label,
        "active": credential.active,
        "valid_from": credential.valid_from,
        "valid_to": credential.valid_to,
        "created_at": credential.created_at,
        "reference": credential.reference,
    }


def credential_of(row: AnyRow) -> AccessCredential:
    """The credential of a row."""
    return AccessCredential(
        credential_id=row.credential_id,
        holder=_holder_of(row),
        format=row.format,
        created_at=row.created_at,
        value=row.value or "",
        label=row.label,
        active=row.active,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        reference=row.reference,
    )


def unit_values(unit: AccessUnit) -> Values:
    """An access unit."""
    return {"name": unit.name, "kind": unit.kind, "description": unit.description}


def unit_of(row: AnyRow) -> AccessUnit:
    """The access unit of a row."""
    return AccessUnit(row.unit_id, row.name, row.kind, row.description)


def assignment_of(row: AnyRow) -> UnitAssignment:
    """The assignment of a row."""
    return UnitAssignment(_holder_of(row), row.unit_id, row.assigned_at, row.removed_at)


def _holder_of(row: AnyRow) -> HolderKey:
    return HolderKey(HolderKind(row.holder_kind), row.holder_id)


def _person_values(person: Person) -> Values:
    return {"name": person.name, "email": person.email, "organization": person.organization}


def _person_of(row: AnyRow) -> Person:
    return Person(row.name, row.email, row.organization)
