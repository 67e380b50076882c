"""Who asks: subjects that see a given part of the world, bound by the engine to a policy of ordinary rules.

Which sites and departments make up one percent is worked out from the kinds that the index
reports, so a subject sees nearly that share, however large the world is.

Called by `measuring`.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.lists.loading import ARCHIVE, SCOPE, uid_of
from bench.lists.world import CLOSED_SITE, DEPARTMENTS, REFERRERS, SITES
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Subject
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.policy.policy import Policy
from pacsgate.ports import StudyIndex

GRANTS = 5_000
_SHARES = (0.0001, 0.001, 0.01, 0.1, 0.5)
_NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
_TRIES = 4_000
POLICY = """\
version: 1
attributes:
  study.site: {type: string, from: InstitutionName}
  study.institution: {type: string, from: InstitutionAddress}
  study.department: {type: string, from: InstitutionalDepartmentName}
  study.flags: {type: set, from: StudyDescription}
  study.referrer: {type: string, from: ReferringPhysicianName, values: many}
  user.sites: {type: set}
  user.departments: {type: set}
  user.clearance: {type: number}
roles:
  everything: {may: [search]}
  department: {may: [search]}
  teacher: {may: [search]}
  referrer: {may: [search]}
  guest: {may: [search]}
  without-reports: {may: [search]}
rules:
  - {id: all-studies, effect: permit, roles: [everything]}
  - id: own-departments
    effect: permit
    roles: [department]
    when: study.site in user.sites && study.department in user.departments
  - {id: teaching-files, effect: permit, roles: [teacher], when: "'teaching' in study.flags"}
  - {id: own-patients, effect: permit, roles: [referrer], when: study.referrer == user.name}
  - {id: no-reports, effect: forbid, roles: [without-reports], when: series.modality == 'SR'}
  - id: confidential
    effect: forbid
    when: "'confidential' in study.flags && user.clearance < 2"
  - id: very-important-people
    effect: forbid
    when: "'vip' in study.flags && user.clearance < 3"
"""


@dataclass(frozen=True, slots=True)
class Seer:
    """A subject, in words, and what is left of the policy for it."""

    name: str
    bound: Bound
    constraint: Constraint


def seers(index: StudyIndex, studies: int) -> Iterator[Seer]:
    """Everybody whose lists are measured."""
    policy = load_policy({"bench.yaml": POLICY}, ())
    cells = _cells(index)
    for share in _SHARES:
        sites, departments = _nearest(cells, share * studies)
        yield _seer(policy, f"{share:.2%}", "department", sites=sites, departments=departments)
    yield _seer(policy, "100.00%", "everything")
    yield _seer(policy, "all old", "department", sites={CLOSED_SITE}, departments=set(DEPARTMENTS))
    yield _seer(policy, "scattered", "teacher")
    yield _seer(policy, "own patients only", "referrer", name=f"referrer{REFERRERS // 3:05}")
    yield _seer(policy, f"{GRANTS:,} grants", "guest", grants=tuple(_grants(studies)))
    sites, departments = _nearest(cells, studies / 2)
    yield _seer(
        policy,
        "50% without their reports",
        "department",
        "without-reports",
        sites=sites,
        departments=departments,
    )


def _seer(
    policy: Policy,
    title: str,
    *roles: str,
    name: str = "bench",
    sites: set[str] | None = None,
    departments: set[str] | None = None,
    grants: tuple[Grant, ...] = (),
) -> Seer:
    subject = a_subject(name, roles, sites or set(), departments or set())
    bound = bind(policy, subject, Context(now=_NOW, request_id="bench"), ARCHIVE, grants)
    constraint = bound.constraint(Action.SEARCH)
    if not isinstance(constraint, Constraint):
        raise TypeError(f"`{title}` may not search")
    return Seer(title, bound, constraint)


def a_subject(name: str, roles: tuple[str, ...], sites: set[str], departments: set[str]) -> Subject:
    """Somebody of clearance 2, who works there."""
    return Subject(
        tenant=DEFAULT_TENANT,
        name=name,
        assignments=tuple(Assignment(role) for role in roles),
        attributes={
            "sites": frozenset(sites),
            "departments": frozenset(departments),
            "clearance": frozenset({2}),
        },
    )


def _grants(studies: int) -> Iterator[Grant]:
    for number in range(1, studies + 1, max(1, studies // GRANTS)):
        yield Grant(
            f"grant{number}",
            GranteeKind.USER,
            "bench",
            GrantTarget.STUDY,
            uid_of(number),
            frozenset({Action.SEARCH}),
            "bench",
            _NOW,
        )


def _cells(index: StudyIndex) -> Counter[tuple[str, str]]:
    """How many studies there are of each site and department."""
    cells: Counter[tuple[str, str]] = Counter()
    for kind in index.kinds(SCOPE, ARCHIVE):
        (site,), (department,) = kind.study["site"], kind.study["department"]
        cells[str(site), str(department)] += kind.studies
    return cells


def _nearest(cells: Counter[tuple[str, str]], wanted: float) -> tuple[set[str], set[str]]:
    """Sites and departments that hold nearly that many studies."""
    chance = random.Random(17)
    best: tuple[float, set[str], set[str]] = (float("inf"), set(), set())
    for _ in range(_TRIES):
        sites = set(chance.sample(SITES, chance.randint(1, len(SITES))))
        departments = set(chance.sample(DEPARTMENTS, chance.randint(1, len(DEPARTMENTS))))
        held = sum(cells[site, department] for site in sites for department in departments)
        best = min(best, (abs(held - wanted), sites, departments), key=lambda one: one[0])
    return best[1], best[2]
