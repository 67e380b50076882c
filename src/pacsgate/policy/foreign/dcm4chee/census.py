"""What the tables of dcm4chee 2 hold, counted in one pass: whose permissions, for what; users, roles, AEs.

The permissions themselves are not kept: there may be millions, and a second pass brings them over.

Called by `reader`; read by `rules`.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.permission_letters import LETTERS
from pacsgate.policy.foreign.dcm4chee.tables import Row, Table
from pacsgate.policy.language.problems import Position


@dataclass(frozen=True, slots=True)
class Entity:
    """One row of the AE table."""

    ae_title: str
    host: str
    port: str
    user: str | None
    tls: bool
    description: str
    position: Position


@dataclass(slots=True)
class Census:
    """Counts and names."""

    letters: dict[str, str] = field(default_factory=dict)
    """By role, the letters that some study's permission, or some stylesheet, gives it."""
    unknown_actions: Counter[str] = field(default_factory=Counter)
    """What the table holds beside the six letters, with how many rows."""
    unusable: int = 0
    """Rows that name no study, or no role."""
    permissions: int = 0
    """Rows that can be brought over."""
    users: dict[str, Position] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    """By role, who has it."""
    entities: dict[str, Entity] = field(default_factory=dict)

    @property
    def people(self) -> set[str]:
        """Everybody who is a user or has a role."""
        return {*self.users, *(user for users in self.members.values() for user in users)}

    def count(self, rows: Iterable[Row], file: str) -> None:
        """Take in some rows."""
        for row in rows:
            match row.table:
                case Table.PERMISSIONS:
                    self._permission(row)
                case Table.USERS if row.values.get("user_id"):
                    self.users.setdefault(row.values["user_id"], Position(file, row.line, 1))
                case Table.ROLES if row.values.get("user_id") and row.values.get("roles"):
                    self.members.setdefault(row.values["roles"], set()).add(row.values["user_id"])
                case Table.ENTITIES:
                    self._entity(row, Position(file, row.line, 1))
                case _:
                    pass  # names nobody

    def _permission(self, row: Row) -> None:
        action, role = row.values.get("action", ""), row.values.get("roles", "")
        if action not in LETTERS:
            self.unknown_actions[action] += 1
        elif not role or not is_valid_uid(row.values.get("study_iuid", "")):
            self.unusable += 1
        else:
            self.give(role, action)
            self.permissions += 1

    def give(self, role: str, letters: str) -> None:
        """Note that a role is given these letters."""
        held = self.letters.get(role, "")
        if any(letter not in held for letter in letters) or role not in self.letters:
            self.letters[role] = held + "".join(letter for letter in letters if letter not in held)

    def _entity(self, row: Row, position: Position) -> None:
        values = row.values
        title = values.get("aet", "").strip()
        self.entities[title] = Entity(
            title,
            values.get("hostname", "").strip(),
            values.get("port", "").strip(),
            values.get("user_id") or None,
            values.get("cipher_suites", "-") not in {"", "-"},
            values.get("ae_desc", ""),
            position,
        )
