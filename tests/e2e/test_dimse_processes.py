"""Several processes at one DICOM port: what is said of associations is said of all of them together.

Which process takes a connection is left to the system; a process that is stopped takes none.
"""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil
import pytest

from tests.support.dimse import DICOM_SETTINGS, Dicom, dicom_doors, with_dicom
from tests.support.dimse_wire import Wire, associate_rq, identity_item, rejection, wire
from tests.support.hospital import FurnishedHospital, RunningHospital, furnish, opened
from tests.support.small_hospital import some_studies
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long
PERSONA = "chief1"
LIMIT = (2, 3, 2)
"""Local limit exceeded, for the moment (PS3.8 table 9-21)."""
ABORT = b"\x07"
SECONDS = 2.0
SETTINGS = DICOM_SETTINGS + "  processes: 2\n  associations_per_subject: 3\n"


@dataclass(frozen=True)
class Door:
    """A DICOM door, and the two processes behind it."""

    hospital: RunningHospital
    dicom: Dicom

    def processes(self) -> list[psutil.Process]:
        """Those that listen there."""
        family = psutil.Process(self.hospital.process.pid).children(recursive=True)
        return [process for process in family if self._listens(process)]

    def _listens(self, process: psutil.Process) -> bool:
        return process.is_running() and any(
            connection.laddr.port == self.dicom.port and connection.status == psutil.CONN_LISTEN
            for connection in process.net_connections()
        )

    def held_by(self, process: psutil.Process) -> int:
        """How many associations a process has."""
        return sum(
            connection.laddr.port == self.dicom.port and connection.status == psutil.CONN_ESTABLISHED
            for connection in process.net_connections()
        )

    def request(self) -> bytes:
        secret = self.dicom.passwords[PERSONA].encode()
        return associate_rq("PACSGATE", user_items=identity_item(2, PERSONA.encode(), secret))

    def associated(self, stack: ExitStack) -> Wire:
        """An association that has shown that it is one."""
        peer = stack.enter_context(wire(self.dicom.port))
        peer.associate(self.request())
        assert peer.echo() == 0
        return peer

    def is_full(self) -> bool:
        """Whether the persona is refused another association."""
        with wire(self.dicom.port) as peer:
            peer.send(self.request())
            answer = peer.pdu()
        return answer[0] == 3 and rejection(answer) == LIMIT


@contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    """A process that does nothing, as if it were busy elsewhere."""
    process.send_signal(signal.SIGSTOP)
    # One of its threads carries the signal out; until that one has run, another may still accept.
    wait_until(lambda: process.status() == psutil.STATUS_STOPPED)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> FurnishedHospital:
    return furnish(tmp_path_factory.mktemp("processes") / "gate", made=some_studies("S1"))


@pytest.fixture
def door(furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    copied = furnished.copy_to(tmp_path_factory.mktemp("two") / "gate")
    with opened(with_dicom(copied, SETTINGS)) as running:
        yield Door(running, dicom_doors(running)[0])


def test_a_limit_and_a_lock_hold_for_all_processes_together(door: Door) -> None:
    one, other = door.processes()
    with ExitStack() as stack:
        with stopped(one):
            peers = [door.associated(stack), door.associated(stack)]
        with stopped(other):
            peers.append(door.associated(stack))
        assert (door.held_by(one), door.held_by(other)) == (1, 2)
        for process in (one, other):
            with stopped(process):
                assert door.is_full(), "whichever process is asked"
        assert door.hospital.cli("lock", PERSONA, "--reason", "laptop stolen").returncode == 0
        locked = time.monotonic()
        assert [peer.pdu()[:1] for peer in peers] == [ABORT] * 3
        assert time.monotonic() - locked < SECONDS


def test_a_process_that_is_killed_gives_its_places_back_and_takes_nobody_with_it(door: Door) -> None:
    one, other = door.processes()
    with ExitStack() as stack:
        with stopped(one):
            lost = [door.associated(stack), door.associated(stack)]
        with stopped(other):
            kept = door.associated(stack)
        assert door.is_full()
        other.kill()
        assert [peer.is_closed() for peer in lost] == [True, True]
        assert kept.echo() == 0
        for _ in lost:
            door.associated(stack)
        assert door.is_full()
        wait_until(lambda: len(door.processes()) == 2)
