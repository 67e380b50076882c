"""What every store of jobs and queries promises."""

from dataclasses import replace
from datetime import timedelta

from pacsgate.model.actions import Action
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantName, TenantScope
from pacsgate.ports.handles import HandleKind, OwnedHandle
from pacsgate.stores.stores import Stores
from tests.support.indexing import MAIN, SCOPE, SEEN

OTHER = TenantScope(TenantName("other"))
KEYS = (ResourceKey("1.2", "1.2.3", "1.2.3.4", "P\u5c71"), ResourceKey("1.5", "1.5.6"))
JOB = OwnedHandle(MAIN, HandleKind.JOB, "job-1", "ann", Action.EXPORT, KEYS, SEEN)
QUERY = OwnedHandle(MAIN, HandleKind.QUERY, "job-1", "ann", None, (), SEEN)


def test_what_was_decided_comes_back_as_it_was(stores: Stores) -> None:
    for owned in (JOB, QUERY):
        stores.handles.add(SCOPE, owned)
    assert stores.handles.find(SCOPE, MAIN, HandleKind.JOB, "job-1") == JOB
    assert stores.handles.find(SCOPE, MAIN, HandleKind.QUERY, "job-1") == QUERY


def test_a_handle_is_of_one_tenant_one_archive_and_one_kind(stores: Stores) -> None:
    stores.handles.add(SCOPE, JOB)
    assert stores.handles.find(OTHER, MAIN, HandleKind.JOB, "job-1") is None
    assert stores.handles.find(SCOPE, ArchiveName("second"), HandleKind.JOB, "job-1") is None
    assert stores.handles.find(SCOPE, MAIN, HandleKind.QUERY, "job-1") is None
    assert stores.handles.find(SCOPE, MAIN, HandleKind.JOB, "job-1\0") is None
    assert stores.handles.started(OTHER, MAIN, HandleKind.JOB, None) == ()


def test_handles_are_listed_by_their_owner_oldest_first(stores: Stores) -> None:
    later = replace(JOB, handle="a-later-one", started_at=SEEN + timedelta(seconds=1))
    for owned in (later, JOB, replace(JOB, handle="bobs", subject="bob")):
        stores.handles.add(SCOPE, owned)
    assert stores.handles.started(SCOPE, MAIN, HandleKind.JOB, "ann") == ("job-1", "a-later-one")
    assert stores.handles.started(SCOPE, MAIN, HandleKind.JOB, "bob") == ("bobs",)
    assert set(stores.handles.started(SCOPE, MAIN, HandleKind.JOB, None)) == {"job-1", "a-later-one", "bobs"}


def test_a_handle_that_the_archive_gives_out_again_is_of_its_new_owner(stores: Stores) -> None:
    stores.handles.add(SCOPE, JOB)
    stores.handles.add(SCOPE, replace(JOB, subject="bob", keys=()))
    assert stores.handles.started(SCOPE, MAIN, HandleKind.JOB, "ann") == ()
    assert stores.handles.find(SCOPE, MAIN, HandleKind.JOB, "job-1") == replace(JOB, subject="bob", keys=())


def test_what_the_archive_has_forgotten_is_forgotten(stores: Stores) -> None:
    stores.handles.add(SCOPE, JOB)
    stores.handles.add(SCOPE, QUERY)
    stores.handles.forget(SCOPE, MAIN, HandleKind.JOB, ["job-1", "never-there"])
    assert stores.handles.find(SCOPE, MAIN, HandleKind.JOB, "job-1") is None
    assert stores.handles.find(SCOPE, MAIN, HandleKind.QUERY, "job-1") == QUERY
