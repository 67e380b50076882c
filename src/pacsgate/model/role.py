"""Roles, and their assignment to people in a scope.

`may` is a ceiling: nothing is allowed until a permit rule or a grant allows it,
and no rule or grant can allow a role what its `may` does not name.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pacsgate.model.actions import Action
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName


@dataclass(frozen=True, slots=True)
class Role:
    """A named job: which image actions it can ever have, and which system permissions it carries.

    Whoever has a role has those that it `extends` too, in the same scope and for
    the same time.  `owner` answers for the role; `approved_by` is who agreed to
    it, last on `approved_at`.  `template` names the template and the site that it
    was made from.  `longest` is for how long it can be given at a time; `None` is for good.
    """

    name: str
    may: frozenset[Action] = frozenset()
    permissions: frozenset[Permission] = frozenset()
    owner: str | None = None
    description: str | None = None
    extends: frozenset[str] = frozenset()
    approved_by: str | None = None
    approved_at: date | None = None
    template: str | None = None
    longest: timedelta | None = None


@dataclass(frozen=True, slots=True)
class AssignmentScope:
    """Where an assignment holds: the whole tenant, one archive, or one collection of studies.

    Both fields `None` is the whole tenant.
    """

    archive: ArchiveName | None = None
    collection: str | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """One role given to the subject who carries this value, in a scope, for a time.

    `starts` is inclusive and `until` exclusive, both aware UTC; `None` is unbounded.
    """

    role: str
    scope: AssignmentScope = AssignmentScope()
    starts: datetime | None = None
    until: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether the validity window is open at `now` (aware UTC)."""
        return (self.starts is None or self.starts <= now) and (self.until is None or now < self.until)
