"""The accounts, application entities and study permissions of a dcm4chee come over.

Called by `pacsgate import dcm4chee`.

Invariants:
- what is there already stays as it is, so that importing twice changes nothing;
- no account gets a password, and no application entity is believed by its title alone.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import TenantScope
from pacsgate.policy.foreign.dcm4chee.accounts import NewAccount
from pacsgate.policy.foreign.dcm4chee.reader import Imported
from pacsgate.services.administer_devices import DeviceAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change
from pacsgate.services.study_permissions import StudyPermissionAdministration

_THERE = "it exists already, and stays as it is"
_THERE_TOO = f"{_THERE}, but for the roles that the policy file gives this name"


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to become of one account or application entity; `why` says what cannot."""

    name: str
    there: str
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do."""

    accounts: tuple[tuple[NewAccount, Planned], ...]
    entities: tuple[tuple[RemoteAe, Planned], ...]


@dataclass(frozen=True, slots=True)
class ImportDcm4chee:
    """The use case."""

    users: UserAdministration
    devices: DeviceAdministration
    permissions: StudyPermissionAdministration

    def plan(self, scope: TenantScope, imported: Imported) -> Plan:
        """What is to become of everybody and everything."""
        users = {user.name for user in self.users.users(scope)}
        titles = {entity.ae_title for entity in self.devices.devices(scope)}
        return Plan(
            tuple((account, self._account(account, users)) for account in imported.accounts),
            tuple(
                (
                    entity,
                    Planned(entity.ae_title, entity.ae_title, _THERE if entity.ae_title in titles else None),
                )
                for entity in imported.entities
            ),
        )

    def make(self, change: Change, plan: Plan) -> None:
        """Make what is planned: accounts first, for entries name them."""
        for account, planned in plan.accounts:
            if planned.why is None:
                display_name = "" if account.there == account.name else account.there
                self.users.add(change, account.name, kind=account.kind, display_name=display_name)
        for entity, planned in plan.entities:
            if planned.why is None:
                self.devices.add(change, entity)

    def permit(self, change: Change, imported: Imported, origin: str, progress: Callable[[int], None]) -> int:
        """Bring the study permissions over; returns how many actions are new."""
        return self.permissions.import_rows(
            change, imported.permission_rows(), origin=origin, progress=progress
        )

    def _account(self, account: NewAccount, existing: Iterable[str]) -> Planned:
        if account.name in existing:
            return Planned(account.name, account.there, _THERE_TOO)
        try:
            self.users.check_new(account.name, None)
        except RequestError as refused:
            return Planned(account.name, account.there, refused.public)
        return Planned(account.name, account.there)
