"""The changes that a new policy makes, summed up for whoever must agree to it.

Circumstances are not added together: a user who gains a study from inside and from outside gains it once.  So
each set of circumstances has its own sums, and the figure that counts is that of the worst.

Called by `pacsgate.services.compare_policies`.

Invariants:
- `gained` and `lost` are the largest sums of any one set of circumstances, over all archives.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Revision
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName
from pacsgate.policy.difference import NONE, Altered, Change, Side, Span

EXAMPLES = 10
"""So many examples are kept, those of most studies first."""


@dataclass(frozen=True, slots=True)
class ActionChange:
    """What an action gains and loses in one archive, in accesses, and how many users that is."""

    context: Context
    archive: ArchiveName
    action: Action
    gained: Span
    users_gaining: int
    lost: Span
    users_losing: int


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What one altered rule took part in, in accesses; two rules may take part in the same."""

    altered: Altered
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class Example:
    """One principal's gain or loss, with some studies and the rules that took part."""

    user: str
    others: int
    """How many more users are like this one."""
    archive: ArchiveName
    actions: tuple[Action, ...]
    """By all of these the same studies."""
    is_gain: bool
    studies: Span
    examples: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PermissionChange:
    """A permission on the system that somebody gains or loses."""

    user: str
    permission: Permission
    is_gain: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that a new policy changes for the people and studies that there are."""

    before: Revision
    after: Revision
    users: int
    principals: int
    studies: int
    circumstances: int
    is_complete: bool
    """Whether every set of circumstances was looked at."""
    gained: Span
    lost: Span
    actions: tuple[ActionChange, ...]
    rules: tuple[RuleChange, ...]
    examples: tuple[Example, ...]
    permissions: tuple[PermissionChange, ...]
    unread: tuple[str, ...]
    """Attributes that the index has not read yet, so that nothing that rests on them could be counted."""

    @property
    def is_empty(self) -> bool:
        """Whether nobody gains or loses anything."""
        return self.gained == NONE and self.lost == NONE and not self.permissions


@dataclass(frozen=True, slots=True)
class Found:
    """One change with the archive it was found in."""

    archive: ArchiveName
    change: Change


@dataclass(slots=True)
class Largest:
    """A gain or loss of many accesses, with all actions by which it is the same."""

    found: Found
    is_gain: bool
    actions: list[Action]

    @property
    def side(self) -> Side:
        """What is gained, or lost."""
        return self.found.change.gained if self.is_gain else self.found.change.lost

    @property
    def accesses(self) -> int:
        """How many at the most."""
        return self.side.studies.most * len(self.found.change.principal.names) * len(self.actions)

    def is_like(self, other: "Largest") -> bool:
        """Whether only the action is another."""
        one, two = self.found.change, other.found.change
        return (self.found.archive, self.is_gain, one.principal, one.context) == (
            other.found.archive,
            other.is_gain,
            two.principal,
            two.context,
        ) and self.side == other.side


@dataclass(slots=True)
class _Sum:
    gained: Span = NONE
    users_gaining: int = 0
    lost: Span = NONE
    users_losing: int = 0

    def add(self, change: Change) -> None:
        many = len(change.principal.names)
        self.gained += change.gained.studies * many
        self.lost += change.lost.studies * many
        self.users_gaining += many if change.gained.studies.most else 0
        self.users_losing += many if change.lost.studies.most else 0


@dataclass(slots=True)
class Summary:
    """Takes changes one by one."""

    contexts: Sequence[Context]
    _actions: dict[tuple[int, ArchiveName, Action], _Sum] = field(default_factory=dict)
    _rules: dict[str, Altered] = field(default_factory=dict)
    _by_rule: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    _largest: list["Largest"] = field(default_factory=list)

    def add(self, found: Found) -> None:
        """Count one change."""
        change = found.change
        place = self.contexts.index(change.context)
        self._actions.setdefault((place, found.archive, change.action), _Sum()).add(change)
        many = len(change.principal.names)
        for side, is_gain in ((change.gained, True), (change.lost, False)):
            for cause in side.causes:
                name = cause.altered.rule.rule_id
                self._rules[name] = cause.altered
                counts = self._by_rule.setdefault((place, name), [0, 0])
                counts[0 if is_gain else 1] += cause.studies * many
            if side.studies.most:
                self._keep(found, is_gain=is_gain)

    def total(self) -> tuple[Span, Span]:
        """The largest gain and the largest loss of any one set of circumstances."""
        gained, lost = [NONE] * len(self.contexts), [NONE] * len(self.contexts)
        for (place, _, _), summed in self._actions.items():
            gained[place] += summed.gained
            lost[place] += summed.lost
        return _worst(gained), _worst(lost)

    def actions(self) -> tuple[ActionChange, ...]:
        """The sums, circumstances in their order, most gained first."""
        listed = sorted(
            self._actions.items(), key=lambda row: (*row[0][:2], -row[1].gained.most, -row[1].lost.most)
        )
        return tuple(
            ActionChange(
                context=self.contexts[place],
                archive=archive,
                action=action,
                gained=summed.gained,
                users_gaining=summed.users_gaining,
                lost=summed.lost,
                users_losing=summed.users_losing,
            )
            for (place, archive, action), summed in listed
        )

    def rules(self) -> tuple[RuleChange, ...]:
        """The rules that took part, those that gave most first."""
        worst: dict[str, tuple[int, int]] = {}
        for (_, name), (gained, lost) in self._by_rule.items():
            before = worst.get(name, (0, 0))
            worst[name] = (max(before[0], gained), max(before[1], lost))
        rows = [RuleChange(self._rules[name], gained, lost) for name, (gained, lost) in worst.items()]
        return tuple(sorted(rows, key=lambda row: (-row.gained, -row.lost, row.altered.rule.rule_id)))

    def largest(self) -> Sequence[Largest]:
        """The changes of most accesses."""
        self._trim()
        return self._largest

    def _keep(self, found: Found, *, is_gain: bool) -> None:
        new = Largest(found, is_gain, [found.change.action])
        for known in self._largest[-2:]:  # the actions of one principal come one after another
            if known.is_like(new):
                known.actions.append(found.change.action)
                return
        self._largest.append(new)
        if len(self._largest) > 2 * EXAMPLES:
            self._trim()

    def _trim(self) -> None:
        self._largest.sort(key=lambda each: -each.accesses)
        del self._largest[EXAMPLES:]


def _worst(spans: Iterable[Span]) -> Span:
    return max(spans, key=lambda span: (span.most, span.least), default=NONE)
