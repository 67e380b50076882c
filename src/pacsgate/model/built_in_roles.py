"""The four default roles of seed 004, with exactly its permissions, and one for access units.

Every policy has them.

Called by the policy loader, which adds them to what files and database define, and by whoever assigns them.

Invariants:
- they can be neither changed nor removed nor defined by a policy file;
- none allows an action on images by itself.
"""

from collections.abc import Mapping

from pacsgate.model.actions import Action
from pacsgate.model.permission import Permission
from pacsgate.model.permission_levels import LEVELS, PermissionLevel
from pacsgate.model.role import Role

UNIT_ACTIONS = frozenset({Action.SEARCH, Action.VIEW, Action.RETRIEVE})
"""What an access unit of a picture archive opens."""

TENANT_REGISTRATOR = "TenantRegistrator"
"""Registers tenants; assigned in the configuration file alone."""
TENANT_ADMINISTRATOR = "TenantAdministrator"
"""Governs a tenant with all its PACSes."""
PACS_ADMINISTRATOR = "PacsAdministrator"
"""Governs one PACS and the people in it."""
AGENT_INSTANCE = "AgentInstance"
"""The agent of one PACS; assigned when the PACS is registered."""
ACCESS_UNIT_HOLDER = "AccessUnitHolder"
"""The gate's own: may look at images, of which only grants on access units give any."""

_REGISTRATOR = frozenset(
    {Permission.TENANT_REGISTER, Permission.TENANT_STATISTICS_GET, Permission.TENANT_STATISTICS_RESET}
)
_AGENT_ONLY = frozenset(
    {
        Permission.PACS_MESSAGE_GET,
        Permission.PACS_RESPONSE_CREATE,
        Permission.LOGS_WRITE,
        Permission.EXTENSION_FIELDS_GET,
    }
)
_AGENT = _AGENT_ONLY | {Permission.PACS_CONFIGURATION_GET}
_PACS = frozenset(
    each for each, level in LEVELS.items() if level is PermissionLevel.PACS and each not in _AGENT_ONLY
) | {Permission.TENANT_GET}
_TENANT = frozenset(each for each, level in LEVELS.items() if level is PermissionLevel.TENANT)

NEVER_ASSIGNED = frozenset({TENANT_REGISTRATOR, AGENT_INSTANCE})
"""Roles that nobody gives or takes: they come by the configuration file, and by registering a PACS."""

NEVER_IN_CUSTOM_ROLES = frozenset(
    {Permission.TENANT_REGISTER, Permission.TENANT_STATISTICS_RESET, *_AGENT_ONLY}
)
"""Permissions of the platform and of agents, which no other role may carry."""

BUILT_IN_ROLES: Mapping[str, Role] = {
    role.name: role
    for role in (
        Role(
            TENANT_REGISTRATOR,
            permissions=_REGISTRATOR,
            description="Registers tenants. Assigned in the configuration file only.",
        ),
        Role(
            TENANT_ADMINISTRATOR,
            permissions=_TENANT | _PACS,
            description="Governs the tenant and every PACS in it.",
        ),
        Role(
            PACS_ADMINISTRATOR,
            permissions=_PACS,
            description="Governs one PACS: its people, credentials, visits and access units.",
        ),
        Role(
            AGENT_INSTANCE,
            permissions=_AGENT,
            description="The agent of a PACS. Assigned when the PACS is registered.",
        ),
        Role(
            ACCESS_UNIT_HOLDER,
            may=UNIT_ACTIONS,
            description="May see what access units are open to it, and nothing else.",
        ),
    )
}
"""By name."""
