"""The two kinds of holders of access, which have the same pages: identities and visits.

Called by the modules of pages about holders.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pacsgate.admin.console.tenancy.desk import HOME, Turn, pacs_path
from pacsgate.model.extension_fields import ExtensionFields


@dataclass(frozen=True, slots=True)
class HolderKind:
    """One kind: what its operations, paths and members are called."""

    operation: str
    path: str
    one: str

    @property
    def member(self) -> str:
        """The member of a body that holds the id."""
        return f"{self.one}Id"

    @property
    def route_of_all(self) -> str:
        """The route of the list."""
        return f"{HOME}/pacs/{{pacs}}/{self.path}"

    @property
    def route(self) -> str:
        """The route of one."""
        return f"{self.route_of_all}/{{holder}}"

    @property
    def route_of_new(self) -> str:
        """The route of a new one; beside the list, for every word below it may be an id."""
        return f"{HOME}/pacs/{{pacs}}/new-{self.one}"

    def list_path(self, turn: Turn, done: str = "") -> str:
        """The page of all of them."""
        return _said(f"{pacs_path(turn.pacs)}/{self.path}", done)

    def new_path(self, turn: Turn) -> str:
        """The page of a new one."""
        return f"{pacs_path(turn.pacs)}/new-{self.one}"

    def holder_path(self, turn: Turn, done: str = "", holder: str | None = None) -> str:
        """The page of one: of that which the turn is about, or of another."""
        name = turn["holder"] if holder is None else holder
        return _said(f"{self.list_path(turn)}/{quote(name, safe='')}", done)

    def ids(self, turn: Turn, **more: str) -> Mapping[str, str]:
        """The ids of an operation on the one that the turn is about."""
        return {self.one: turn["holder"], **more}

    def ask(self, turn: Turn, verb: str, body: Any = None, **ids: str) -> Any:
        """Ask for an operation on the one that the turn is about; from wherever, one goes on to its page."""
        then = self.holder_path(turn)
        return turn.ask(f"{self.operation}{verb}", self.ids(turn, **ids), body, then=then)

    def fields(self, turn: Turn) -> ExtensionFields:
        """The extension fields that the tenant gives to this kind."""
        tenant = turn.tenant()
        return tenant.visit_fields if self is VISIT else tenant.identity_fields


IDENTITY = HolderKind("Identity", "identities", "identity")
VISIT = HolderKind("Visit", "visits", "visit")
HOLDER_KINDS = (IDENTITY, VISIT)


def _said(path: str, done: str) -> str:
    return f"{path}?done={done}" if done else path
