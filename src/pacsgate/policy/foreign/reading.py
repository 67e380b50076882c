"""What a reader of a foreign format returns, and how formats are named among the sources of a policy.

A source whose name is `FORMAT:FILE` is in that format; every other is a document of
the native language.  So a revision in the database says by itself how to read it.

Called by the readers beside it and by `pacsgate.policy.document`.

Invariants:
- a reader never raises: what is wrong goes to `Problems`, with file, line and column;
- identifiers of rules and roles begin with the format's prefix, so that they never
  collide with native ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pacsgate.model.role import Role
from pacsgate.policy.language.problems import Problems
from pacsgate.policy.policy import PolicyAssignment, Rule


@dataclass(frozen=True, slots=True)
class Foreign:
    """One foreign file, as roles, rules and assignments of our own.

    `left` says, a sentence each, what the file allows or demands that was not carried over.
    """

    roles: tuple[Role, ...] = ()
    rules: tuple[Rule, ...] = ()
    assignments: tuple[PolicyAssignment, ...] = ()
    left: tuple[str, ...] = field(default=())


Reader = Callable[[Mapping[str, str], Problems], Foreign]
"""From the files of one format (name without the prefix, to text) to what they say."""


def split_name(source: str) -> tuple[str | None, str]:
    """The format and the file of a source's name; `None` for the native language."""
    name, colon, file = source.partition(":")
    return (name, file) if colon else (None, source)
