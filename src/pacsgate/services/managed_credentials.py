"""What others prove themselves with, as those who administer it see and end it.

People make their own tokens.  For a service or a device somebody else has to, and gets its secret: that
is refused for an account that holds what the mandate does not reach, and for people always, because what
is done with such a token is on record as done by them.

An administrator may take second factors away from somebody who has lost theirs, and gives none.

Called by the administration API and its pages; calls `administer_sessions`, `administer_tokens`,
`reset_password` and `enrol_factor`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pacsgate.model.actions import Action
from pacsgate.model.errors import NotFoundError
from pacsgate.model.subject import SubjectKind
from pacsgate.ports import TokenRecord
from pacsgate.ports.factors import FactorRecord
from pacsgate.services.administer_sessions import ListedSession, SessionAdministration
from pacsgate.services.administer_tokens import IssuedToken, TokenAdministration
from pacsgate.services.enrol_factor import EnrolFactor
from pacsgate.services.managed_accounts import ManagedAccounts
from pacsgate.services.mandates import Mandate
from pacsgate.services.reset_password import PasswordReset, ResetCode


@dataclass(frozen=True, slots=True)
class ManagedCredentials:
    """The use case over one installation."""

    accounts: ManagedAccounts
    sessions_of: Callable[[], SessionAdministration]
    tokens_of: Callable[[], TokenAdministration]
    resets_of: Callable[[], PasswordReset]
    factors_of: Callable[[], EnrolFactor]

    def sessions(self, mandate: Mandate, user: str) -> list[ListedSession]:
        """The sessions of somebody that are going on."""
        self.accounts.reached(mandate, user)
        return self.sessions_of().sessions(mandate.scope, mandate.caller.context.now, user)

    def end_session(self, mandate: Mandate, user: str, public_id: str) -> None:
        """End one session of somebody."""
        self.accounts.reached(mandate, user)
        self.sessions_of().end(mandate.change(), public_id, user=user)

    def end_sessions(self, mandate: Mandate, user: str) -> int:
        """End every session of somebody; returns how many were going on."""
        self.accounts.reached(mandate, user)
        return self.sessions_of().end_all(mandate.change(), user)

    def reset(self, mandate: Mandate, user: str) -> ResetCode:
        """A code by which somebody comes to a new password; the old one is worth nothing from now on."""
        self.accounts.reached(mandate, user)
        return self.resets_of().give(mandate.change(), user)

    def factors(self, mandate: Mandate, user: str) -> tuple[FactorRecord, ...]:
        """The second factors of somebody; recovery codes are among them."""
        self.accounts.reached(mandate, user)
        return self.factors_of().factors(mandate.scope, user)

    def remove_factors(self, mandate: Mandate, user: str) -> int:
        """Remove every second factor of somebody who has lost theirs; returns how many there were."""
        self.accounts.reached(mandate, user)
        return self.factors_of().remove_all(mandate.change(), user)

    def tokens(self, mandate: Mandate, user: str) -> tuple[TokenRecord, ...]:
        """The tokens of somebody, whether live or not."""
        self.accounts.reached(mandate, user)
        return self.tokens_of().tokens(mandate.scope, user)

    def issue(
        self,
        mandate: Mandate,
        user: str,
        *,
        label: str,
        expires_at: datetime,
        actions: frozenset[Action] | None,
    ) -> IssuedToken:
        """Issue a token for a service or a device."""
        account = self.accounts.reached(mandate, user)
        if account.kind == SubjectKind.USER:
            raise mandate.refused("people make their own tokens: nobody else may act in their name")
        change = mandate.change()
        return self.tokens_of().issue(change, user, label=label, expires_at=expires_at, actions=actions)

    def revoke(self, mandate: Mandate, user: str, token_id: str) -> None:
        """Make a token worthless from the next call on."""
        if all(token.token_id != token_id for token in self.tokens(mandate, user)):
            raise NotFoundError(f"`{user}` has no token with the id `{token_id}`")
        self.tokens_of().revoke(mandate.change(), token_id)
