"""The embedded archive after a process that was killed between any two of its steps."""

import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.ports import StoreOutcome
from pacsgate.upstream.folder.archive import FolderArchive
from tests.support.objects import Part10, small_hospital, variant

NAME = ArchiveName("main")
STEPS = ("fsync", "link", "unlink", "mkdir", "rename")
"""Every call of `os` that changes names or makes them durable; `Path` methods end in them."""
MOST_STEPS = 60


def put(archive: FolderArchive, item: Part10) -> StoreOutcome:
    with archive.spool.begin(1 << 30) as incoming:
        incoming.write(item.data)
        spooled = incoming.finish()
        return archive.store(item.key, spooled.path, spooled.digest)


def store_into(root: Path, item: Part10) -> None:
    put(FolderArchive(NAME, root), item)


def delete_from(root: Path, key: ResourceKey) -> None:
    FolderArchive(NAME, root).delete(key)


def killed_before_step(number: int, work: Callable[..., None], *arguments: object) -> bool:
    """Run `work` in a child that is killed before its nth step; whether it lived to the end instead."""
    child = os.fork()
    if child == 0:
        left = [number]

        def counted(real: Callable[..., object]) -> Callable[..., object]:
            def call(*given: object, **options: object) -> object:
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*given, **options)

            return call

        for step in STEPS:
            setattr(os, step, counted(getattr(os, step)))
        work(*arguments)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def inodes(root: Path) -> set[int]:
    return {path.stat().st_ino for path in root.rglob("*.dcm")}


def names_left(root: Path) -> list[str]:
    return sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and "locks" not in path.parts
    )


def test_a_store_cut_short_anywhere_leaves_the_object_whole_or_absent(tmp_path: Path) -> None:
    item = variant()
    for number in range(MOST_STEPS):
        root = tmp_path / str(number)
        FolderArchive(NAME, root).close()
        finished = killed_before_step(number, store_into, root, item)
        archive = FolderArchive(NAME, root)
        there = [arrival.summary.sop_instance_uid for arrival in archive.walk(None)]
        assert there in ([], [item.key.sop_instance_uid])
        assert archive.count() == len(there)
        if there:
            assert b"".join(archive.open(item.key).chunks()) == item.data
        else:
            assert [name for name in names_left(root) if name.endswith(".dcm")] == [], (
                "bytes of half a store remain"
            )
        assert put(archive, item) is (StoreOutcome.ALREADY_THERE if there else StoreOutcome.STORED)
        assert [path.name for path in (root / "spool").iterdir()] == [archive.spool.workspace.name]
        if finished:
            assert number > 6, "the steps were not counted"
            return
    pytest.fail("a store has more steps than expected")


def test_a_removal_cut_short_anywhere_is_finished_or_was_not_begun(tmp_path: Path) -> None:
    hospital = small_hospital(studies=2, series=1, instances=3)
    doomed = ResourceKey(hospital[0].key.study_instance_uid)
    for number in range(MOST_STEPS):
        root = tmp_path / str(number)
        archive = FolderArchive(NAME, root)
        for item in hospital:
            put(archive, item)
        archive.close()
        finished = killed_before_step(number, delete_from, root, doomed)
        assert inodes(root / "objects") <= inodes(root / "studies"), "an object that no study lists"
        archive = FolderArchive(NAME, root)
        assert len(list(archive.study(doomed.study_instance_uid))) in {0, 3}, "the study is there by half"
        assert len(list(archive.study(hospital[-1].key.study_instance_uid))) == 3
        assert sum(name.endswith(".dcm") for name in names_left(root)) == 2 * (archive.count() or 0)
        if finished:
            assert list(archive.study(doomed.study_instance_uid)) == []
            assert number > 12, "the steps were not counted"
            return
    pytest.fail("a removal has more steps than expected")


def test_a_removal_that_is_finished_late_spares_what_was_stored_since(tmp_path: Path) -> None:
    item = variant()
    first = FolderArchive(NAME, tmp_path / "a")
    put(first, item)
    first.close()
    # Killed with its intent written and nothing removed yet: before the first `unlink`.
    number = next(
        number
        for number in range(MOST_STEPS)
        if not killed_before_step(number, delete_from, tmp_path / "a", item.key)
        and list((tmp_path / "a" / "spool").glob("*/removal-*"))
    )
    assert number > 0
    # Somebody else, who was running all the time, removes the object and stores it again.
    (workspace,) = [path.parent for path in (tmp_path / "a" / "spool").glob("*/removal-*")]
    hidden = workspace.rename(tmp_path / "aside")
    running = FolderArchive(NAME, tmp_path / "a")
    running.delete(item.key)
    assert put(running, item) is StoreOutcome.STORED
    hidden.rename(workspace)
    FolderArchive(NAME, tmp_path / "a")
    assert not workspace.exists()
    assert b"".join(running.open(item.key).chunks()) == item.data


def test_of_many_processes_with_one_uid_one_stores_and_none_overwrites(tmp_path: Path) -> None:
    rivals = [variant(PatientComments=f"rival {number}") for number in range(6)]
    FolderArchive(NAME, tmp_path / "a").close()
    children: list[int] = []
    for rival in rivals:
        child = os.fork()
        if child == 0:
            outcome = put(FolderArchive(NAME, tmp_path / "a"), rival)
            os._exit(10 if outcome is StoreOutcome.STORED else 20)
        children.append(child)
    outcomes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert sorted(outcomes) == [10] + [20] * (len(rivals) - 1)
    winner = rivals[outcomes.index(10)]
    assert b"".join(FolderArchive(NAME, tmp_path / "a").open(winner.key).chunks()) == winner.data


def test_a_file_from_another_file_system_is_stored_too(tmp_path: Path) -> None:
    archive, item = FolderArchive(NAME, tmp_path / "a"), variant()
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as elsewhere:
        if Path(elsewhere.name).stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("there is no second file system")
        elsewhere.write(item.data)
        elsewhere.flush()
        assert archive.store(item.key, Path(elsewhere.name), item.digest) is StoreOutcome.STORED
    assert b"".join(archive.open(item.key).chunks()) == item.data
    assert archive.open(item.key).path.stat().st_mode & 0o077 == 0


def test_a_dead_process_is_cleared_away_and_a_living_one_is_not(tmp_path: Path) -> None:
    living = FolderArchive(NAME, tmp_path / "a")
    with living.spool.begin(100) as incoming:
        incoming.write(b"still arriving")
        FolderArchive(NAME, tmp_path / "a")
        assert incoming.finish().path.read_bytes() == b"still arriving"


def test_a_wrong_parent_that_a_crash_left_is_not_served(tmp_path: Path) -> None:
    stored = variant()
    rival = variant(StudyInstanceUID="2.25.5", SeriesInstanceUID="2.25.6")
    archive = FolderArchive(NAME, tmp_path / "a")
    put(archive, stored)
    # The state after a store of `rival` that was cut short by a power failure, spool and all.
    name = f"{rival.key.study_instance_uid}~{rival.key.series_instance_uid}~{rival.key.sop_instance_uid}.dcm"
    member = archive._layout.member_path(rival.key)
    assert member.name == name
    archive._layout.make_shard(member)
    member.write_bytes(rival.data)
    with pytest.raises(RequestError) as refused:
        archive.open(rival.key)
    assert refused.value.status == 404
    assert list(archive.study("2.25.5")) == []
    assert put(archive, rival) is StoreOutcome.CONFLICT
