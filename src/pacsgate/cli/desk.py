"""What every administrative command begins and ends with: the installation, the use cases, the exit code.

Called by `users`, `tokens`, `roles` and `grants`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pacsgate.bootstrap import people
from pacsgate.cli.failures import told
from pacsgate.cli.installation import Installation, open_installation
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.services.administer_devices import DeviceAdministration
from pacsgate.services.administer_grants import GrantAdministration
from pacsgate.services.administer_links import LinkAdministration
from pacsgate.services.administer_locks import LockAdministration
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.administer_sessions import SessionAdministration
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change, Office
from pacsgate.services.emergency import EmergencyAccess
from pacsgate.services.provision_accounts import Provisioning
from pacsgate.services.reconcile_accounts import SourceReconciliation
from pacsgate.services.reset_password import PasswordReset
from pacsgate.services.study_permissions import StudyPermissionAdministration


@dataclass(frozen=True, slots=True)
class Desk:
    """An open installation with the use cases that administer it."""

    installation: Installation
    office: Office
    passwords: Argon2Passwords
    users: UserAdministration
    resets: PasswordReset
    emergency: EmergencyAccess
    sessions: SessionAdministration
    links: LinkAdministration
    tokens: TokenAdministration
    roles: RoleAdministration
    grants: GrantAdministration
    devices: DeviceAdministration
    locks: LockAdministration
    reconciliation: SourceReconciliation
    permissions: StudyPermissionAdministration

    def change(self) -> Change:
        """An order by the operator at this command line, now."""
        here = self.installation
        return Change(here.scope, here.actor(), here.clock.now())


@contextmanager
def open_desk(config: Path, tenant: str = DEFAULT_TENANT) -> Iterator[Desk]:
    """Open the installation for a tenant; what goes wrong becomes one line of error and an exit code."""
    with told(), open_installation(config, tenant) as installation:
        yield _desk(installation)


def _desk(installation: Installation) -> Desk:
    office = installation.office
    users = people.users(installation)
    provisioning = Provisioning(office, users, installation.stores.identity_links)
    return Desk(
        installation=installation,
        office=office,
        passwords=people.passwords(installation.settings),
        users=users,
        resets=people.password_reset(installation),
        emergency=people.emergency(installation),
        sessions=people.sessions(installation),
        links=LinkAdministration(office, installation.stores.identity_links, people.sessions(installation)),
        tokens=people.tokens(installation),
        roles=RoleAdministration(office),
        grants=GrantAdministration(office),
        devices=DeviceAdministration(office, installation.stores.remote_aes),
        locks=LockAdministration(office, installation.stores.locks, installation.stores.remote_aes),
        reconciliation=SourceReconciliation(office, provisioning),
        permissions=StudyPermissionAdministration(office),
    )
