"""Who administers the accounts of a tenant, asked of whoever orders something else.

Some of what an archive's people are given reaches beyond that archive.  It is asked for by way of the queue,
so whoever wants it is known by name only, and looked at again when it is carried out.

Called by `image_certificates`.

Invariants:
- an account that nobody may come in as administers nothing.
"""

from dataclasses import dataclass

from pacsgate.model.permission import Permission
from pacsgate.policy.policy import Policy
from pacsgate.ports import Accounts
from pacsgate.services.administration import Change
from pacsgate.services.pacs_queue.operator import is_operator
from pacsgate.services.warrants import holds_permission


@dataclass(frozen=True, slots=True)
class AccountAdministrators:
    """Those of one tenant, under one policy."""

    accounts: Accounts
    policy: Policy

    def include(self, change: Change) -> bool:
        """Whether a change is ordered by one, or at the command line of the installation."""
        name = change.actor.name
        if is_operator(name):
            return True
        subject = self.accounts.named(change.scope, name, change.at)
        wanted = Permission.USER_ADMINISTER
        return subject is not None and holds_permission(self.policy, subject, wanted, None, change.at)
