"""A walk along the table of Orthanc's operations: each asked by one persona about what is hers, foreign, mixed and missing.

What must come out follows from three things: what the row needs, what the persona can ever do, and which series she
sees.  The rows come from the table; the rest is written here by hand.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

import requests

from pacsgate.cli.demo.hospital import part10
from pacsgate.cli.desk import open_desk
from pacsgate.model.actions import Action
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.routes import Handler, Route
from pacsgate.protocols.orthanc.table import ROUTES
from tests.personas import Expected, hidden_series, oracle
from tests.support.canaries import Canary
from tests.support.guarded_orthanc import FurnishedOrthanc, GuardedOrthanc
from tests.support.orthanc_ids import ids_of

MISSING = "missing"
KEEPER = "keeper1"
KEEPER_MAY = frozenset(
    {Action.SEARCH, Action.VIEW, Action.RETRIEVE, Action.EXPORT, Action.UPDATE, Action.DELETE}
)
PASSWORD = "correct horse battery staple"
KEEPERS_POLICY = """\
roles:
  keeper: {may: [search, view, retrieve, export, update, delete], owner: chief1}
rules:
  - {id: keepers-keep-tomograms, effect: permit, roles: [keeper], when: series.modality == 'CT'}
assignments: [{users: [keeper1], roles: [keeper]}]
version: 1
"""
"""Somebody who may do much to a part of the hospital: S1 whole, the tomograms of S5 and S9, nothing of the others."""
_EVERY_PART = frozenset({Action.UPDATE, Action.DELETE, Action.SHARE})
"""Actions that need every part of what they are done to (design 2.8)."""
_CHANGES_NOTHING = {Handler.FIND, Handler.LOOKUP, Handler.COUNT, Handler.BULK_CONTENT, Handler.ARCHIVE}
_VARYING = {"date", "x-request-id"}
REFUSED = {401, 403, 404}

_NAMES = {
    "{frame}": "0",
    "{label}": "seen",
    "{tags*}": "0010-0010",
    "{partner}": "other",
    "{job}": "3d8f2c0e-7d1f-4b55-8c51-2f0b1b7d9a10",
    "{query}": "3d8f2c0e-7d1f-4b55-8c51-2f0b1b7d9a11",
    "{commitment}": "2.25.99",
    "{index}": "0",
    "{plugin}": "dicom-web",
    "{file*}": "explorer.html",
    "{key}": "archive",
    "{entry}": "somebody",
}


class State(StrEnum):
    """How much of a resource a persona sees."""

    OWN = "own"
    MIXED = "mixed"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Target:
    """What a request names; `study` may be `MISSING`."""

    study: str
    series: int = 1


@dataclass(slots=True)
class Walk:
    """One persona on her way along the table."""

    guarded: GuardedOrthanc
    persona: str
    password: str | None = None
    wrong: dict[str, list[Target]] = field(default_factory=dict)
    """What came out otherwise, with the targets at which it did."""
    constant: set[tuple[Any, ...]] = field(default_factory=set)
    answered: dict[str, int] = field(default_factory=dict)

    def along(self, routes: tuple[Route, ...], targets: tuple[Target, ...]) -> None:
        """Ask every row about every target that makes a difference."""
        for route in routes:
            chosen = targets if names_something(route) else targets[:1]
            if self._never(route):  # whatever it names: two are enough to see that
                chosen = (chosen[0], chosen[-1])
            for target in dict.fromkeys(chosen):
                self._ask(route, target)

    def summary(self) -> Iterator[str]:
        """A line for each row and way in which it is wrong."""
        for what, targets in self.wrong.items():
            named = ", ".join(f"{each.study}/{each.series}" for each in targets)
            yield f"{self.persona} {what} for {named}"

    def _note(self, what: str, target: Target) -> None:
        self.wrong.setdefault(what, []).append(target)

    def _ask(self, route: Route, target: Target) -> None:
        expected = self.expected(route, target)
        if expected is None and route.method != "GET" and route.handler not in _CHANGES_NOTHING:
            return  # it would be carried out
        path, body = request_of(self.guarded, route, target)
        client = self.guarded.client(self.persona, self.password)
        answer = client.request(route.method, path, **body)
        where = f"{route.method} {route.template}"
        self.answered[str(expected)] = self.answered.get(str(expected), 0) + 1
        if expected is None:
            self._compare(answer, route, path, target)
        elif answer.status_code != expected:
            self._note(f"{where}: {answer.status_code} instead of {expected}: {answer.text[:60]!r}", target)
        if expected == 404 and answer.status_code == 404:
            headers = tuple(
                (name, value) for name, value in answer.raw.headers.items() if name.lower() not in _VARYING
            )
            self.constant.add((headers, answer.content))

    def _compare(self, answer: requests.Response, route: Route, path: str, target: Target) -> None:
        """Whether what is allowed goes as it goes at Orthanc itself."""
        where = f"{route.method} {route.template}"
        if route.method != "GET" or route.since != "1.10" or _is_personal(route):
            good = answer.status_code not in {401, 403} and answer.status_code < 500
        else:
            there = requests.get(
                self.guarded.orthanc.url + path,
                auth=self.guarded.orthanc.credentials,
                timeout=30,
                allow_redirects=False,
            )
            good = (answer.status_code < 400) == (there.status_code < 400)
            good &= (answer.status_code < 500) or there.status_code >= 500
            where = f"{where} ({there.status_code} there)"
        if not good:
            self._note(f"{where}: {answer.status_code}: {answer.text[:60]!r}", target)

    def expected(self, route: Route, target: Target) -> int | None:
        """The refusal that must come out, or `None` where the request is carried out."""
        needs = route.needs
        if self._never(route):
            return 403
        if not names_something(route) or not needs.actions:
            return None
        state = self.state(target, route.level or Level.STUDY)
        if state is State.FOREIGN:
            return 404
        of_the_whole = route.handler is Handler.PROTECTION or bool(needs.actions & _EVERY_PART)
        return 403 if state is State.MIXED and of_the_whole else None

    def _never(self, route: Route) -> bool:
        """Whether the persona could never do what the row needs.  Nobody here has a permission on the server."""
        can, needs = may(self.persona), route.needs
        if route.handler is Handler.DENIED or not (needs.actions or needs.any_of):
            return True
        return not needs.actions <= can or (bool(needs.any_of) and not needs.any_of & can)

    def state(self, target: Target, level: Level) -> State:
        """How much the persona sees of what is named."""
        if target.study == MISSING:
            return State.FOREIGN
        parts = set(_parts(self.guarded, target, level))
        seen = {part for part in parts if sees(self.guarded, self.persona, *part)}
        return State.OWN if seen == parts else State.MIXED if seen else State.FOREIGN


_oracle = cache(oracle)
_hidden_series = cache(hidden_series)


@cache
def may(persona: str) -> frozenset[Action]:
    """What a persona can ever do in this archive, whose studies nobody stored through the gate."""
    if persona == KEEPER:
        return KEEPER_MAY
    return frozenset(
        action
        for action in Action
        if any(
            cell is not Expected.NEVER
            for (somebody, asked, _), cell in _oracle().items()
            if (somebody, asked) == (persona, action.value)
        )
    )


def sees(guarded: GuardedOrthanc, persona: str, study: str, series: int) -> bool:
    """Whether the persona finds this series."""
    if persona == KEEPER:
        return (
            study in {"S1", "S5", "S9"}
            and guarded.hospital.studies[study].series[series - 1].modality == "CT"
        )
    if persona in {"tech1", "CT1"}:
        return False  # who stored a study that was found in an archive is not known
    cell = _oracle().get((persona, "search", study))
    return cell is Expected.ALLOW and (persona, study, series) not in _hidden_series()


def hire_keeper(furnished: FurnishedOrthanc) -> None:
    """Put the keeper's role beside the demo's policy, and make her account."""
    config = furnished.gate.config
    policy = config.parent / "policy"
    policy.mkdir()
    (config.parent / "policy.yaml").rename(policy / "demo.yaml")
    (policy / "keepers.yaml").write_text(KEEPERS_POLICY, "utf-8")
    config.write_text(config.read_text("utf-8").replace("policy: policy.yaml", "policy: policy"), "utf-8")
    with open_desk(config) as desk:
        desk.users.add(desk.change(), KEEPER, password=PASSWORD)


def keepers_canaries(guarded: GuardedOrthanc) -> None:
    """Tell the recorder what the keeper may see: the oracle does not know her."""
    recorder = guarded.hospital.recorder
    others = recorder.may_see

    def may_see(persona: str, canary: Canary) -> bool:
        if persona != KEEPER:
            return others(persona, canary)
        study, _, series = canary.part.partition("/")
        numbers = [int(series)] if series else range(1, len(guarded.hospital.studies[study].series) + 1)
        return any(sees(guarded, KEEPER, study, number) for number in numbers)

    recorder.may_see = may_see


def _parts(guarded: GuardedOrthanc, target: Target, level: Level) -> Iterator[tuple[str, int]]:
    """Every series that a resource holds or belongs to."""
    if level in {Level.SERIES, Level.INSTANCE}:
        yield target.study, target.series
        return
    patient = guarded.patient(target.study)
    for name, study in guarded.hospital.studies.items():
        if name == target.study or (level is Level.PATIENT and guarded.patient(name) == patient):
            yield from ((name, number) for number in range(1, len(study.series) + 1))


def names_something(route: Route) -> bool:
    """Whether a request of this row names a patient, study, series or instance, in its path or its body."""
    return "{id}" in route.template or route.handler in {
        Handler.ARCHIVE,
        Handler.BULK_CONTENT,
        Handler.BULK_DELETE,
        Handler.BULK_MODIFY,
        Handler.SEND,
    }


def _is_personal(route: Route) -> bool:
    """Whether the answer depends on who asks in a way that Orthanc itself does not know."""
    return (
        route.handler in {Handler.JOB, Handler.QUERY, Handler.COMMITMENT, Handler.PARTNERS}
        or "/ui/" in route.template
    )


def request_of(guarded: GuardedOrthanc, route: Route, target: Target) -> tuple[str, dict[str, Any]]:
    """The path of a request and its body, as keywords of `requests`."""
    named = _identifier(guarded, target, route.level or Level.STUDY)
    path = route.template.replace("{id}", named)
    for variable, value in _NAMES.items():
        path = path.replace(variable, value)
    path = path.replace("{name}", "dicom" if "/attachments/" in path else _metadata(route.level))
    if route.method == "GET":
        return path, {"params": {"resources": named}} if "{id}" not in route.template and names_something(
            route
        ) else {}
    if route.method == "DELETE":
        return path, {}
    return path, _body(guarded, route, target)


def _metadata(level: Level | None) -> str:
    return "TransferSyntax" if level is Level.INSTANCE else "LastUpdate"


def _body(guarded: GuardedOrthanc, route: Route, target: Target) -> dict[str, Any]:
    study = _identifier(guarded, target, Level.STUDY)
    series = _identifier(guarded, target, Level.SERIES)
    last = route.template.rpartition("/")[2]
    bodies: Mapping[str, object] = {
        "create-archive": [study],
        "create-media": [study],
        "create-media-extended": [study],
        "bulk-content": {"Resources": [study]},
        "bulk-delete": {"Resources": [study]},
        "bulk-modify": {"Resources": [study], "Level": "Study", "Replace": {"StudyDescription": "X"}},
        "bulk-anonymize": {"Resources": [study]},
        "store": [study],
        "stow": {"Resources": [study]},
        "storage-commitment": {"Resources": [study]},
        "modify": {"Replace": {"StudyDescription": "X"}},
        "merge": {"Resources": [series]},
        "split": {"Series": [series]},
        "find": {"Level": "Study", "Query": {}},
        "count-resources": {"Level": "Study", "Query": {}},
    }
    if last == "lookup":
        return {"data": guarded.hospital.studies["S2"].study_instance_uid}
    if route.method == "PUT":
        return {"data": b"1"}
    if last in {"instances", "store-straight"} and target.study != MISSING:
        return {"data": part10(guarded.hospital.objects[target.study][0])}
    return {"json": bodies.get(last, {})}


def _identifier(guarded: GuardedOrthanc, target: Target, level: Level) -> str:
    if target.study == MISSING:
        return f"0badbad0-{level.value.encode().hex()[:8]}-00000000-00000000-00000000"
    uid = guarded.hospital.studies[target.study].series_instance_uid(target.series)
    made = next(each for each in guarded.hospital.objects[target.study] if each.SeriesInstanceUID == uid)
    return ids_of(made)[list(Level).index(level)]


def rows() -> tuple[Route, ...]:
    """Every row that Debian's Orthanc has."""
    return tuple(route for route in ROUTES if route.since in {"1.10", "DICOMweb 1.7"})


def picture_of(orthanc: Any) -> dict[str, object]:
    """What an Orthanc holds, to be compared before and after."""
    statistics = orthanc.request("GET", "/statistics").json()
    held = {level: sorted(orthanc.request("GET", f"/{level}").json()) for level in ("patients", "instances")}
    metadata = [
        orthanc.request("GET", f"/studies/{study}").json()["LastUpdate"]
        for study in sorted(orthanc.request("GET", "/studies").json())
    ]
    return {
        "statistics": statistics,
        "held": held,
        "updates": metadata,
        "modalities": orthanc.request("GET", "/modalities").json(),
    }
