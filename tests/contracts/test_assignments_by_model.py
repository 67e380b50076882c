"""Roles, who has them and what that gives, against a model that knows nothing of policies or tables."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName, TenantName
from pacsgate.model.role import Assignment, AssignmentScope, Role
from pacsgate.stores.stores import Stores
from tests.support.tenancy import FILED, Tenancy

PEOPLE = ("adam", "bela", "cleo")
PACSES = ("doors", "lifts", FILED)
CUSTOM = ("clerk", "porter")
ADMINISTRATOR, OF_PACS, AGENT = "TenantAdministrator", "PacsAdministrator", "AgentInstance"
ASKED = (Permission.PACS_LIST, Permission.TENANT_GET, Permission.VISIT_LIST, Permission.PACS_MESSAGE_GET)
GIVES = {
    ADMINISTRATOR: {"PacsList", "TenantGet", "VisitList"},
    OF_PACS: {"TenantGet", "VisitList"},
    AGENT: {"PacsMessageGet"},
}
_numbers = itertools.count(1)

Held = tuple[str, str | None]
Expected = type[Exception] | None


@dataclass
class Account:
    is_service: bool = False
    disabled: bool = False
    held: set[Held] = field(default_factory=set)


class AssignmentMachine(RuleBasedStateMachine):
    """Whatever administrators may do, in any order."""

    stores: Stores

    @initialize()
    def open(self) -> None:
        number = next(_numbers)
        self.here = Tenancy(self.stores, TenantName(f"t{number}"))
        self.stem = f"n{number}-"
        self.here.register(self.stem + "adam")
        self.accounts = {"adam": Account(held={(ADMINISTRATOR, None)})}
        self.roles: dict[str, set[str]] = {}
        self.pacses: dict[str, str] = {}

    def tries(self, wanted: Expected, do: Callable[[], object]) -> bool:
        """Whether it was done, which is so exactly if the model says so."""
        if wanted is None:
            do()
            return True
        with pytest.raises(wanted):
            do()
        return False

    def governs_without(self, name: str, lost: set[Held]) -> bool:
        return any(
            not account.disabled and (ADMINISTRATOR, None) in account.held - (lost if each == name else set())
            for each, account in self.accounts.items()
        )

    def governs(self) -> bool:
        return self.governs_without("", set())

    @rule(name=st.sampled_from(PEOPLE))
    def add_account(self, name: str) -> None:
        wanted = ConflictError if name in self.accounts else None
        if self.tries(wanted, lambda: self.here.users.add(self.here.change(), self.stem + name)):
            self.accounts[name] = Account()

    @rule(
        name=st.sampled_from(PEOPLE),
        role=st.sampled_from((ADMINISTRATOR, OF_PACS, AGENT, "TenantRegistrator", *CUSTOM)),
        pacs=st.sampled_from((None, *PACSES)),
    )
    def assign(self, name: str, role: str, pacs: str | None) -> None:
        account = self.accounts.get(name)
        wanted: Expected = None
        if role in CUSTOM and role not in self.roles:
            wanted = NotFoundError
        elif role in {AGENT, "TenantRegistrator"}:
            wanted = RequestError
        elif account is None:
            wanted = NotFoundError
        elif (role, pacs) in account.held:
            wanted = ConflictError
        given = Assignment(role, AssignmentScope(None if pacs is None else ArchiveName(pacs)))
        done = self.tries(wanted, lambda: self.here.users.assign(self.here.change(), self.stem + name, given))
        if done and account is not None:
            account.held.add((role, pacs))

    @rule(data=st.data())
    def take(self, data: st.DataObject) -> None:
        everything = [
            (name, one) for name, account in self.accounts.items() for one in sorted(account.held, key=str)
        ]
        if not everything:
            return
        name, held = data.draw(st.sampled_from(everything))
        wanted: Expected = None
        if held[0] == AGENT:
            wanted = RequestError
        elif self.governs() and not self.governs_without(name, {held}):
            wanted = ConflictError

        def is_it(given: Assignment) -> bool:
            return (given.role, given.scope.archive) == held

        if self.tries(
            wanted, lambda: self.here.users.unassign(self.here.change(), self.name_of(name), is_it)
        ):
            self.accounts[name].held.discard(held)

    @rule(name=st.sampled_from(PEOPLE), disabled=st.booleans())
    def disable(self, name: str, disabled: bool) -> None:
        account = self.accounts.get(name)
        wanted: Expected = None
        if account is None:
            wanted = NotFoundError
        elif disabled and self.governs() and not self.governs_without(name, {(ADMINISTRATOR, None)}):
            wanted = ConflictError
        done = self.tries(
            wanted,
            lambda: self.here.users.set_disabled(self.here.change(), self.stem + name, disabled=disabled),
        )
        if done and account is not None:
            account.disabled = disabled

    @rule(name=st.sampled_from(PEOPLE))
    def remove(self, name: str) -> None:
        account = self.accounts.get(name)
        wanted: Expected = None
        if account is None:
            wanted = NotFoundError
        elif self.governs() and not self.governs_without(name, {(ADMINISTRATOR, None)}):
            wanted = ConflictError
        if self.tries(wanted, lambda: self.here.users.remove(self.here.change(), self.stem + name)):
            del self.accounts[name]

    @rule(role=st.sampled_from(CUSTOM), gives=st.sets(st.sampled_from(ASKED[:3])))
    def define(self, role: str, gives: set[Permission]) -> None:
        made = Role(role, permissions=frozenset(gives))
        do = self.here.roles.change if role in self.roles else self.here.roles.add
        do(self.here.change(), made)
        self.roles[role] = {each.value for each in gives}

    @precondition(lambda self: self.roles)
    @rule(data=st.data())
    def undefine(self, data: st.DataObject) -> None:
        role = data.draw(st.sampled_from(sorted(self.roles)))
        is_held = any(role == held[0] for account in self.accounts.values() for held in account.held)
        if self.tries(
            ConflictError if is_held else None, lambda: self.here.roles.remove(self.here.change(), role)
        ):
            del self.roles[role]

    @rule(pacs=st.sampled_from(PACSES), agent=st.sampled_from(("agent-1", "agent-2", "adam")))
    def register(self, pacs: str, agent: str) -> None:
        known = self.accounts.get(agent)
        wanted: Expected = None
        if pacs in self.pacses or pacs == FILED or agent in self.pacses.values():
            wanted = ConflictError
        elif agent == "adam" and (known is None or not known.is_service):
            wanted = ConflictError if known is not None else None
        if self.tries(wanted, lambda: self.here.pacs(pacs, self.stem + agent)):
            self.pacses[pacs] = agent
            account = self.accounts.setdefault(agent, Account(is_service=True))
            account.held.add((AGENT, pacs))

    @rule(pacs=st.sampled_from(PACSES))
    def unregister(self, pacs: str) -> None:
        wanted = ConflictError if pacs == FILED else None if pacs in self.pacses else NotFoundError
        if self.tries(wanted, lambda: self.here.pacses.unregister(self.here.change(), ArchiveName(pacs))):
            assert self.here.given_up[-1] == pacs
            del self.pacses[pacs]
            for account in self.accounts.values():
                account.held = {held for held in account.held if held[1] != pacs}

    @rule(pacs=st.sampled_from(PACSES[:2]), agent=st.sampled_from(("agent-1", "agent-2", "agent-3")))
    def change_agent(self, pacs: str, agent: str) -> None:
        wanted: Expected = None if pacs in self.pacses else NotFoundError
        if wanted is None and any(each != pacs and its == agent for each, its in self.pacses.items()):
            wanted = ConflictError
        if self.tries(
            wanted,
            lambda: self.here.pacses.update(self.here.change(), ArchiveName(pacs), agent=self.stem + agent),
        ):
            for account in self.accounts.values():
                account.held.discard((AGENT, pacs))
            self.pacses[pacs] = agent
            self.accounts.setdefault(agent, Account(is_service=True)).held.add((AGENT, pacs))

    def name_of(self, name: str) -> str:
        return self.stem + name

    @invariant()
    def everybody_has_what_the_model_gave(self) -> None:
        found = {
            user.name.removeprefix(self.stem): {(one.role, one.scope.archive) for one in user.assignments}
            for user in self.stores.directory.users(self.here.scope)
        }
        assert found == {name: account.held for name, account in self.accounts.items()}

    @invariant()
    def everybody_may_do_what_the_model_lets_them(self) -> None:
        now = self.here.clock.now()
        for name, account in self.accounts.items():
            for permission, pacs in itertools.product(ASKED, (None, *PACSES)):
                told = self.here.warrants.still(
                    self.name_of(name),
                    self.here.tenant,
                    permission,
                    None if pacs is None else ArchiveName(pacs),
                    now,
                )
                assert told is self.may(account, permission.value, pacs), (name, permission, pacs)

    def may(self, account: Account, permission: str, pacs: str | None) -> bool:
        for role, at in account.held:
            gives = GIVES.get(role, self.roles.get(role, set()))
            here = {"PacsList": at is None, "TenantGet": True}.get(permission, at is None or at == pacs)
            if permission in gives and here and not account.disabled:
                return True
        return False

    @invariant()
    def somebody_governs(self) -> None:
        assert self.governs()

    @invariant()
    def pacses_are_those_of_the_model(self) -> None:
        found = {each.pacs: each.agent for each in self.here.known.pacses(self.here.scope)}
        assert found == {FILED: None} | {pacs: self.name_of(agent) for pacs, agent in self.pacses.items()}


def _run(stores: Stores, examples: int, steps: int) -> None:
    class Machine(AssignmentMachine):
        pass

    Machine.stores = stores
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    )


def test_assignments_are_what_the_model_has(stores: Stores) -> None:
    _run(stores, 1, 10)


@pytest.mark.long
def test_assignments_are_what_the_model_has_for_a_long_time(stores: Stores) -> None:
    _run(stores, 4, 20)
