"""The spool: nothing grows without limit, nothing stays behind."""

import hashlib
import io
import os
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.errors import RequestError
from pacsgate.upstream.spool import Spool, clear_abandoned


@given(chunks=st.lists(st.binary(max_size=200), max_size=20))
def test_size_and_digest_do_not_depend_on_how_the_bytes_arrive(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes]
) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool"))
    whole = b"".join(chunks)
    with spool.begin(len(whole)) as incoming:
        for chunk in chunks:
            incoming.write(chunk)
        spooled = incoming.finish()
        assert spooled.path.read_bytes() == whole
        assert (spooled.size, spooled.digest) == (len(whole), hashlib.sha256(whole).hexdigest())
    assert not spooled.path.exists()
    spool.close()


def test_the_first_byte_over_the_limit_is_413_and_nothing_stays(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with spool.begin(10) as incoming:
        incoming.write(b"0123456789")
        with pytest.raises(RequestError) as refused:
            incoming.write(b"!")
    assert refused.value.status == 413
    assert [path.name for path in spool.workspace.iterdir()] == ["lock"]


def test_a_full_disk_is_503(tmp_path: Path) -> None:
    with Spool(tmp_path).begin(100) as incoming:
        incoming._file.close()
        incoming._file = io.FileIO("/dev/full", "wb")
        with pytest.raises(RequestError) as refused:
            incoming.write(b"x")
    assert refused.value.status == 503


def test_only_workspaces_of_dead_processes_are_cleared(tmp_path: Path) -> None:
    living = Spool(tmp_path)
    child = os.fork()
    if child == 0:
        Spool(tmp_path).begin(100).write(b"left behind")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert len(list(tmp_path.iterdir())) == 2
    clear_abandoned(tmp_path)
    assert list(tmp_path.iterdir()) == [living.workspace]


def test_what_is_spooled_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        with Spool(tmp_path / "spool").begin(100) as incoming:
            assert incoming.finish().path.stat().st_mode & 0o077 == 0
    finally:
        os.umask(old)
