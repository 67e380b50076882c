"""Where people are, as door systems say it, and how long they are believed.

Called by `reports`, by `people.users`, which reads it with the account, and by whatever removes a PACS.

Invariants:
- a PACS that is silent, or was never in contact, says nothing about anybody;
- a zone under the name of a PACS, `pacs/zone`, is said by that PACS's agent alone;
- the users epoch moves whenever it is otherwise known where somebody is.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, bindparam, delete, insert, select, update

from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.ports.pacs_adapters import PacsEvent
from pacsgate.stores.agent_schema import agent_contact, agent_log, pacs_event, presence
from pacsgate.stores.changes import Topic, move_epoch
from pacsgate.stores.fixed import Fixed
from pacsgate.stores.people_schema import account

_BELIEVED = presence.join(
    agent_contact,
    (agent_contact.c.tenant == presence.c.tenant)
    & (agent_contact.c.pacs == presence.c.pacs)
    & ~agent_contact.c.silent,
)


_WHEREABOUTS = (
    select(presence.c.account, presence.c.pacs, presence.c.zone, presence.c.since)
    .select_from(_BELIEVED)
    .where(presence.c.tenant == bindparam("of_tenant"))
    .order_by(presence.c.account, presence.c.pacs)
)
_OF_ALL = Fixed(_WHEREABOUTS)
_OF_ONE = Fixed(_WHEREABOUTS.where(presence.c.account == bindparam("of_account")))


def believed(scope: TenantScope) -> Select[tuple[str, str, str, datetime]]:
    """The whereabouts that count, by account and PACS."""
    return _WHEREABOUTS.params(of_tenant=scope.tenant)


def zones_of(
    connection: Connection, scope: TenantScope, name: str | None = None
) -> dict[str, frozenset[str]]:
    """The zones of whoever is known to be somewhere, as `zone` and as `pacs/zone`; none of who is out."""
    found: dict[str, frozenset[str]] = {}
    of_all = {"of_tenant": scope.tenant}
    rows = (
        _OF_ALL.rows(connection, of_all)
        if name is None
        else _OF_ONE.rows(connection, {**of_all, "of_account": name})
    )
    for row in rows:
        found[row.account] = found.get(row.account, frozenset()) | _names(row.pacs, row.zone)
    return found


def _names(pacs: str, zone: str) -> frozenset[str]:
    if not zone:
        return frozenset()
    # No PACS has a slash in its name: a bare zone with one would pass for another PACS's.
    return frozenset({f"{pacs}/{zone}"} if "/" in zone else {zone, f"{pacs}/{zone}"})


def move(
    connection: Connection, scope: TenantScope, pacs: ArchiveName, events: Iterable[PacsEvent], at: datetime
) -> bool:
    """Put people where some events, in their order, say that they are; whether that is anywhere else."""
    last = {event.account: event.zone for event in events if event.account and event.zone is not None}
    moved = False
    for name, zone in last.items():
        here = (presence.c.tenant == scope.tenant) & (presence.c.account == name) & (presence.c.pacs == pacs)
        was: str | None = connection.execute(select(presence.c.zone).where(here)).scalar_one_or_none()
        if was == zone or not _is_known(connection, scope, name):
            continue
        if was is None:
            row = {"tenant": scope.tenant, "account": name, "pacs": pacs}
            connection.execute(insert(presence).values(**row, zone=zone, since=at))
        else:
            connection.execute(update(presence).where(here).values(zone=zone, since=at))
        moved = True
    return moved


def note_contact(connection: Connection, scope: TenantScope, pacs: ArchiveName, at: datetime) -> bool:
    """The agent has told everything; whether the PACS is only now believed again."""
    here = _contact_of(scope, pacs)
    was: bool | None = connection.execute(select(agent_contact.c.silent).where(here)).scalar_one_or_none()
    if was is None:
        row = {"tenant": scope.tenant, "pacs": pacs}
        connection.execute(insert(agent_contact).values(**row, at=at, silent=False))
    else:
        connection.execute(update(agent_contact).where(here).values(at=at, silent=False))
    return was is not False


def forget_pacs(connection: Connection, scope: TenantScope, pacs: ArchiveName) -> None:
    """Forget all that a PACS has reported, and so where anybody in it is."""
    for table in (pacs_event, agent_log, agent_contact, presence):
        connection.execute(delete(table).where(table.c.tenant == scope.tenant, table.c.pacs == pacs))
    move_epoch(connection, scope.tenant, Topic.USERS)


def _contact_of(scope: TenantScope, pacs: ArchiveName) -> ColumnElement[bool]:
    return (agent_contact.c.tenant == scope.tenant) & (agent_contact.c.pacs == pacs)


def _is_known(connection: Connection, scope: TenantScope, name: str) -> bool:
    found = select(account.c.name).where(account.c.tenant == scope.tenant, account.c.name == name)
    return connection.execute(found).first() is not None
