"""A gate that submits and an agent that carries out, as processes on one database, made to be killed.

Each keeps a diary: a file to which a line is added, and synced, for each thing that it was told or has done.
What is in a diary has happened; what a killed process did and did not write down, nobody knows but the queue.

Called by `test_queue_kills` and nothing else; each function is the whole of a process.
"""

import os
import time
from datetime import timedelta
from pathlib import Path

from pacsgate.bootstrap.clock import SystemClock
from pacsgate.model.errors import ConflictError
from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.services.pacs_queue.rules import QueueRules
from tests.support.databases import opened
from tests.support.queue_desk import AGENT, DOORS, Desk

RULES = QueueRules(lease=timedelta(seconds=0.05), pause=timedelta(microseconds=1), attempts=1_000_000)
PEOPLE = 5


class Diary:
    """Lines that survive their writer."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, line: str) -> None:
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, line.encode() + b"\n")
        os.fsync(file)
        os.close(file)

    def read(self) -> list[str]:
        return self.path.read_text("utf-8").splitlines() if self.path.exists() else []


def submit_forever(url: str, diary: Path) -> None:
    """Ask for one thing after the other, each under its own name, and note which message it became."""
    told = Diary(diary)
    with opened(url) as database:
        desk = Desk(database, rules=RULES, clock=SystemClock())
        number = len(told.read())
        while True:
            message = desk.asked(identity=f"p{number % PEOPLE}", key=f"k{number}", body={"number": number})
            told.write(f"{number} {message}")
            number += 1
            time.sleep(0.005)


def carry_out_forever(url: str, diary: Path) -> None:
    """Take, do what was not done before, answer."""
    done = Diary(diary)
    known = {line.split()[0] for line in done.read()}
    with opened(url) as database:
        desk = Desk(database, rules=RULES, clock=SystemClock())
        while True:
            message = desk.taken()
            if message is None or message.lease is None:
                time.sleep(0.002)
                continue
            command = message.command
            if command.message_id not in known:
                done.write(f"{command.message_id} {message.entity} {command.body['number']}")
                known.add(command.message_id)
            try:
                desk.hand_over.answer(
                    desk.scope,
                    DOORS,
                    AGENT,
                    command.message_id,
                    message.lease.token,
                    Outcome(200, command.body),
                )
            except ConflictError:
                continue  # it took longer than the lease: it comes again
