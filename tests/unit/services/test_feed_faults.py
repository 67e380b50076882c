"""A feed in front of an Orthanc that is killed, frozen, swapped, or busy while the gate reads it."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pacsgate.model.errors import ArchiveError
from pacsgate.services.sync_index import SyncProgress
from tests.support.fed import fed
from tests.support.objects import Part10, small_hospital, variant
from tests.support.origin_hospital import ORIGIN_CREDENTIALS
from tests.support.orthanc import Orthanc, running_orthanc

pytestmark = [pytest.mark.long, pytest.mark.server("orthanc")]

POLICY = """
version: 1
roles: {reader: {may: [search, view], owner: tests}}
rules: [{id: readers-read, effect: permit, roles: [reader]}]
assignments: [{users: [anybody], roles: [reader]}]
"""


@contextmanager
def filled(directory: Path, *objects: Part10, http_port: int | None = None) -> Iterator[Orthanc]:
    """An Orthanc with these objects."""
    with running_orthanc(directory, credentials=ORIGIN_CREDENTIALS, http_port=http_port) as server:
        for one in objects:
            server.upload(one.data)
        yield server


def uids(*objects: Part10) -> set[str]:
    return {str(one.key.sop_instance_uid) for one in objects}


OLD = small_hospital(studies=3)
NEW = tuple(
    variant(StudyInstanceUID=f"1.2.{n}", SeriesInstanceUID=f"1.2.{n}.1", SOPInstanceUID=f"1.2.{n}.1.1")
    for n in range(30)
)


def test_an_orthanc_that_comes_back_with_another_database_is_read_anew(tmp_path: Path) -> None:
    with filled(tmp_path / "one", *OLD) as first:
        port = first.http_port
        with fed(tmp_path / "gate", first, policy=POLICY) as gate:
            gate.feed.poll()
            assert gate.instances() == uids(*OLD)
            first.process.terminate()
            first.process.wait(20)
            with pytest.raises(ArchiveError):
                gate.feed.poll()
            assert gate.instances() == uids(*OLD)
            # One whose log is longer than that of the first, and one whose log is shorter.
            for name, content in (("two", NEW), ("three", NEW[:1])):
                with filled(tmp_path / name, *content, http_port=port):
                    gate.feed.poll()
                    gate.feed.poll()
                    assert gate.instances() == uids(*content)


def test_the_same_database_is_not_read_anew_after_a_restart(tmp_path: Path) -> None:
    with filled(tmp_path / "one", *OLD) as first:
        port = first.http_port
        with fed(tmp_path / "gate", first, policy=POLICY) as gate:
            gate.feed.poll()
            first.process.terminate()
            first.process.wait(20)
            with filled(tmp_path / "one", *NEW[:1], http_port=port):
                gate.new_feed().poll()
                assert gate.instances() == uids(*OLD, *NEW[:1])
            assert len(gate.said) == 1


def test_a_frozen_orthanc_leaves_the_index_as_it_is_and_the_feed_behind(tmp_path: Path) -> None:
    further = {"timeout_seconds": 1, "max_staleness_seconds": 1}
    with (
        filled(tmp_path / "one", *OLD) as orthanc,
        fed(tmp_path / "gate", orthanc, policy=POLICY, further=further) as gate,
    ):
        gate.feed.poll()
        assert not gate.freshness.is_behind(gate.scope, gate.archive)
        orthanc.process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(ArchiveError):
                gate.feed.poll()
            time.sleep(1.1)
            assert gate.freshness.is_behind(gate.scope, gate.archive)
            assert gate.instances() == uids(*OLD)
        finally:
            orthanc.process.send_signal(signal.SIGCONT)
        gate.feed.poll()
        time.sleep(1.1)
        gate.feed.poll()
        assert not gate.freshness.is_behind(gate.scope, gate.archive)


class BrokenOffError(Exception):
    """Ends a crawl."""


def test_a_first_reading_that_is_broken_off_goes_on_where_it_was(tmp_path: Path) -> None:
    many = small_hospital(studies=8, series=5, instances=10)
    with filled(tmp_path / "one", *many) as orthanc, fed(tmp_path / "gate", orthanc, policy=POLICY) as gate:

        def interrupt(progress: SyncProgress) -> None:
            gate.crawled.append(progress)
            raise BrokenOffError

        gate.feed = gate.new_feed(crawl=interrupt)
        with pytest.raises(BrokenOffError):
            gate.feed.poll()
        assert 0 < len(gate.instances()) < len(many)
        orthanc.upload(NEW[0].data)
        gate.feed = gate.new_feed()
        gate.feed.poll()
        assert gate.instances() == uids(*many, NEW[0])
        assert gate.crawled[-1].done < len(many)
        assert len(gate.said) == 1


def test_nothing_is_missed_while_others_write_and_delete_as_fast_as_they_can(tmp_path: Path) -> None:
    with filled(tmp_path / "one", *OLD) as orthanc, fed(tmp_path / "gate", orthanc, policy=POLICY) as gate:
        gate.feed.poll()
        kept = []
        for number, one in enumerate(NEW):
            named = orthanc.upload(one.data)
            if number % 3 == 0:
                orthanc.request("DELETE", f"/instances/{named}")
            else:
                kept.append(one)
            if number % 7 == 0:
                gate.feed.poll()
        gate.settle()
        assert gate.instances() == uids(*OLD, *kept)
