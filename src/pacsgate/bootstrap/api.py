"""Wires administration: the use cases behind `/api/v1`, `/ais/v1` and pages, over the live policy.

Called by `gate`.
"""

from fastapi import APIRouter, FastAPI

from pacsgate.admin.api.agents import agent_routes
from pacsgate.admin.api.app import api
from pacsgate.admin.api.devices import device_routes
from pacsgate.admin.api.grants import grant_routes
from pacsgate.admin.api.groups import group_routes
from pacsgate.admin.api.locks import lock_routes
from pacsgate.admin.api.me import Own, own_routes
from pacsgate.admin.api.pacs_messages import pacs_message_routes
from pacsgate.admin.api.pacs_operations import PacsOperations, operation_routes
from pacsgate.admin.api.pacses import pacs_routes
from pacsgate.admin.api.roles import role_routes
from pacsgate.admin.api.sources import source_routes
from pacsgate.admin.api.study_permissions import study_permission_routes
from pacsgate.admin.api.tenant_roles import assignment_routes, tenant_role_routes
from pacsgate.admin.api.tenants import tenant_routes
from pacsgate.admin.api.trees import AIS, API, Tree
from pacsgate.admin.api.user_credentials import user_credential_routes
from pacsgate.admin.api.users import user_routes
from pacsgate.bootstrap import people, tenancy
from pacsgate.bootstrap.executors import field_check
from pacsgate.bootstrap.factors import enrol_factor, proofs
from pacsgate.bootstrap.identity_sources import source_policies
from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.pacs_queue import queue_desk
from pacsgate.bootstrap.pacs_registry import pacses
from pacsgate.gateway.http.wiring import Gate
from pacsgate.services.administer_devices import DeviceAdministration
from pacsgate.services.administer_grants import GrantAdministration
from pacsgate.services.administer_locks import LockAdministration
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.agent_secrets import AgentSecrets
from pacsgate.services.managed import Managed
from pacsgate.services.managed_accounts import ManagedAccounts
from pacsgate.services.managed_assignments import ManagedAssignments
from pacsgate.services.managed_credentials import ManagedCredentials
from pacsgate.services.managed_devices import ManagedDevices
from pacsgate.services.managed_grants import ManagedGrants
from pacsgate.services.managed_roles import ManagedRoles
from pacsgate.services.mandates import Mandates
from pacsgate.services.pass_on_permissions import PassOnPermissions
from pacsgate.services.study_permissions import StudyPermissionAdministration
from pacsgate.services.take_reports import TakeReports


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
        gate.tenant_archives,
        gate.trail,
    )
    own = Own(
        desk.mandates,
        lambda: people.users(installation),
        lambda: people.own_sessions(installation),
        lambda: people.own_tokens(installation),
        people.changes_by_others(installation),
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
    in_trees = {tree: _under_tenants(installation, desk, tree) for tree in (API, AIS)}
    return api(
        {API.prefix: (*in_trees[API], *routers), AIS.prefix: in_trees[AIS]},
        desk.mandates,
        tenancy.warrants(installation, installation.calls.count),
    )


def _under_tenants(installation: Installation, desk: Managed, tree: Tree) -> tuple[APIRouter, ...]:
    """What stands under a tenant, in the words of one tree; what is asked for most often comes first."""
    queue = queue_desk(installation)
    secrets = AgentSecrets(installation.stores.directory, lambda: people.tokens(installation))
    assignments = ManagedAssignments(desk.accounts, desk.roles, tenancy.known_pacses(installation))
    return (
        pacs_message_routes(queue.hand_over, queue.letters, secrets, tree),
        operation_routes(PacsOperations(queue.submit, field_check(installation)), tree),
        tenant_routes(lambda: tenancy.tenants(installation), tree),
        pacs_routes(lambda: pacses(installation), tree),
        tenant_role_routes(desk.roles, tree),
        assignment_routes(assignments, tree),
        agent_routes(_reports(installation), tree),
    )


def _reports(installation: Installation) -> TakeReports:
    """What agents report."""
    stores = installation.stores
    return TakeReports(stores.reports, stores.tenants, stores.outbox, installation.trail)
