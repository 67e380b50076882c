"""In which scope each named permission is effective, as the catalogue of seed 004 has it.

A permission that concerns a whole tenant is of no effect in an assignment to one PACS; one that concerns a
PACS is effective there and in assignments to the whole tenant.  Those of the platform are assigned in the
configuration file alone.

Called by whatever demands a permission of somebody for a tenant or a PACS.

Invariants:
- every permission has exactly one level.
"""

from collections.abc import Mapping
from enum import StrEnum

from pacsgate.model.permission import Permission


class PermissionLevel(StrEnum):
    """Where a permission must be held to be of effect."""

    PLATFORM = "platform"
    """Among all tenants; by the configuration file only."""
    TENANT = "tenant"
    """In the whole tenant."""
    TENANT_OR_PACS = "tenant or any PACS"
    """In the whole tenant or in any of its PACSes: what everybody needs who works in one of them."""
    PACS = "PACS"
    """In the PACS that it is used for, or in the whole tenant."""
    OWN = "own"
    """The gate's own permissions: in the whole tenant, or in an archive where their use says so."""


_PLATFORM = frozenset({Permission.TENANT_REGISTER, Permission.TENANT_STATISTICS_RESET})
_TENANT = frozenset(
    {
        Permission.TENANT_UPDATE,
        Permission.TENANT_STATISTICS_GET,
        Permission.ROLE_CREATE,
        Permission.ROLE_GET,
        Permission.ROLE_LIST,
        Permission.ROLE_UPDATE,
        Permission.ROLE_REMOVE,
        Permission.ROLE_ASSIGN,
        Permission.ROLE_ASSIGNMENT_GET,
        Permission.ROLE_LIST_ASSIGNMENTS,
        Permission.ROLE_ASSIGNMENT_REMOVE,
        Permission.USER_LIST_ROLES,
        Permission.PACS_LIST,
        Permission.PACS_REGISTER,
        Permission.PACS_UNREGISTER,
    }
)
_EITHER = frozenset({Permission.TENANT_GET})
_OWN = frozenset(
    {
        Permission.AUDIT_READ,
        Permission.POLICY_PUBLISH,
        Permission.USER_LIST,
        Permission.USER_ADMINISTER,
        Permission.ACCOUNT_PROVISION,
        Permission.DEVICE_ADMINISTER,
        Permission.GRANT_ADMINISTER,
        Permission.GRANT_OWN,
        Permission.GRANT_PROPAGATE,
        Permission.GRANT_BY_ORDER,
        Permission.TOKEN_ADMINISTER,
        Permission.EVALUATE_FOR_OTHERS,
        Permission.REMOTE_QUERY,
        Permission.JOB_ADMINISTER,
        Permission.ARCHIVE_CONFIGURE,
        Permission.ARCHIVE_OPERATE,
    }
)


def _level(permission: Permission) -> PermissionLevel:
    for level, members in (
        (PermissionLevel.PLATFORM, _PLATFORM),
        (PermissionLevel.TENANT, _TENANT),
        (PermissionLevel.TENANT_OR_PACS, _EITHER),
        (PermissionLevel.OWN, _OWN),
    ):
        if permission in members:
            return level
    return PermissionLevel.PACS


LEVELS: Mapping[Permission, PermissionLevel] = {each: _level(each) for each in Permission}
"""Each permission with its level."""
