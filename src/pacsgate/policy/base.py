"""The policy of a tenant that has no policy files: nothing in it, so that roles and grants decide alone.

Called by whoever begins a tenant, and by the watch over policy files.

Invariants:
- only the tenant `platform` has something in it: who registers tenants, as the configuration file says.
"""

import json
from collections.abc import Iterable, Mapping

from pacsgate.model.built_in_roles import TENANT_REGISTRATOR

BASE_FILE = "base.yaml"
_EMPTY = "version: 1\n"


def base_sources(registrators: Iterable[str] = ()) -> Mapping[str, str]:
    """The sources; `registrators` are accounts of the tenant that hold `TenantRegistrator`."""
    users = json.dumps(sorted(set(registrators)))  # JSON is YAML, whatever the names are
    given = f"assignments:\n  - {{users: {users}, roles: [{TENANT_REGISTRATOR}]}}\n"
    return {BASE_FILE: f"{_EMPTY}{given}" if users != "[]" else _EMPTY}
