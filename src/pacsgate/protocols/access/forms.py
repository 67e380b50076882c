"""Identities, visits, credentials and access units as they are told.

Called by `services.access`.

Invariants:
- no secret and no reference of a PACS to its own credentials is told.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pacsgate.model.access import AccessCredential, AccessUnit, Identity, Person, UnitAssignment, Visit

Form = dict[str, Any]


def identity_form(identity: Identity) -> Form:
    """An identity."""
    return {
        "identityId": identity.identity_id,
        **_person_form(identity.person),
        "account": identity.account or None,
        "validFrom": _text(identity.valid_from),
        "validTo": _text(identity.valid_to),
        "createdAt": _text(identity.created_at),
        "extensionFields": dict(identity.fields),
    }


def visit_form(visit: Visit) -> Form:
    """A visit."""
    return {
        "visitId": visit.visit_id,
        "visitor": visit.visitor,
        **_person_form(visit.person),
        "host": visit.host,
        "account": visit.account or None,
        "state": visit.state.value,
        "validFrom": _text(visit.valid_from),
        "validTo": _text(visit.valid_to),
        "createdAt": _text(visit.created_at),
        "checkedInAt": _text(visit.checked_in_at),
        "endedAt": _text(visit.ended_at),
        "extensionFields": dict(visit.fields),
    }


def credential_form(credential: AccessCredential) -> Form:
    """A credential."""
    return {
        "credentialId": credential.credential_id,
        "format": credential.format,
        "value": credential.value or None,
        "label": credential.label,
        "active": credential.active,
        "validFrom": _text(credential.valid_from),
        "validTo": _text(credential.valid_to),
        "createdAt": _text(credential.created_at),
    }


def unit_form(unit: AccessUnit) -> Form:
    """An access unit."""
    return {
        "accessUnitId": unit.unit_id,
        "name": unit.name,
        "kind": unit.kind,
        "description": unit.description,
    }


def assignment_form(assignment: UnitAssignment) -> Form:
    """A unit that is open to a holder."""
    return {"accessUnitId": assignment.unit_id, "assignedAt": _text(assignment.assigned_at)}


def page_form(name: str, rows: Sequence[Form], following: str | None) -> Form:
    """One page of a list; `next` is the cursor of what follows."""
    return {name: list(rows), "next": following}


def _person_form(person: Person) -> Form:
    return {"name": person.name, "email": person.email, "organization": person.organization}


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
