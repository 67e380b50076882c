"""Wires administration: the use cases behind `/api/v1` and its pages, over the live policy of the moment.

Called by `gate`.
"""

from fastapi import FastAPI

from pacsgate.admin.api.app import api
from pacsgate.admin.api.devices import device_routes
from pacsgate.admin.api.grants import grant_routes
from pacsgate.admin.api.groups import group_routes
from pacsgate.admin.api.locks import lock_routes
from pacsgate.admin.api.me import Own, own_routes
from pacsgate.admin.api.roles import role_routes
from pacsgate.admin.api.sources import source_routes
from pacsgate.admin.api.study_permissions import study_permission_routes
from pacsgate.admin.api.user_credentials import user_credential_routes
from pacsgate.admin.api.users import user_routes
from pacsgate.bootstrap import people
from pacsgate.bootstrap.factors import enrol_factor, proofs
from pacsgate.bootstrap.identity_sources import source_policies
from pacsgate.bootstrap.installation import Installation
from pacsgate.gateway.http.wiring import Gate
from pacsgate.services.administer_devices import DeviceAdministration
from pacsgate.services.administer_grants import GrantAdministration
from pacsgate.services.administer_locks import LockAdministration
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.managed import Managed
from pacsgate.services.managed_accounts import ManagedAccounts
from pacsgate.services.managed_credentials import ManagedCredentials
from pacsgate.services.managed_devices import ManagedDevices
from pacsgate.services.managed_grants import ManagedGrants
from pacsgate.services.managed_roles import ManagedRoles
from pacsgate.services.mandates import Mandates
from pacsgate.services.pass_on_permissions import PassOnPermissions
from pacsgate.services.study_permissions import StudyPermissionAdministration


def managed(installation: Installation, gate: Gate) -> Managed:
    """The use cases of administration."""
    stores = installation.stores

    def locking() -> LockAdministration:
        return LockAdministration(installation.office, stores.locks, stores.remote_aes)

    def devices() -> DeviceAdministration:
        return DeviceAdministration(installation.office, stores.remote_aes)

    accounts = ManagedAccounts(lambda: people.users(installation), locking, stores.groups)
    return Managed(
        mandates=Mandates(gate.policies, stores.directory, gate.trail, proofs(installation)),
        accounts=accounts,
        credentials=ManagedCredentials(
            accounts,
            lambda: people.sessions(installation),
            lambda: people.tokens(installation),
            lambda: people.password_reset(installation),
            lambda: enrol_factor(installation),
        ),
        roles=ManagedRoles(lambda: RoleAdministration(installation.office)),
        devices=ManagedDevices(devices, locking, stores.directory),
        grants=ManagedGrants(lambda: GrantAdministration(installation.office)),
    )


def administration_api(installation: Installation, gate: Gate, desk: Managed) -> FastAPI:
    """The application."""
    permissions = PassOnPermissions(
        lambda: StudyPermissionAdministration(installation.office),
        gate.policies,
        gate.resolver,
        gate.index,
        tuple(gate.archives),
        gate.trail,
    )
    own = Own(
        desk.mandates,
        lambda: people.users(installation),
        lambda: people.own_sessions(installation),
        lambda: people.own_tokens(installation),
    )
    routers = (
        own_routes(own),
        study_permission_routes(permissions),
        user_routes(desk.accounts),
        user_credential_routes(desk.credentials),
        group_routes(desk.accounts),
        role_routes(desk.roles),
        device_routes(desk.devices),
        grant_routes(desk.grants),
        lock_routes(desk.accounts, desk.devices),
        source_routes(source_policies(installation.settings), desk.accounts),
    )
    return api(routers, desk.mandates)
