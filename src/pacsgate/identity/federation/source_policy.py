"""How far an identity source is believed: whose names it may use, which roles and factors it may bring.

Made by `bootstrap` from the configuration, one for each source of any kind; read by `federated_accounts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pacsgate.model.resource import DEFAULT_TENANT, TenantName, TenantScope

GATE = ""
"""The gate itself, as the source that keeps local accounts."""


class AccountsMode(StrEnum):
    """Who may come in by a source."""

    LOCAL = "local"
    """Accounts of the gate, by their names."""
    CLAIMS = "claims"
    """People of the source: their accounts are made at their first sign-in, and are the source's."""


@dataclass(frozen=True, slots=True)
class SourcePolicy:
    """The rules that one source is held to."""

    name: str
    accounts: AccountsMode = AccountsMode.LOCAL
    signs_in: frozenset[str] = frozenset()
    """Other sources whose accounts it signs in too, by name: a directory that provisions them, say."""
    role_ceiling: frozenset[str] | None = None
    """The roles that anybody has who came by it, at most."""
    believed_methods: frozenset[str] = frozenset()
    """Which of the source's methods (`amr`) count as proven."""
    methods_of_acr: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What an authentication context class (`acr`) proves."""
    scopes_bound: bool = False
    """Whether the scopes of its tokens are an upper bound of what they may do."""
    tenant: TenantName = DEFAULT_TENANT
    """Whose people it knows: their accounts are made and looked for there alone."""

    @property
    def scope(self) -> TenantScope:
        """Where its accounts and links are."""
        return TenantScope(self.tenant)

    def may_name(self, account_source: str) -> bool:
        """Whether it may sign in, by its name alone, an account that this source keeps."""
        own = GATE if self.accounts is AccountsMode.LOCAL else self.name
        return account_source in {own, self.name, *self.signs_in}
