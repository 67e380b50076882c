"""A list of everybody whom a source knows, compared with the accounts that the source keeps here.

First a plan, which changes nothing and can be looked at; then, if it is no more than people coming and
going, the changes.  A list that was cut short looks like many people leaving at once, so a plan in which
too many leave is carried out only by somebody who says that it is meant.

Called by `pacsgate user sync`, `pacsgate report drift` and the nightly synchronisation of directories.

Invariants:
- a plan that the guard refuses changes nothing, and that it was refused is on record;
- nobody is removed: who is missing from the list is disabled.

Standard: NIST SP 800-53 AC-2(3); ISO 27789 (the record of who was admitted when).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.model.errors import ConflictError, PacsgateError, RequestError
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import EMERGENCY
from pacsgate.ports import UserRecord
from pacsgate.ports.identity_sources import SourceAccount
from pacsgate.services.administration import Change, Office
from pacsgate.services.provision_accounts import FIELDS, Differences, Origin, Provisioning

_SOURCE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_OURS = frozenset({"local", EMERGENCY})


class StepKind(StrEnum):
    """What happens to one person."""

    JOIN = "join"
    ADOPT = "adopt"
    """An account of the gate becomes the source's: it is told so, by name."""
    MOVE = "move"
    LEAVE = "leave"
    RETURN = "return"
    REFUSE = "refuse"
    """Nothing can be done; `why` says what is in the way."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is to happen to one person, and why."""

    kind: StepKind
    name: str
    external_id: str
    person: SourceAccount | None = None
    user: UserRecord | None = None
    differences: Differences = field(default_factory=dict)
    holds: tuple[str, ...] = ()
    """Of a leaver or mover: the roles, grants and tokens that stay, for whoever reviews them."""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What reconciliation with one list amounts to."""

    source: str
    steps: tuple[Step, ...]
    people: int
    """How many the list names."""
    enabled: int
    """How many accounts of the source are enabled before."""
    speaks_of: frozenset[str] = FIELDS

    def count(self, kind: StepKind) -> int:
        """How many steps of a kind there are."""
        return sum(step.kind is kind for step in self.steps)


@dataclass(frozen=True, slots=True)
class Guard:
    """How many may leave at once before somebody has to say that it is meant."""

    percent: int = 20
    most: int = 100

    def objection(self, plan: Plan) -> str | None:
        """Why the plan is not carried out without being asked twice; `None` if it is."""
        leaving = plan.count(StepKind.LEAVE)
        if not leaving:
            return None
        if plan.people == 0:
            return "the list is empty"
        if leaving > self.most:
            return f"{leaving} accounts would be disabled, more than {self.most} at once"
        if leaving > 1 and leaving * 100 > self.percent * plan.enabled:
            return f"{leaving} of {plan.enabled} accounts would be disabled, more than {self.percent} %"
        return None


class SourceReconciliation:
    """Compares and changes the accounts of sources."""

    def __init__(self, office: Office, provisioning: Provisioning) -> None:
        self._office = office
        self._provisioning = provisioning

    def plan(
        self,
        scope: TenantScope,
        source: str,
        people: Iterable[SourceAccount],
        *,
        speaks_of: frozenset[str] = FIELDS,
        adopt: bool = False,
    ) -> Plan:
        """What the list amounts to.  Raises `RequestError` for a list that names somebody twice."""
        if _SOURCE.fullmatch(source) is None or source in _OURS:
            raise RequestError(
                f"`{source}` cannot be a source: 1 to 64 lower-case letters, digits and `-` inside, "
                "and no name that the gate's own accounts go by"
            )
        listed = _each_once(people)
        accounts = self._provisioning.accounts(scope, source)
        steps: list[Step] = []
        for person in listed.values():
            user = accounts.get(person.external_id)
            if user is not None:
                steps += self._known(source, person, user, speaks_of)
            elif person.active:
                steps.append(self._joining(scope, source, person, adopt=adopt))
        steps += [
            Step(StepKind.LEAVE, user.name, external_id, user=user)
            for external_id, user in sorted(accounts.items())
            if external_id not in listed and not user.disabled
        ]
        enabled = sum(not user.disabled for user in accounts.values())
        return Plan(source, self._with_holdings(scope, steps), len(listed), enabled, speaks_of)

    def apply(
        self, change: Change, plan: Plan, *, digest: str = "", guard: Guard | None = None, force: bool = False
    ) -> tuple[Step, ...]:
        """Carry a plan out; returns the steps that could not be done.

        Raises `ConflictError` when the guard objects and nobody forces it.
        """
        origin = Origin(plan.source, digest)
        objection = (guard or Guard()).objection(plan)
        if objection is not None and not force:
            self._note(change, plan, origin, Outcome.SERIOUS, refused=objection)
            raise ConflictError(
                f"nothing was changed: {objection}; if the list was not cut short, `--force` carries it out"
            )
        failed = [step for step in plan.steps if step.kind is StepKind.REFUSE]
        for step in (step for step in plan.steps if step.kind is not StepKind.REFUSE):
            try:
                self._do(change, origin, plan, step)
            except PacsgateError as error:  # somebody else was here meanwhile: the others are not to wait
                failed.append(Step(StepKind.REFUSE, step.name, step.external_id, why=error.public))
        forced = {} if objection is None else {"forced": objection}
        outcome = Outcome.MINOR if failed else Outcome.SUCCESS
        self._note(change, plan, origin, outcome, **forced, failed=str(len(failed)))
        return tuple(failed)

    def _known(
        self, source: str, person: SourceAccount, user: UserRecord, speaks_of: frozenset[str]
    ) -> Iterable[Step]:
        differences = self._provisioning.differences(user, person, speaks_of)
        kind = _kind(user, person, source, differences)
        if kind is not None:
            why = "" if person.name == user.name else f"the source calls them `{person.name}`"
            yield Step(kind, user.name, person.external_id, person, user, differences, why=why)

    def _joining(self, scope: TenantScope, source: str, person: SourceAccount, *, adopt: bool) -> Step:
        try:
            held = self._provisioning.refuse_to_join(scope, source, person, adopt=adopt)
        except PacsgateError as error:
            return Step(StepKind.REFUSE, person.name, person.external_id, person, why=error.public)
        kind = StepKind.JOIN if held is None else StepKind.ADOPT
        return Step(kind, person.name, person.external_id, person, held)

    def _with_holdings(self, scope: TenantScope, steps: list[Step]) -> tuple[Step, ...]:
        reviewed = {step.name for step in steps if step.kind in {StepKind.LEAVE, StepKind.MOVE}}
        holdings = self._provisioning.holdings(scope, reviewed) if reviewed else {}
        return tuple(
            replace(step, holds=holdings.get(step.name, ()))
            for step in sorted(steps, key=lambda step: (list(StepKind).index(step.kind), step.name))
        )

    def _do(self, change: Change, origin: Origin, plan: Plan, step: Step) -> None:
        person, user = step.person, step.user
        match step.kind:
            case StepKind.JOIN | StepKind.ADOPT if person is not None:
                adopt = step.kind is StepKind.ADOPT
                joined = self._provisioning.join(change, origin, person, adopt=adopt)
                if adopt:
                    self._provisioning.update(change, origin, joined, person, speaks_of=plan.speaks_of)
            case StepKind.MOVE | StepKind.RETURN if person is not None and user is not None:
                self._provisioning.update(change, origin, user, person, speaks_of=plan.speaks_of)
            case StepKind.LEAVE if user is not None:
                self._provisioning.leave(change, origin, user)
            case _:
                raise ValueError(f"nothing says whom to {step.kind}")

    def _note(self, change: Change, plan: Plan, origin: Origin, outcome: Outcome, **details: str) -> None:
        counts = {kind.value: str(plan.count(kind)) for kind in StepKind}
        told = {**counts, **origin.details, **details}
        event = change.event(EventKind.ACCOUNTS_RECONCILED, "reconciled", plan.source, study=None, **told)
        self._office.trail.record(replace(event, outcome=outcome))


def _each_once(people: Iterable[SourceAccount]) -> Mapping[str, SourceAccount]:
    listed: dict[str, SourceAccount] = {}
    names: set[str] = set()
    for person in people:
        if person.external_id in listed:
            raise RequestError(f"the list names the id `{person.external_id}` twice")
        if person.name in names:
            raise RequestError(f"the list names `{person.name}` twice, with different ids")
        listed[person.external_id] = person
        names.add(person.name)
    return listed


def _kind(user: UserRecord, person: SourceAccount, source: str, differences: Differences) -> StepKind | None:
    if not person.active:
        return None if user.disabled else StepKind.LEAVE
    if user.disabled and user.disabled_by == source:
        return StepKind.RETURN
    return StepKind.MOVE if differences else None
