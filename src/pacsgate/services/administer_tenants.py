"""Tenants: registered with whoever administers them first, changed, and how often they call.

Called by the API and the command line.

Invariants:
- a tenant, its first administrator and the record of both are there together, or none of them is;
- a name that is taken, `default` and `platform` among them, is not registered again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pacsgate.audit.events import Actor, EventKind
from pacsgate.model.built_in_roles import TENANT_ADMINISTRATOR
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.extension_fields import ExtensionFields, check_fields
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.model.role import Assignment
from pacsgate.model.subject import SubjectKind
from pacsgate.model.tenant_names import TAKEN_TENANTS, TENANT_NAME
from pacsgate.ports.tenants import CallCounts, TenantRecord, TenantStore
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change, Office
from pacsgate.services.appointments import Appointments
from pacsgate.services.warrants import NO_TENANT

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class NewTenant:
    """A tenant to be registered; `administrator` is the account in it that will govern it."""

    name: str
    administrator: str
    identity_fields: ExtensionFields = field(default_factory=dict)
    visit_fields: ExtensionFields = field(default_factory=dict)


class TenantAdministration:
    """Changes to tenants."""

    def __init__(
        self,
        office: Office,
        store: TenantStore,
        users: UserAdministration,
        begin: Callable[[TenantScope, Actor], object],
    ) -> None:
        """`begin` gives a tenant its first policy."""
        self._office = office
        self._store = store
        self._users = users
        self._begin = begin

    def tenants(self) -> tuple[TenantName, ...]:
        """Every tenant, for whoever works at the installation itself."""
        return self._store.tenants()

    def tenant(self, scope: TenantScope) -> TenantRecord:
        """One tenant.  Raises `NotFoundError`."""
        found = self._store.tenant(scope)
        if found is None:
            raise NotFoundError(NO_TENANT)
        return found

    def register(self, change: Change, new: NewTenant) -> TenantRecord:
        """Register the tenant of the order."""
        tenant = change.scope.tenant
        if TENANT_NAME.fullmatch(tenant) is None:
            raise RequestError("a tenant is called by 1 to 63 letters, digits, `-` and `_`")
        if tenant in TAKEN_TENANTS:
            raise ConflictError(f"tenant `{tenant}` is there from the beginning")
        record = TenantRecord(
            tenant, _name(new.name), new.identity_fields, new.visit_fields, change.at, change.actor.name
        )
        _check(record)
        self._users.check_new(new.administrator, None)
        event = change.event(
            EventKind.TENANT_CHANGED,
            "registered",
            tenant,
            after=_text(record),
            administrator=new.administrator,
        )
        with self._store.together():
            self._store.add_tenant(record, event)
            Appointments(self._office.directory).appoint(
                change, new.administrator, SubjectKind.USER, Assignment(TENANT_ADMINISTRATOR)
            )
        self._begin(change.scope, change.actor)
        self._office.publish()
        return record

    def update(
        self,
        change: Change,
        *,
        name: str | None = None,
        identity_fields: ExtensionFields | None = None,
        visit_fields: ExtensionFields | None = None,
    ) -> TenantRecord:
        """Replace what is not `None`.  Those who were there before a field was required need it from their
        next change on.
        """
        before = self.tenant(change.scope)
        after = replace(
            before,
            name=before.name if name is None else _name(name),
            identity_fields=before.identity_fields if identity_fields is None else identity_fields,
            visit_fields=before.visit_fields if visit_fields is None else visit_fields,
        )
        _check(after)
        event = change.event(
            EventKind.TENANT_CHANGED, "changed", before.tenant, before=_text(before), after=_text(after)
        )
        self._store.change_tenant(after, event)
        self._office.publish()
        return after

    def calls(self, scope: TenantScope) -> CallCounts:
        """How often the tenant calls.  Raises `NotFoundError`."""
        self.tenant(scope)
        return self._store.calls(scope)

    def reset_calls(self, change: Change) -> None:
        """Begin to count anew.  Raises `NotFoundError`."""
        self.tenant(change.scope)
        event = change.event(EventKind.TENANT_CHANGED, "statistics reset", change.scope.tenant)
        self._store.reset_calls(change.scope, change.at, event)
        self._office.publish()


def _name(text: str) -> str:
    name = text.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise RequestError(f"a name has 1 to {LONGEST_NAME} printable characters")
    return name


def _check(record: TenantRecord) -> None:
    check_fields(record.identity_fields)
    check_fields(record.visit_fields)


def _text(record: TenantRecord) -> str:
    """What an auditor compares."""
    parts = [f"name={record.name}"]
    for entity, fields in (("identity", record.identity_fields), ("visit", record.visit_fields)):
        told = (f"{name}:{one.type}{'!' if one.required else ''}" for name, one in sorted(fields.items()))
        parts.append(f"{entity} fields={' '.join(told)}")
    return "; ".join(parts)
