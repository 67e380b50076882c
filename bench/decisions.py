"""One decision of a session that is under way, its first ones, and what it takes to bind it: 200 rules.

No door and no database: a session is a bound policy, a study row is its facts.
Studies are like those of a hospital: each department has its modalities and
stations, few are sensitive, few have a label.

Called by `__main__`; `python -m bench.decisions` runs it by itself.
"""

import json
import random
import time
from datetime import UTC, datetime
from functools import cache

from bench import peers
from bench.figures import Row, percentile
from bench.peers.question import Question
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Scalar, Subject, Values
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import bind
from pacsgate.policy.environment import environment_attributes, user_attributes
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import Scope

RULES = 200
PERMITS = 170
SUBJECTS = 50
STUDIES = 2_000
DECISIONS = 200_000
ASKED_OF_PEERS = 20_000
"""At most; slow engines are asked fewer."""
_ROLES = tuple(f"role{number}" for number in range(20))
_DEPARTMENTS = tuple(f"D{number}" for number in range(20))
_MODALITIES = ("CT", "MR", "US", "XA", "NM", "PT", "MG", "CR")
_STATIONS = tuple(f"STATION{number}" for number in range(30))
_ACTIONS = (Action.SEARCH, Action.VIEW, Action.RETRIEVE)
_NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
_PERMIT_ATOMS = (
    "study.department in user.departments",
    "study.modality_group == user.modality_group",
    "'{modality}' in study.modalities",
    "study.station == '{station}'",
    "env.network == 'internal'",
    "env.hour >= 7",
    "user.clearance >= {level}",
    "study.sensitivity <= {level}",
)
_FORBID_ATOMS = (
    "'VIP' in study.labels && user.clearance < 3",
    "study.sensitivity > user.clearance",
    "study.station == '{station}' && env.network != 'internal'",
    "'TEACHING-{level}' in study.labels",
)
"""What rules are made of; each permit is a conjunction of three to five atoms."""
_NOTHING: Values = frozenset()
_TELLING = ("department", "station", "sensitivity", "modality_group", "labels")
"""What makes one kind of study another, to these rules."""


def measure() -> list[Row]:
    """Binding, the first decision on each kind of study, all later ones, and the same by other engines."""
    chance = random.Random(20261121)
    policy = load_policy({"bench.yaml": _policy(chance)}, ())
    subjects = [_subject(chance, number) for number in range(SUBJECTS)]
    studies = [_facts(chance, number) for number in range(STUDIES)]
    bounds = [bind(policy, subject, _context(), ArchiveName("main"), ()) for subject in subjects]
    asked = [
        (chance.choice(bounds), chance.choice(_ACTIONS), chance.choice(studies)) for _ in range(DECISIONS)
    ]
    rows = [_binding(policy, subjects, studies[0]), _meeting(bounds, studies), _deciding(asked)]
    questions = [_question(*each) for each in asked[:ASKED_OF_PEERS]]
    return [*rows, *peers.measure(policy, questions, rows[-1].p50_ms * 1e3)]


def _binding(policy, subjects, facts) -> Row:
    took = []
    cpu = time.process_time()
    for subject in subjects:
        started = time.perf_counter_ns()
        bound = bind(policy, subject, _context(), ArchiveName("main"), ())
        bound.decide(Action.RETRIEVE, facts)
        took.append(time.perf_counter_ns() - started)
    cpu = time.process_time() - cpu
    return _row("bind a subject and decide once, 200 rules", took, cpu, {}, goal_us=None)


def _meeting(bounds, studies) -> Row:
    """Each session and action meets every distinct kind of study for the first time."""
    kinds = list({tuple(facts.study[name] for name in _TELLING): facts for facts in studies}.values())
    took = []
    cpu = time.process_time()
    for bound in bounds:
        for action in _ACTIONS:
            bound.could(action)
            for facts in kinds:
                started = time.perf_counter_ns()
                bound.decide(action, facts)
                took.append(time.perf_counter_ns() - started)
    cpu = time.process_time() - cpu
    return _row(
        "one decision, first of its kind in a session", took, cpu, {"kinds": len(kinds)}, goal_us=None
    )


def _question(bound, action, facts) -> Question:
    return Question(
        roles=bound.roles,
        action=action,
        attributes={
            Scope.STUDY: facts.study,
            Scope.USER: user_attributes(bound.subject),
            Scope.ENV: environment_attributes(bound.subject, bound.context, bound.policy),
        },
        allowed=isinstance(bound.decide(action, facts), Allow),
    )


def _deciding(asked) -> Row:
    took = []
    allowed = 0
    cpu = time.process_time()
    for bound, action, facts in asked:
        started = time.perf_counter_ns()
        decision = bound.decide(action, facts)
        took.append(time.perf_counter_ns() - started)
        allowed += isinstance(decision, Allow)
    cpu = time.process_time() - cpu
    return _row(
        "one decision with reasons, 200 rules",
        took,
        cpu,
        {"allowed": f"{allowed / DECISIONS:.0%}"},
        goal_us=(1.4, 5.0),
    )


def _row(
    work: str,
    took: list[int],
    cpu: float,
    notes: dict[str, float | str],
    *,
    goal_us: tuple[float, float] | None,
) -> Row:
    p50, p99 = percentile(took, 0.5) / 1e3, percentile(took, 0.99) / 1e3
    return Row(
        work=work,
        rate=round(len(took) / (sum(took) / 1e9)),
        unit="decisions",
        p50_ms=round(p50 / 1e3, 6),
        p99_ms=round(p99 / 1e3, 6),
        cpu_seconds={"bench": round(cpu, 2)},
        command="python -m bench.decisions",
        goal="" if goal_us is None else f"p50 {goal_us[0]} µs, p99 {goal_us[1]} µs",
        reached=None if goal_us is None else p50 <= goal_us[0] and p99 <= goal_us[1],
        notes={"made": len(took), **notes},
    )


def _context() -> Context:
    return Context(_NOW, "bench", "10.0.0.7", "internal")


def _policy(chance: random.Random) -> str:
    lines = [
        "version: 1",
        "attributes:",
        "  study.department: {type: string, from: InstitutionalDepartmentName}",
        "  study.station: {type: string, from: StationName}",
        "  study.sensitivity: {type: number, from: SeriesNumber}",
        "  study.modality_group: {type: string, from: StudyID}",
        "  user.departments: {type: set}",
        "  user.modality_group: {type: string}",
        "  user.clearance: {type: number}",
        "roles:",
        *(f"  {role}: {{may: [search, view, retrieve]}}" for role in _ROLES),
        "rules:",
    ]
    for number in range(PERMITS):
        when = " && ".join(_atom(chance, text) for text in chance.sample(_PERMIT_ATOMS, chance.randint(3, 5)))
        roles = ", ".join(sorted(chance.sample(_ROLES, 2)))
        lines += [
            f"  - id: permit-{number}",
            "    effect: permit",
            f"    roles: [{roles}]",
            f'    when: "{when}"',
        ]
    for number in range(RULES - PERMITS):
        when = _atom(chance, chance.choice(_FORBID_ATOMS))
        lines += [f"  - id: forbid-{number}", "    effect: forbid", f'    when: "{when}"']
        if chance.random() < 0.7:
            lines.append(f"    roles: [{', '.join(sorted(chance.sample(_ROLES, 4)))}]")
    return "\n".join(lines) + "\n"


def _atom(chance: random.Random, text: str) -> str:
    return text.format(
        modality=chance.choice(_MODALITIES),
        station=chance.choice(_STATIONS),
        level=chance.randint(1, 4),
    )


def _subject(chance: random.Random, number: int) -> Subject:
    return Subject(
        DEFAULT_TENANT,
        f"user{number}",
        assignments=tuple(Assignment(role) for role in chance.sample(_ROLES, chance.randint(1, 3))),
        attributes={
            "departments": frozenset(chance.sample(_DEPARTMENTS, 2)),
            "modality_group": frozenset({chance.choice(_MODALITIES)}),
            "clearance": frozenset({chance.randint(1, 4)}),
        },
    )


def _facts(chance: random.Random, number: int) -> ResourceFacts:
    department = chance.randrange(len(_DEPARTMENTS))
    modality = _MODALITIES[(department + chance.randrange(3)) % len(_MODALITIES)]
    study = {
        "uid": frozenset({f"1.2.3.{number}"}),
        "patient_id": frozenset({f"P{number}"}),
        "department": _held(_DEPARTMENTS[department]),
        "station": _held(_STATIONS[(department * 2 + chance.randrange(2)) % len(_STATIONS)]),
        "sensitivity": _held(chance.randint(2, 4) if chance.random() < 0.1 else 1),
        "modality_group": _held(modality),
        "modalities": _held(modality),
        "labels": _held("VIP") if chance.random() < 0.02 else _NOTHING,
    }
    return ResourceFacts(study, {"uid": frozenset({f"1.2.3.{number}.1"}), "modality": _held(modality)})


@cache
def _held(value: Scalar) -> Values:
    """The same object for the same value, as the index reads it once for all studies of a class."""
    return frozenset({value})


if __name__ == "__main__":
    for row in measure():
        print(json.dumps(row.__dict__, indent=1))
