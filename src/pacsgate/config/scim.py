"""Sources that push their people here: SCIM clients, each bound to the service account that it signs in with.

Called by `identity`.

Standard: RFC 7643, RFC 7644.
"""

from typing import Literal

from pydantic import Field

from pacsgate.config.sources import SOURCE_NAME
from pacsgate.config.tenants import OfATenant

EnterpriseAttribute = Literal["employeeNumber", "costCenter", "organization", "division", "department"]


def _department() -> dict[str, EnterpriseAttribute]:
    return {"department": "department"}


class ScimSettings(OfATenant):
    """One client of `/scim/v2`, and the source whose accounts it keeps."""

    name: str = Field(pattern=SOURCE_NAME)
    """What the gate calls the source: its accounts and groups bear the name."""
    account: str = Field(min_length=1)
    """The service account whose API tokens the client uses; it needs a role with `AccountProvision`."""
    roles_at_most: tuple[str, ...] | None = None
    """The roles that its people can have, at most.  When absent: any that its groups carry, but none with a
    permission on the system that the service account does not hold."""
    attributes: dict[str, EnterpriseAttribute] = Field(default_factory=_department)
    """Attribute of policies (`user.…`) to attribute of the enterprise user."""
