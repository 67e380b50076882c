"""What the file gives to tenants besides `default`, to whom everything else in it belongs.

A tenant exists because it was registered, or because it is named here; what it cannot have without this file
is a policy of files, and archives.

Called by `settings` and `archives`.
"""

from pathlib import Path

from pydantic import field_validator

from pacsgate.config.base import Section
from pacsgate.config.foreign_policies import ForeignPolicySettings
from pacsgate.model.resource import DEFAULT_TENANT, TenantName
from pacsgate.model.tenant_names import TENANT_NAME


class TenantSettings(Section):
    """One tenant."""

    name: str | None = None
    """What people call it."""
    policy: Path | None = None
    """Its policy file, or a directory of them; without it nothing is allowed but by roles and grants."""
    foreign_policies: tuple[ForeignPolicySettings, ...] = ()
    """Policy files of other systems, read as they stand beside `policy`."""
    default_archive: str | None = None
    """The archive behind `/dicom-web` for its people; may be left out when it has only one."""


class OfATenant(Section):
    """What belongs to one tenant."""

    tenant: TenantName = DEFAULT_TENANT
    """Whose it is; one of `tenants`, unless it is `default`."""

    @field_validator("tenant")
    @classmethod
    def _is_a_name(cls, value: TenantName) -> TenantName:
        return tenant_name(value)


def tenant_name(text: str) -> TenantName:
    """A name that a tenant may have.  Raises `ValueError`."""
    if TENANT_NAME.fullmatch(text) is None:
        raise ValueError(
            f"tenant `{text}` may hold letters, digits, `-` and `_` only, and at most 63 of them"
        )
    return TenantName(text)
