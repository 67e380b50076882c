"""PACSes behind agents: registered with the account of their agent, changed, unregistered.

Archives of the configuration file are PACSes too, which the gate itself is the agent of: they are shown with
the others and changed in the file.

Called by the API and the command line.

Invariants:
- a PACS and the role of its agent are there together, and go together;
- an account is the agent of one PACS at most;
- with a PACS goes every assignment that was scoped to it: one of the same name inherits nobody.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from pacsgate.audit.events import EventKind
from pacsgate.model.built_in_roles import AGENT_INSTANCE
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.model.subject import SubjectKind
from pacsgate.model.tenant_names import PACS_NAME
from pacsgate.ports.pacs_adapters import Json
from pacsgate.ports.tenants import PacsRecord, TenantStore
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change, Office
from pacsgate.services.appointments import Appointments
from pacsgate.services.known_pacses import KnownPacses
from pacsgate.services.warrants import NO_PACS

LONGEST_NAME = 200
LARGEST_CONFIGURATION = 16 * 1024
"""Bytes of JSON."""

GiveUp = Callable[[TenantScope, ArchiveName, str], object]
"""Lets all that waits for the agent of a PACS fail, with a sentence that says why."""


class PacsAdministration:
    """Changes to the PACSes of a tenant."""

    def __init__(
        self,
        office: Office,
        store: TenantStore,
        known: KnownPacses,
        users: UserAdministration,
        give_up: GiveUp,
    ) -> None:
        self._office = office
        self._store = store
        self._known = known
        self._users = users
        self._give_up = give_up
        self._appointments = Appointments(office.directory)

    def pacses(self, scope: TenantScope) -> tuple[PacsRecord, ...]:
        """Every PACS, by name."""
        return self._known.pacses(scope)

    def pacs(self, scope: TenantScope, name: ArchiveName) -> PacsRecord:
        """One PACS.  Raises `NotFoundError`."""
        found = self._known.pacs(scope, name)
        if found is None:
            raise NotFoundError(NO_PACS)
        return found

    def register(self, change: Change, new: PacsRecord) -> PacsRecord:
        """Register a PACS behind an agent, whose account is made if there is none of its name."""
        if PACS_NAME.fullmatch(new.pacs) is None:
            raise RequestError("a PACS is called by 1 to 63 letters, digits, `-` and `_`")
        if self._known.pacs(change.scope, new.pacs) is not None:
            raise ConflictError(f"PACS `{new.pacs}` is there already")
        record = _checked(replace(new, registered_at=change.at, registered_by=change.actor.name))
        with self._store.together():
            agent = self._free_agent(change.scope, new.agent, of=new.pacs)
            event = change.event(EventKind.PACS_CHANGED, "registered", new.pacs, after=_text(record))
            self._store.add_pacs(change.scope, record, event)
            self._appointments.appoint(change, agent, SubjectKind.SERVICE, _agent_of(new.pacs))
        self._office.publish()
        return record

    def update(
        self,
        change: Change,
        name: ArchiveName,
        *,
        shown: str | None = None,
        agent: str | None = None,
        configuration: Mapping[str, Json] | None = None,
    ) -> PacsRecord:
        """Replace what is not `None`; with the agent moves its role."""
        before = self._kept(change.scope, name)
        after = _checked(
            replace(
                before,
                name=before.name if shown is None else shown,
                agent=before.agent if agent is None else agent,
                configuration=before.configuration if configuration is None else configuration,
            )
        )
        event = change.event(
            EventKind.PACS_CHANGED, "changed", name, before=_text(before), after=_text(after)
        )
        with self._store.together():
            if agent is not None:
                appointed = self._free_agent(change.scope, agent, of=name)
                self._appointments.dismiss(change, _agent_of(name).__eq__)
                self._appointments.appoint(change, appointed, SubjectKind.SERVICE, _agent_of(name))
            self._store.change_pacs(change.scope, after, event)
        self._office.publish()
        return after

    def unregister(self, change: Change, name: ArchiveName) -> None:
        """Forget a PACS; what its agent has not done yet fails."""
        before = self._kept(change.scope, name)
        event = change.event(EventKind.PACS_CHANGED, "unregistered", name, before=_text(before))
        with self._store.together():
            self._store.remove_pacs(change.scope, name, event)
            self._appointments.dismiss(change, lambda given: given.scope.archive == name)
        self._give_up(change.scope, name, "the PACS was unregistered")
        self._office.publish()

    def _kept(self, scope: TenantScope, name: ArchiveName) -> PacsRecord:
        found = self.pacs(scope, name)
        if found.is_of_file:
            raise ConflictError(
                f"managed-by-file: PACS `{name}` is an archive of the configuration file; change it there"
            )
        return found

    def _free_agent(self, scope: TenantScope, agent: str | None, *, of: ArchiveName) -> str:
        """The account, if it can become an agent.  Raises `RequestError`, `ConflictError`."""
        if agent is None:
            raise RequestError("a PACS needs the account of its agent")
        self._users.check_new(agent, None)
        others = (record for record in self._store.pacses(scope) if record.pacs != of)
        busy = [record.pacs for record in others if record.agent == agent]
        if busy:
            raise ConflictError(
                f"`{agent}` is the agent of `{busy[0]}` already: each PACS has one of its own"
            )
        return agent


def _agent_of(pacs: ArchiveName) -> Assignment:
    return Assignment(AGENT_INSTANCE, AssignmentScope(archive=pacs))


def _checked(record: PacsRecord) -> PacsRecord:
    name = record.name.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise RequestError(f"a name has 1 to {LONGEST_NAME} printable characters")
    if len(json.dumps(dict(record.configuration))) > LARGEST_CONFIGURATION:
        raise RequestError(f"the configuration of a PACS has at most {LARGEST_CONFIGURATION} bytes")
    return replace(record, name=name)


def _text(record: PacsRecord) -> str:
    """What an auditor compares: of the configuration its keys only, for it may hold what is secret."""
    return (
        f"name={record.name}; kind={record.kind}; agent={record.agent}; "
        f"configuration={' '.join(sorted(record.configuration))}"
    )
