"""What tenants and PACSes may be called, which names are taken, and how people of a tenant name themselves.

Called by the configuration, the tenants' administration, and every door at which somebody states a name.
"""

import re

from pacsgate.model.resource import DEFAULT_TENANT, PLATFORM_TENANT, TenantName

TENANT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", re.ASCII)
"""No slash: `tenant/name` is how people of another tenant than `default` sign in."""
PACS_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", re.ASCII)
"""As the archives of the configuration file, with which PACSes share their names."""
TAKEN_TENANTS = frozenset({DEFAULT_TENANT, PLATFORM_TENANT})


def sign_in_name(tenant: TenantName, name: str) -> str:
    """What an account signs in as: `tenant/name`, or its bare name in the tenant `default`."""
    return name if tenant == DEFAULT_TENANT else f"{tenant}/{name}"


def read_sign_in_name(claimed: str) -> tuple[TenantName, str]:
    """The tenant and the account that a claimed name speaks of; nothing says that there are such."""
    tenant, slash, name = claimed.partition("/")
    return (TenantName(tenant), name) if slash else (DEFAULT_TENANT, claimed)
