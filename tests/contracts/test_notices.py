"""What every store of notices, and of who gave which role, promises."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.audit.notices import TOLD_FOR, TOLD_TO
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.ports import UserRecord
from pacsgate.ports.role_givings import RoleGiving
from pacsgate.stores.stores import Stores
from tests.support.indexing import SCOPE, SEEN

OTHER = TenantScope(TenantName("other"))
ANNA = Actor("anna", verified=True)
SEEN_EVENT = AuditEvent(EventKind.CHANGES_SEEN, SEEN, Actor("ben", verified=True))
GIVEN = AuditEvent(EventKind.ROLE_CHANGED, SEEN, ANNA, details={"change": "assigned", "target": "rad1"})
MAIN = AssignmentScope(ArchiveName("main"), "TEACH")
FIRST = RoleGiving(1, "anna", "locum", MAIN, SEEN, SEEN + timedelta(days=1))


def add_user(stores: Stores, name: str, *, scope: TenantScope = SCOPE, days: int = 0) -> None:
    event = AuditEvent(
        EventKind.USER_CHANGED,
        SEEN + timedelta(days=days),
        ANNA,
        details={"change": "added", "target": name},
    )
    stores.directory.add_user(scope, UserRecord(name, "user"), event)


def told(stores: Stores, user: str = "ben", limit: int = 10, *, scope: TenantScope = SCOPE) -> list[str]:
    unseen = stores.notices.unseen(scope, user, list(TOLD_TO), SEEN, limit)
    assert len(unseen.notices) == min(limit, unseen.total)
    return [notice.target for notice in unseen.notices]


def test_the_oldest_changes_by_others_are_told_newest_first_in_their_tenant(stores: Stores) -> None:
    for name in ("a", "b", "c"):
        add_user(stores, name)
    add_user(stores, "d", scope=OTHER)
    assert told(stores) == ["c", "b", "a"]
    assert told(stores, limit=2) == ["b", "a"]
    assert told(stores, "anna") == []
    assert told(stores, scope=OTHER) == ["d"]
    assert stores.notices.unseen(SCOPE, "ben", [EventKind.DEVICE_CHANGED], SEEN, 10).total == 0


def test_nobody_sees_less_than_they_have_seen(stores: Stores) -> None:
    for name in ("a", "b", "c"):
        add_user(stores, name)
    numbers = [each.number for each in stores.notices.unseen(SCOPE, "ben", list(TOLD_TO), SEEN, 10).notices]
    pending = len(stores.outbox.pending())
    stores.notices.note_seen(SCOPE, "ben", numbers[1], SEEN_EVENT)
    assert told(stores) == ["c"]
    stores.notices.note_seen(SCOPE, "ben", numbers[2], SEEN_EVENT)
    assert told(stores) == ["c"]
    assert told(stores, "kim") == ["c", "b", "a"]
    assert len(stores.outbox.pending()) == pending + 2


def test_what_somebody_has_seen_goes_with_the_account(stores: Stores) -> None:
    add_user(stores, "ben")
    (notice,) = stores.notices.unseen(SCOPE, "ben", list(TOLD_TO), SEEN, 10).notices
    stores.notices.note_seen(SCOPE, "ben", notice.number, SEEN_EVENT)
    assert told(stores) == []
    stores.directory.remove_user(SCOPE, "ben", replace(GIVEN, details={"change": "removed", "target": "ben"}))
    assert told(stores) == ["ben", "ben"]


def test_the_next_change_forgets_what_is_old(stores: Stores) -> None:
    add_user(stores, "a")
    add_user(stores, "b", days=TOLD_FOR.days)
    assert told(stores) == ["b", "a"]
    add_user(stores, "c", days=TOLD_FOR.days + 1)
    assert told(stores) == ["c", "b"]


def test_a_giving_comes_back_as_it_was_with_the_assignment_and_goes_with_the_account(stores: Stores) -> None:
    add_user(stores, "rad1")
    assignment = Assignment("locum", MAIN, until=FIRST.until)
    stores.directory.give_role(SCOPE, "rad1", assignment, FIRST, GIVEN)
    endless = replace(FIRST, number=2, scope=AssignmentScope(), until=None)
    stores.directory.give_role(SCOPE, "rad1", Assignment("locum"), endless, GIVEN)
    assert stores.directory.role_givings(SCOPE, "rad1") == (FIRST, endless)
    assert stores.directory.role_givings(OTHER, "rad1") == ()
    user = stores.directory.user(SCOPE, "rad1")
    assert user is not None
    assert user.assignments == (assignment, Assignment("locum"))
    stores.directory.remove_user(SCOPE, "rad1", GIVEN)
    add_user(stores, "rad1")
    assert stores.directory.role_givings(SCOPE, "rad1") == ()


def test_who_has_not_seen_a_giving_gives_nothing(stores: Stores) -> None:
    add_user(stores, "rad1")
    stores.directory.give_role(SCOPE, "rad1", Assignment("locum"), FIRST, GIVEN)
    pending = stores.outbox.pending()
    with pytest.raises(ConflictError, match="just now"):
        stores.directory.give_role(SCOPE, "rad1", Assignment("reader"), FIRST, GIVEN)
    with pytest.raises(NotFoundError):
        stores.directory.give_role(SCOPE, "nobody", Assignment("reader"), FIRST, GIVEN)
    assert stores.outbox.pending() == pending
