"""`/api/v1/sources`: which identity sources there are, and what each may do.

Called by `app`.
"""

from collections import Counter
from collections.abc import Sequence

from fastapi import APIRouter
from pydantic import BaseModel, Field

from pacsgate.admin.api.asking import UserLister
from pacsgate.admin.api.problems import problems
from pacsgate.identity.federation.source_policy import AccountsMode, SourcePolicy
from pacsgate.services.managed_accounts import AccountsAsked, ManagedAccounts


class SourceTold(BaseModel):
    """One identity source."""

    name: str
    accounts_mode: AccountsMode = Field(description="Whether it only signs in accounts, or also makes them.")
    roles_at_most: list[str] | None = Field(description="The roles that it may give; `null` is any.")
    believed_methods: list[str] = Field(description="Which of its methods count as proven.")
    accounts: int = Field(description="So many accounts are kept by it.")


class SourceList(BaseModel):
    """The identity sources that the configuration names for the tenant of whoever asks."""

    sources: list[SourceTold]


def source_routes(policies: Sequence[SourcePolicy], managed: ManagedAccounts) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/sources", tags=["sources"])

    @routes.get("", responses=problems())
    def list_sources(mandate: UserLister) -> SourceList:
        """List identity sources."""
        kept = Counter(user.source for user in managed.accounts(mandate, AccountsAsked()))
        own = [policy for policy in policies if policy.tenant == mandate.scope.tenant]
        return SourceList(sources=[_told(policy, kept[policy.name]) for policy in own])

    return routes


def _told(policy: SourcePolicy, accounts: int) -> SourceTold:
    return SourceTold(
        name=policy.name,
        accounts_mode=policy.accounts,
        roles_at_most=None if policy.role_ceiling is None else sorted(policy.role_ceiling),
        believed_methods=sorted(policy.believed_methods),
        accounts=accounts,
    )
