"""Several stores in one transaction: all of it, or nothing, on every database."""

import threading
from datetime import UTC, datetime

import pytest

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.model.access import Identity, PacsPlace, Person
from pacsgate.model.errors import ConflictError
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantScope
from pacsgate.ports import UserRecord
from pacsgate.stores.stores import Stores

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
PLACE = PacsPlace(DEFAULT_TENANT, ArchiveName("main"))
SCOPE = TenantScope(DEFAULT_TENANT)
EVENT = AuditEvent(EventKind.USER_CHANGED, NOW, Actor("op", verified=True), tenant=DEFAULT_TENANT)
IDENTITY = Identity("e-1", Person("Ada Reis"), NOW)


def write(stores: Stores) -> None:
    stores.access.put_identity(PLACE, IDENTITY)
    stores.directory.add_user(SCOPE, UserRecord("ada", "user"), EVENT)


def write_and_fail(stores: Stores) -> None:
    with stores.access.together():
        write(stores)
        raise RuntimeError


@pytest.mark.long
def test_what_is_written_together_is_read_together_and_there_for_others_afterwards(
    stores: Stores, another_process: Stores
) -> None:
    with stores.access.together():
        write(stores)
        assert stores.directory.user(SCOPE, "ada") is not None
        assert stores.access.identity(PLACE, "e-1") == IDENTITY
        assert another_process.directory.user(SCOPE, "ada") is None

    assert another_process.directory.user(SCOPE, "ada") is not None
    assert another_process.access.identity(PLACE, "e-1") == IDENTITY


def test_what_fails_leaves_no_row_no_event_and_no_epoch(stores: Stores) -> None:
    epochs = stores.epochs.current()
    with pytest.raises(RuntimeError):
        write_and_fail(stores)

    assert stores.directory.user(SCOPE, "ada") is None
    assert stores.access.identity(PLACE, "e-1") is None
    assert stores.outbox.pending() == ()
    assert stores.epochs.current() == epochs


@pytest.mark.long
def test_a_part_that_is_refused_leaves_the_rest(stores: Stores) -> None:
    with stores.access.together():
        write(stores)
        with pytest.raises(ConflictError):
            stores.directory.add_user(SCOPE, UserRecord("ada", "user"), EVENT)

    assert stores.directory.user(SCOPE, "ada") is not None
    assert len(stores.outbox.pending()) == 1


@pytest.mark.long
def test_another_thread_waits_and_joins_nothing(stores: Stores) -> None:
    seen: list[UserRecord | None] = []
    with stores.access.together():
        write(stores)
        reader = threading.Thread(target=lambda: seen.append(stores.directory.user(SCOPE, "ada")))
        reader.start()
        reader.join()

    assert seen == [None]
