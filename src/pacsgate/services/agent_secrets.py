"""The client secret of a PACS's agent, for whoever governs the PACS: told once, as tokens are.

Called by the API.

Invariants:
- nobody comes to more by it than being that agent: the account holds the role of an agent, and no other.

Standard: RFC 6749 4.4; NIST SP 800-53 AC-6.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pacsgate.model.built_in_roles import AGENT_INSTANCE
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.ports import Directory
from pacsgate.ports.directory import TokenPurpose
from pacsgate.services.administer_tokens import IssuedToken, TokenAdministration
from pacsgate.services.mandates import roles_within_reach
from pacsgate.services.warrants import Warrant


@dataclass(frozen=True, slots=True)
class AgentSecrets:
    """Makes them."""

    directory: Directory
    tokens_of: Callable[[], TokenAdministration]

    def issue(self, warrant: Warrant, expires_at: datetime) -> IssuedToken:
        """A new secret; older ones go on until they end or are revoked.

        Raises `ConflictError` for an archive that has no agent, and for an account that may do more.
        """
        pacs = warrant.at()
        if pacs.agent is None:
            raise ConflictError("the gate itself serves this archive: it has no agent")
        account = self.directory.user(warrant.scope, pacs.agent)
        if account is None:
            raise NotFoundError("the account of this agent is gone: give the PACS another one")
        if roles_within_reach(warrant.policy, account) - {AGENT_INSTANCE}:
            raise ConflictError(
                f"`{pacs.agent}` is more than an agent: whoever administers tokens makes its secret"
            )
        return self.tokens_of().issue(
            warrant.change(),
            pacs.agent,
            label=f"agent of {pacs.pacs}",
            expires_at=expires_at,
            purpose=TokenPurpose.CLIENT_SECRET,
        )
