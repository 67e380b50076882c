"""What every store of locks and of groups promises."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.ports import UserRecord
from pacsgate.ports.groups import GroupRecord
from pacsgate.ports.locks import LockRecord, LockTarget
from pacsgate.stores.stores import Stores
from tests.support.indexing import SCOPE, SEEN

OTHER = TenantScope(TenantName("other"))
EVENT = AuditEvent(EventKind.USER_CHANGED, SEEN, Actor("op", verified=True))
LATER = SEEN + timedelta(hours=1)
RAD1 = LockRecord(LockTarget.USER, "rad1", "laptop stolen", "op", SEEN)
CT1 = LockRecord(LockTarget.DEVICE, "CT1", "sends to the wrong place", "op", SEEN, LATER)
NIGHT = GroupRecord("night", "Night shift \u5c71", "scim", "g-1", SEEN)
DAY = GroupRecord("day")


def moves_the_epoch_and_leaves_one_event(stores: Stores, make: Callable[[], None]) -> None:
    before, pending = stores.epochs.current().users, len(stores.outbox.pending())
    make()
    assert stores.epochs.current().users > before
    assert len(stores.outbox.pending()) == pending + 1


def test_a_lock_comes_back_as_it_was_and_is_replaced_and_lifted(stores: Stores) -> None:
    for lock in (RAD1, CT1):
        stores.locks.set_lock(SCOPE, lock, EVENT)
    assert stores.locks.locks(SCOPE) == (CT1, RAD1)
    assert stores.locks.locks(OTHER) == ()
    again = replace(RAD1, reason="found again", until=LATER)
    stores.locks.set_lock(SCOPE, again, EVENT)
    assert stores.locks.locks(SCOPE) == (CT1, again)
    stores.locks.lift_lock(SCOPE, LockTarget.DEVICE, "CT1", EVENT)
    assert stores.locks.locks(SCOPE) == (again,)


@pytest.mark.parametrize(
    ("scope", "target", "name"),
    [(SCOPE, LockTarget.DEVICE, "rad1"), (SCOPE, LockTarget.USER, "rad"), (OTHER, LockTarget.USER, "rad1")],
)
def test_what_is_not_locked_is_not_unlocked(
    stores: Stores, scope: TenantScope, target: LockTarget, name: str
) -> None:
    stores.locks.set_lock(SCOPE, RAD1, EVENT)
    pending = len(stores.outbox.pending())
    with pytest.raises(NotFoundError):
        stores.locks.lift_lock(scope, target, name, EVENT)
    assert stores.locks.locks(SCOPE) == (RAD1,)
    assert len(stores.outbox.pending()) == pending


def test_setting_and_lifting_a_lock_each_move_the_users_epoch_and_leave_one_event(stores: Stores) -> None:
    moves_the_epoch_and_leaves_one_event(stores, lambda: stores.locks.set_lock(SCOPE, RAD1, EVENT))
    moves_the_epoch_and_leaves_one_event(
        stores, lambda: stores.locks.lift_lock(SCOPE, LockTarget.USER, "rad1", EVENT)
    )


def test_a_lock_is_read_with_the_account_of_its_own_tenant_and_kind(stores: Stores) -> None:
    for name in ("CT1", "rad1", "rad2"):
        stores.directory.add_user(SCOPE, UserRecord(name, "user"), EVENT)
    for lock in (RAD1, CT1, replace(RAD1, name="rad2", until=LATER)):
        stores.locks.set_lock(SCOPE, lock, EVENT)
    stores.locks.set_lock(OTHER, replace(RAD1, name="CT1"), EVENT)
    live = {user.name: [user.is_live(at) for at in (SEEN, LATER)] for user in stores.directory.users(SCOPE)}
    assert live == {"CT1": [True, True], "rad1": [False, False], "rad2": [False, True]}


def test_a_lock_is_read_with_the_device_and_not_written_by_changing_it(stores: Stores) -> None:
    for title in ("CT1", "CT2"):
        stores.remote_aes.add_remote_ae(SCOPE, RemoteAe(title), EVENT)
    stores.locks.set_lock(SCOPE, CT1, EVENT)
    stores.locks.set_lock(SCOPE, replace(RAD1, name="CT2"), EVENT)
    first, second = stores.remote_aes.remote_aes(SCOPE)
    assert stores.remote_aes.remote_ae(SCOPE, "CT1") == first
    assert [first.is_valid(at) for at in (SEEN, LATER)] == [False, True]
    assert second.is_valid(SEEN)
    stores.remote_aes.change_remote_ae(SCOPE, replace(first, is_locked=False, owner="x"), EVENT)
    assert not stores.remote_aes.remote_aes(SCOPE)[0].is_valid(SEEN)


def test_a_lock_outlasts_its_account(stores: Stores) -> None:
    stores.directory.add_user(SCOPE, UserRecord("rad1", "user"), EVENT)
    stores.locks.set_lock(SCOPE, RAD1, EVENT)
    stores.directory.remove_user(SCOPE, "rad1", EVENT)
    stores.directory.add_user(SCOPE, UserRecord("rad1", "user"), EVENT)
    found = stores.directory.user(SCOPE, "rad1")
    assert found is not None
    assert not found.is_live(SEEN)


def test_a_group_comes_back_as_it_was_and_is_changed(stores: Stores) -> None:
    for group in (NIGHT, DAY):
        stores.groups.add_group(SCOPE, group, EVENT)
    assert stores.groups.groups(SCOPE) == (DAY, NIGHT)
    stores.groups.change_group(SCOPE, replace(NIGHT, display_name="Nights", created_at=None), EVENT)
    assert stores.groups.groups(SCOPE)[1] == replace(NIGHT, display_name="Nights")
    with pytest.raises(ConflictError):
        stores.groups.add_group(SCOPE, DAY, EVENT)
    with pytest.raises(NotFoundError):
        stores.groups.change_group(OTHER, DAY, EVENT)


def test_a_removed_group_is_gone_from_every_account_of_its_tenant(stores: Stores) -> None:
    stores.groups.add_group(SCOPE, NIGHT, EVENT)
    both = frozenset({"night", "day"})
    stores.directory.add_user(SCOPE, UserRecord("rad1", "user", groups=both), EVENT)
    stores.directory.add_user(OTHER, UserRecord("rad2", "user", groups=both), EVENT)
    with pytest.raises(NotFoundError):
        stores.groups.remove_group(SCOPE, "day", EVENT)
    moves_the_epoch_and_leaves_one_event(stores, lambda: stores.groups.remove_group(SCOPE, "night", EVENT))
    assert [user.groups for user in stores.directory.users(SCOPE)] == [{"day"}]
    assert [user.groups for user in stores.directory.users(OTHER)] == [both]


def test_who_disabled_an_account_comes_back(stores: Stores) -> None:
    gone = UserRecord("rad1", "user", disabled=True, source="hr", disabled_by="hr")
    stores.directory.add_user(SCOPE, gone, EVENT)
    assert stores.directory.user(SCOPE, "rad1") == gone


def test_members_change_all_at_once_and_other_groups_stay(stores: Stores) -> None:
    stores.groups.add_group(SCOPE, NIGHT, EVENT)
    for name, groups in {"rad1": {"day"}, "rad2": {"night", "day"}, "rad3": {"night"}}.items():
        stores.directory.add_user(SCOPE, UserRecord(name, "user", groups=frozenset(groups)), EVENT)
    stores.directory.add_user(OTHER, UserRecord("else1", "user"), EVENT)
    wanted = frozenset({"rad1", "rad3", "else1", "nobody"})
    moves_the_epoch_and_leaves_one_event(
        stores,
        lambda: stores.groups.change_members(
            SCOPE, "night", add=wanted, remove=frozenset({"rad2"}), event=EVENT
        ),
    )
    assert [user.groups for user in stores.directory.users(SCOPE)] == [{"day", "night"}, {"day"}, {"night"}]
    assert [user.groups for user in stores.directory.users(OTHER)] == [frozenset()]
    with pytest.raises(NotFoundError):
        stores.groups.change_members(OTHER, "night", add=wanted, remove=frozenset(), event=EVENT)
