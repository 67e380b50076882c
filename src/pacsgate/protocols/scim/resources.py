"""What SCIM users and groups hold here: what the gate keeps, and nothing that it would forget.

Clients send much more (addresses, titles, photographs).  It is passed over, and the schemas that the
service publishes do not name it, so that a client can tell.

Called by `pacsgate.admin.scim`.

Invariants:
- a user's name and a group's name never change: policies, grants and the trail name them.

Standard: RFC 7643 4.1, 4.2, 4.3; RFC 7644 3.5.2, as Microsoft Entra ID and Okta send it.
"""

from typing import Annotated, Any

from pydantic import Field
from scim2_models import (
    URN,
    AnyExtension,
    CaseExact,
    ComplexAttribute,
    Extension,
    Mutability,
    Reference,
    Required,
    Resource,
    ScimPolicy,
    Uniqueness,
)

LENIENT = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
"""What Entra ID needs: it sends what nobody asked for, and removes members by a value beside the path."""


class Membership(ComplexAttribute):
    """A group that a user is in."""

    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    display: Annotated[str | None, Mutability.read_only] = None


class EnterpriseUser(Extension):
    """Where somebody works, for attributes of policies."""

    __schema__ = URN("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")

    employee_number: str | None = None
    cost_center: str | None = None
    organization: str | None = None
    division: str | None = None
    department: str | None = None


class User(Resource[AnyExtension]):
    """An account of a source."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Required.true, Uniqueness.server, Mutability.immutable] = None
    display_name: str | None = None
    active: bool | None = None
    groups: Annotated[list[Membership] | None, Mutability.read_only] = None


class Member(ComplexAttribute):
    """A user that is in a group."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[
        Reference["User"] | None,  # type: ignore[type-arg]  # a name on the wire, no type
        Mutability.immutable,
    ] = Field(None, serialization_alias="$ref", validation_alias="$ref")
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class Group(Resource[Any]):
    """A group of a source."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true, Uniqueness.server, Mutability.immutable] = None
    members: list[Member] | None = None


Person = User[EnterpriseUser]
"""A user with the one extension."""
