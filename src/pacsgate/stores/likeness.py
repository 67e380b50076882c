"""What the rows of one kind have in common for whoever asks: what of them is shown, and whether they differ.

Rows of one kind differ in names and dates, and in the attributes that rows hold each for itself.  A decision
that reads none of these is the same for all rows of the kind of which the same parts are shown; so it is made
once, and what they hold need not be fetched.

Called by `admission`, which remembers, and `search`.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from pyroaring import BitMap

from pacsgate.policy.ir import KEY_ATTRIBUTES, STUDY_DATE, Scope
from pacsgate.stores.known_kinds import KnownKind
from pacsgate.stores.packing import PackedPart

_OF_ONE_ROW = frozenset((each.scope, each.name) for each in (*KEY_ATTRIBUTES, STUDY_DATE))
"""Of these nearly every row holds something else."""

Reads = frozenset[tuple[Scope, str]] | None
"""As in `Constraint.reads`."""

_REMEMBERED = 4096
"""Kinds remembered of one formula: those that were on its pages of late."""
_WHOLE = -1
"""In place of a moment: of rows of which all is shown, whenever they were."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Of the rows of one kind of which the same is shown."""

    shown: frozenset[int] | None
    """Which of the kind's parts are admitted, by their position; `None` for all of them."""
    alike: Hashable
    """As in `ports.Match`, but for what follows."""
    own: tuple[str, ...]
    """The attributes of many values that decisions read and of which each row holds its own."""
    by_row: bool
    """Whether decisions read who or when a row is, so that it is like itself alone."""


class Likenesses:
    """Of the kinds that one formula admits, for decisions that read these attributes (`Constraint.reads`).

    Threads share it: each entry is made whole, and the same whoever makes it.
    """

    def __init__(self, reads: Reads) -> None:
        self._any = reads is None
        self._of_study = frozenset(name for scope, name in reads or () if scope is Scope.STUDY)
        self._by_row = reads is not None and not reads.isdisjoint(_OF_ONE_ROW)
        self._known: dict[tuple[int, int], Likeness] = {}

    def of(self, kind: KnownKind, since: int, layers: Sequence[BitMap]) -> Likeness:
        """What is said of the kind's rows in the segment of time that begins then and admits these parts."""
        known = self._known.get((since, kind.number))
        if known is None:
            number = kind.number
            shown = frozenset(place for place in range(len(kind.parts)) if number in layers[place])
            known = self._remembered(kind, since, shown)
        return known

    def of_whole(self, kind: KnownKind) -> Likeness:
        """What is said of a row of the kind of which everything is shown, whatever is shown of others."""
        known = self._known.get((_WHOLE, kind.number))
        return known or self._remembered(kind, _WHOLE, frozenset(range(len(kind.parts))))

    def of_places(self, kind: KnownKind, parts: Sequence[PackedPart], shown: Iterable[int]) -> Likeness:
        """What is said of a row of the kind of which the parts at these places are shown."""
        return self._made(kind, frozenset(parts[place].position for place in shown))

    def _remembered(self, kind: KnownKind, since: int, shown: frozenset[int]) -> Likeness:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        made = self._known[since, kind.number] = self._made(kind, shown)
        return made

    def _made(self, kind: KnownKind, shown: frozenset[int]) -> Likeness:
        held = kind.in_rows if self._any else kind.in_rows & self._of_study
        return Likeness(
            shown=None if len(shown) == len(kind.parts) else shown,
            alike=None if self._any else (kind.number, shown),
            own=tuple(sorted(held - {STUDY_DATE.name})),
            by_row=self._by_row,
        )
