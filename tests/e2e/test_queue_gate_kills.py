"""A real gate that is killed again and again, asked by one client and emptied by one agent, over HTTP.

What it accepted is done once, in order, and its result is there.  `make soak` kills more often.
"""

import json
import random
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.test_record_survives_kill import kill
from tests.personas import new_hospital
from tests.support.hospital import RunningHospital, furnish, serving
from tests.support.queue_actors import PEOPLE
from tests.support.queue_desk import DOORS
from tests.support.small_hospital import some_studies

PLACE = "api/v1/tenants/default/pacs/doors"


class Requester(threading.Thread):
    """Asks for one thing after the other at a gate that comes and goes, each under its own name."""

    def __init__(self, token: str) -> None:
        super().__init__(daemon=True)
        self.token = token
        self.url = ""
        self.accepted: dict[int, str] = {}
        self.stopped = threading.Event()

    def run(self) -> None:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.token}"
        while not self.stopped.is_set():
            number = len(self.accepted)
            with suppress(requests.RequestException):
                answer = session.put(
                    f"{self.url}/{PLACE}/identities/p{number % PEOPLE}",
                    json={"identityId": f"p{number % PEOPLE}", "name": f"Person {number}"},
                    headers={"Idempotency-Key": f"k{number}"},
                    timeout=10,
                )
                assert answer.status_code == 202, answer.text
                self.accepted[number] = answer.headers["Location"].rpartition("/")[2]
            time.sleep(0.02)

    def results(self) -> dict[int, Any]:
        """What is told of all that was accepted."""
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.token}"
        told = {}
        for number, message_id in self.accepted.items():
            answer = session.get(f"{self.url}/{PLACE}/results/{message_id}", timeout=30)
            assert answer.status_code == 200, answer.text
            told[number] = answer.json()
        return told


class ScriptedAgent(threading.Thread):
    """Carries out at a gate that comes and goes; what it has done it remembers by the message's id."""

    def __init__(self, token: str) -> None:
        super().__init__(daemon=True)
        self.token = token
        self.url = ""
        self.done: dict[str, tuple[str, str]] = {}
        self.came = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.token}"
        while not self.stopped.is_set():
            try:
                self._one(session)
            except requests.RequestException:
                time.sleep(0.05)

    def _one(self, session: requests.Session) -> None:
        messages = f"{self.url}/{PLACE}/agent/messages"
        answer = session.get(messages, timeout=10, allow_redirects=False)
        if answer.status_code != 200:
            assert answer.status_code == 307, answer.text
            return
        message = answer.json()
        self.came += 1
        self.done.setdefault(message["messageId"], (message["ids"]["identity"], message["body"]["name"]))
        said = {"lease": message["lease"], "status": 200, "body": message["body"]}
        told = session.post(f"{messages}/{message['messageId']}/response", json=said, timeout=10)
        assert told.status_code in {204, 409}, told.text


@pytest.mark.long
@pytest.mark.timeout(36_000)
def test_a_real_gate_that_is_killed_loses_and_doubles_nothing(tmp_path: Path, kills: int) -> None:
    made = furnish(tmp_path / "gate", made=some_studies("S1"))
    settings = made.config.read_text("utf-8") + "queue: {wait: 2 s, lease: 1 s, attempts: 100}\n"
    made.config.write_text(settings, "utf-8")
    rounds = max(3, kills // 10)
    requester: Requester | None = None
    agent: ScriptedAgent | None = None
    for number in range(rounds + 1):
        with serving(made.config) as (url, process, log):
            if requester is None or agent is None:
                hospital = RunningHospital(
                    url, made.config, {}, {}, {}, new_hospital().recorder, log, process
                )
                requester, agent = _clients(hospital)
            requester.url = agent.url = url
            if number == 0:
                requester.start()
                agent.start()
            if number < rounds:
                time.sleep(random.uniform(0.3, 1.5))  # noqa: S311 - nobody guesses here
                kill(RunningHospital(url, made.config, {}, {}, {}, new_hospital().recorder, log, process))
                continue
            requester.stopped.set()
            requester.join()
            told = requester.results()
            agent.stopped.set()
            agent.join()
    assert requester is not None
    assert agent is not None
    assert len(requester.accepted) == len(set(requester.accepted.values())) > rounds
    assert {number: body["name"] for number, body in told.items()} == {
        number: f"Person {number}" for number in requester.accepted
    }
    names = [name for _, name in agent.done.values()]
    assert len(names) == len(set(names))
    for person in range(PEOPLE):
        numbers = [int(name.split()[1]) for whose, name in agent.done.values() if whose == f"p{person}"]
        assert numbers == sorted(numbers)
    again = agent.came - len(agent.done)
    print(
        f"a gate killed {rounds} times: {len(told)} operations accepted, each done once; {again} came again"
    )


def _clients(hospital: RunningHospital) -> tuple[Requester, ScriptedAgent]:
    for command in (
        ("pacs", "register", DOORS, "--agent", "door-agent", "--kind", "doors"),
        ("user", "add", "clerk", "--no-password", "--role", "TenantAdministrator"),
    ):
        done = hospital.cli(*command)
        assert done.returncode == 0, done.stderr
    tokens = [
        str(json.loads(hospital.cli("token", "issue", who, "--label", "t", "--json").stdout)["token"])
        for who in ("clerk", "door-agent")
    ]
    return Requester(tokens[0]), ScriptedAgent(tokens[1])
