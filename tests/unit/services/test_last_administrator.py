"""Who governs a tenant stays, and roles that come with something else come with nothing but that."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.model.built_in_roles import NEVER_ASSIGNED, PACS_ADMINISTRATOR, TENANT_ADMINISTRATOR
from pacsgate.model.errors import ConflictError, RequestError
from pacsgate.model.resource import ArchiveName, TenantName
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.stores.stores import stores_on
from tests.support.databases import opened, sqlite_url
from tests.support.tenancy import Tenancy

DAY = timedelta(days=1)
GOVERNS = Assignment(TENANT_ADMINISTRATOR)
EVENT = (EventKind.USER_CHANGED, "removed", "heir")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Tenancy]:
    with opened(sqlite_url(tmp_path)) as database:
        made = Tenancy(stores_on(database), TenantName("north"))
        made.register("nora")
        yield made


def leaves(do: Callable[[], object]) -> bool:
    try:
        do()
    except ConflictError:
        return False
    return True


def test_who_governs_for_a_day_or_at_one_pacs_is_nobody_to_leave_it_to(here: Tenancy) -> None:
    here.users.add(here.change(), "temp")
    here.users.assign(here.change(), "temp", Assignment(TENANT_ADMINISTRATOR, until=here.clock.now() + DAY))
    here.users.add(here.change(), "part")
    here.users.assign(
        here.change(), "part", Assignment(TENANT_ADMINISTRATOR, AssignmentScope(ArchiveName("doors")))
    )
    here.users.assign(here.change(), "part", Assignment(PACS_ADMINISTRATOR))
    assert not leaves(lambda: here.users.set_disabled(here.change(), "nora", disabled=True))
    here.users.assign(here.change(), "part", GOVERNS)
    assert leaves(lambda: here.users.set_disabled(here.change(), "nora", disabled=True))


def test_of_those_who_govern_for_a_day_the_last_stays_too(here: Tenancy) -> None:
    user = here.stores.directory.user(here.scope, "nora")
    assert user is not None
    for name in ("temp", "other"):
        here.users.add(here.change(), name)
        here.users.assign(here.change(), name, Assignment(TENANT_ADMINISTRATOR, until=here.clock.now() + DAY))
    here.users.add(here.change(), "heir")
    here.users.assign(here.change(), "heir", GOVERNS)
    here.users.remove(here.change(), "nora")
    here.clock.advance(hours=1)
    here.stores.directory.remove_user(here.scope, "heir", here.change().event(*EVENT))  # as a source would
    assert leaves(lambda: here.users.set_disabled(here.change(), "temp", disabled=True))
    assert not leaves(lambda: here.users.set_disabled(here.change(), "other", disabled=True))
    here.clock.advance(days=2)
    assert leaves(lambda: here.users.set_disabled(here.change(), "other", disabled=True)), "it is over"


@pytest.mark.parametrize("role", sorted(NEVER_ASSIGNED))
def test_roles_of_the_platform_and_of_agents_are_not_given_by_themselves(here: Tenancy, role: str) -> None:
    with pytest.raises(RequestError) as refused:
        here.users.assign(here.change(), "nora", Assignment(role, AssignmentScope(ArchiveName("doors"))))
    assert refused.value.status == 403


def test_an_agent_keeps_its_role_for_as_long_as_it_is_the_agent(here: Tenancy) -> None:
    here.pacs("doors", "agent")
    with pytest.raises(RequestError) as refused:
        here.users.unassign(here.change(), "agent", lambda _: True)
    assert refused.value.status == 403
    here.users.remove(here.change(), "agent")
    here.pacses.update(here.change(), ArchiveName("doors"), agent="agent")
    appointed = here.stores.directory.user(here.scope, "agent")
    assert appointed is not None
    assert len(appointed.assignments) == 1, "made anew, and appointed"
