"""What `config check` and the start say of the second line between tenants.

Called by `errands` and the command line.
"""

from collections.abc import Iterator

from pacsgate.config import Settings
from pacsgate.stores.tenant_wall import is_bypassed


def tenant_wall_warnings(settings: Settings) -> Iterator[str]:
    """That PostgreSQL keeps nobody apart, if the gate comes as somebody whom it cannot hold."""
    if is_bypassed(settings.database_url):
        yield (
            "the role in `database` is a superuser or has BYPASSRLS: PostgreSQL does not keep tenants apart "
            "for it, and only the gate's own statements do; give the gate a role that owns its tables"
        )
