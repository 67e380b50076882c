"""What administration can do, for the API and its pages alike.

Made by `bootstrap`; every use case takes a mandate from `mandates` first.
"""

from dataclasses import dataclass

from pacsgate.services.managed_accounts import ManagedAccounts
from pacsgate.services.managed_credentials import ManagedCredentials
from pacsgate.services.managed_devices import ManagedDevices
from pacsgate.services.managed_grants import ManagedGrants
from pacsgate.services.managed_roles import ManagedRoles
from pacsgate.services.mandates import Mandates


@dataclass(frozen=True, slots=True)
class Managed:
    """The use cases of administration."""

    mandates: Mandates
    accounts: ManagedAccounts
    credentials: ManagedCredentials
    roles: ManagedRoles
    devices: ManagedDevices
    grants: ManagedGrants
