"""One cheap request by each kind of credential: remembered ones by how many a second, new ones by how long.

The request is a search for one study by its UID, decided and on disk in the record like any other.
Once a credential is remembered no kind may cost much more than the gate's own API token, and nobody
may be asked about it over the network: what the gate sends to the provider and the directory is counted.

Called by `__main__`.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from bench.asking import Asker, Candidate, Question, Seen, family
from bench.credentials_stage import CredentialsStage, Presented, set_up
from bench.figures import Row, percentile
from bench.images import studies

CONNECTIONS = 8
ROUNDS = 2
FIRST_USES = 5
SECONDS, QUICK_SECONDS = 1.4, 0.8
WARM_UP_SECONDS = 0.3
_GOAL = 0.5
_TOKEN = "API token"
_SEARCH = f"/dicom-web/studies?StudyInstanceUID={studies()[0].study_instance_uid}"
_ACCEPT = {"Accept": "application/dicom+json"}


@dataclass(frozen=True)
class _FirstUses:
    """Of five new credentials of a kind: the first request with each, and the next on the same connection."""

    first_ms: Sequence[float]
    next_ms: Sequence[float]
    messages: int


def measure(directory: Path, plans: Path, *, quick: bool) -> list[Row]:
    """A row for each kind, and one for what the network was asked meanwhile."""
    seconds = (QUICK_SECONDS if quick else SECONDS) / ROUNDS
    asker = Asker(plans, seconds, rounds=1, warm_up_seconds=WARM_UP_SECONDS)
    with set_up(directory, FIRST_USES + 1 + ROUNDS) as stage:
        uses = {kind: _used_first(stage, shown) for kind, shown in stage.presented.items()}
        seen: dict[str, Seen] = {}
        for number in range(FIRST_USES + 1, FIRST_USES + 1 + ROUNDS):
            for kind, shown in stage.presented.items():
                found = _asked_again_and_again(stage, asker, kind, shown[number])
                seen.setdefault(kind, Seen(found.command)).merge(found)
        outside = _asked_outside(stage, seen, uses)
    return [*(_row(kind, each, seen[_TOKEN], uses[kind]) for kind, each in seen.items()), outside]


def _asked_again_and_again(stage: CredentialsStage, asker: Asker, kind: str, shown: Presented) -> Seen:
    """A round with a credential that is new in this round: what the gate remembers of it is seconds old."""
    make_remembered(stage, shown)
    (seen,) = asker.compare([_candidate(stage, kind, shown)], connections=CONNECTIONS)
    return seen


def make_remembered(stage: CredentialsStage, shown: Presented) -> None:
    """Ask once."""
    connection = stage.connected(shown)
    timed_ms(connection, shown)
    connection.close()


def _candidate(stage: CredentialsStage, kind: str, shown: Presented) -> Candidate:
    words = "".join(letter if letter.isalnum() else " " for letter in kind.lower()).split()
    return Candidate(
        f"credentials-{'-'.join(words)}",
        stage.http_port if shown.tls is None else stage.https_port,
        [Question(_SEARCH, {**_ACCEPT, **shown.headers})],
        {"gate": family(stage.gate)},
        tls=shown.tls,
    )


def _used_first(stage: CredentialsStage, shown: Sequence[Presented]) -> _FirstUses:
    """Five first uses, after one that finds the gate cold: keys to fetch, policies to bind."""
    make_remembered(stage, shown[0])
    began = time.perf_counter()
    pairs = [_first_and_next_ms(stage, each) for each in shown[1 : 1 + FIRST_USES]]
    return _FirstUses(
        [first for first, _ in pairs],
        [after for _, after in pairs],
        stage.messages([(began, time.perf_counter())]),
    )


def _first_and_next_ms(stage: CredentialsStage, shown: Presented) -> tuple[float, float]:
    """On one connection, and so at one worker."""
    connection = stage.connected(shown)
    try:
        return timed_ms(connection, shown), timed_ms(connection, shown)
    finally:
        connection.close()


def timed_ms(connection: HTTPConnection, shown: Presented) -> float:
    """The time of one request.  Raises `RuntimeError` unless it is answered."""
    began = time.perf_counter()
    connection.request("GET", _SEARCH, headers={**_ACCEPT, **shown.headers})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"a credential is refused: {answer.status} {body.decode('utf-8', 'replace')}")
    return (time.perf_counter() - began) * 1e3


def _row(kind: str, seen: Seen, token: Seen, uses: _FirstUses) -> Row:
    ratio = (seen.requests / seen.seconds) / (token.requests / token.seconds)
    return Row(
        work=f"{kind}, remembered",
        rate=round(seen.requests / seen.seconds, 1),
        unit="requests",
        p50_ms=percentile(seen.latencies_ms, 0.5),
        p99_ms=percentile(seen.latencies_ms, 0.99),
        cpu_seconds=dict(seen.cpu_seconds),
        command=seen.command,
        goal=f"at least {_GOAL:g} x the API token",
        reached=ratio >= _GOAL,
        ratio=round(ratio, 2),
        notes={
            "CPU of the gate per request, ms": round(seen.cpu_seconds["gate"] * 1e3 / seen.requests, 2),
            "first use, ms": round(median(uses.first_ms), 2),
            "slowest first use, ms": round(max(uses.first_ms), 2),
            "next use, ms": round(median(uses.next_ms), 2),
            "messages to its source at first use": uses.messages,
        },
    )


def _asked_outside(stage: CredentialsStage, seen: Mapping[str, Seen], uses: Mapping[str, _FirstUses]) -> Row:
    asked = {kind: stage.messages(each.spans) for kind, each in seen.items()}
    seconds = sum(each.seconds for each in seen.values())
    return Row(
        work="messages to provider and directory while all of these were measured",
        rate=round(sum(asked.values()) / seconds, 2),
        unit="messages",
        p50_ms=0.0,
        p99_ms=0.0,
        cpu_seconds={},
        command="python -m bench --only credentials",
        goal="none",
        reached=not any(asked.values()),
        notes={
            "measured": sum(asked.values()),
            "at first use": sum(each.messages for each in uses.values()),
        },
    )
