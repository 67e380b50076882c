"""Everything that is wrong with a policy, each with its place and, where possible, a remedy.

Reading goes on after a problem, so that an author sees all of them at once.

Called by every module of the language.
"""

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from pacsgate.model.errors import Diagnostic, PolicyError
from pacsgate.policy.language.limits import PROBLEMS
from pacsgate.policy.policy import Place

_FEW = 12
_MANY = 1000


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """One character of one file; line and column count from 1, and 0 is the whole file."""

    file: str
    line: int = 0
    column: int = 0

    @property
    def place(self) -> Place:
        """The position as rules and roles keep it."""
        return Place(self.file, self.line)


@dataclass(slots=True)
class Problems:
    """Collects diagnostics while a policy is read."""

    found: list[Diagnostic] = field(default_factory=list)

    def add(self, position: Position, message: str, suggestion: str | None = None) -> None:
        """Note one problem; the `PolicyError` is raised at once when there are too many."""
        self.found.append(Diagnostic(position.file, position.line, position.column, message, suggestion))
        if len(self.found) >= PROBLEMS:
            self.raise_if_any()

    def raise_if_any(self) -> None:
        """Raise `PolicyError` with every problem, in the order of the text."""
        if self.found:
            ordered = sorted(self.found, key=lambda each: (each.file, each.line, each.column))
            raise PolicyError(tuple(ordered))


def did_you_mean(name: str, known: Collection[str]) -> str | None:
    """A hint at the nearest known name, if one is near; else, of a few, all."""
    all_of_few = f"one of {listed(sorted(known))}" if 0 < len(known) <= _FEW else None
    if len(known) > _MANY:  # the DICOM dictionary: comparing with all of it takes 70 ms a name
        known = [each for each in known if each[:1] == name[:1] and abs(len(each) - len(name)) <= 3]
    near = difflib.get_close_matches(name[:100], sorted(known), n=1)
    return f"did you mean `{near[0]}`?" if near else all_of_few


def listed(names: Iterable[str | StrEnum]) -> str:
    """Names as a sentence shows them."""
    return ", ".join(f"`{name}`" for name in names)


def quoted(text: str) -> str:
    """A piece of the author's text as a message shows it: one line, not too long."""
    shown = text if len(text) <= 60 else f"{text[:57]}…"
    return f"`{shown if shown.isprintable() else ascii(shown)[1:-1]}`"
