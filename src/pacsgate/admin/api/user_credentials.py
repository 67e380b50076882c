"""What others prove themselves with: sessions, factors, tokens and reset codes below `/api/v1/users/{name}`.

Called by `app`; calls `ManagedCredentials`.
"""

from fastapi import APIRouter, Response

from pacsgate.admin.api.asking import TokenAdministrator, UserAdministrator
from pacsgate.admin.api.credential_shapes import (
    Ended,
    FactorList,
    FactorTold,
    NewToken,
    Removed,
    ResetCodeTold,
    SessionId,
    SessionList,
    SessionTold,
    TokenId,
    TokenIssued,
    TokenList,
    TokenTold,
)
from pacsgate.admin.api.locations import location
from pacsgate.admin.api.problems import problems
from pacsgate.admin.api.user_shapes import UserName
from pacsgate.services.managed_credentials import ManagedCredentials


def user_credential_routes(managed: ManagedCredentials) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/users/{name}")

    @routes.post("/reset-code", tags=["users"], status_code=201, responses=problems(404, 409))
    def give_reset_code(mandate: UserAdministrator, name: UserName) -> ResetCodeTold:
        """Give somebody a code to choose a password with, a first one or a new one; it is told this once."""
        code = managed.reset(mandate, name)
        return ResetCodeTold(name=code.name, code=code.code, expires_at=code.expires_at)

    @routes.get("/sessions", tags=["sessions"], responses=problems(404))
    def list_sessions(mandate: UserAdministrator, name: UserName) -> SessionList:
        """List the browser sessions of somebody."""
        return SessionList(sessions=[SessionTold.of(one) for one in managed.sessions(mandate, name)])

    @routes.delete("/sessions", tags=["sessions"], responses=problems(404))
    def end_sessions(mandate: UserAdministrator, name: UserName) -> Ended:
        """End every browser session of somebody."""
        return Ended(ended=managed.end_sessions(mandate, name))

    @routes.delete("/sessions/{session_id}", tags=["sessions"], status_code=204, responses=problems(404))
    def end_session(mandate: UserAdministrator, name: UserName, session_id: SessionId) -> None:
        """End one browser session of somebody."""
        managed.end_session(mandate, name, session_id)

    @routes.get("/factors", tags=["factors"], responses=problems(404))
    def list_factors(mandate: UserAdministrator, name: UserName) -> FactorList:
        """List the second factors of somebody."""
        return FactorList(factors=[FactorTold.of(one) for one in managed.factors(mandate, name)])

    @routes.delete("/factors", tags=["factors"], responses=problems(404))
    def remove_factors(mandate: UserAdministrator, name: UserName) -> Removed:
        """Remove every second factor of somebody who has lost theirs."""
        return Removed(removed=managed.remove_factors(mandate, name))

    @routes.get("/tokens", tags=["tokens"], responses=problems(404))
    def list_tokens(mandate: TokenAdministrator, name: UserName) -> TokenList:
        """List the API tokens of somebody."""
        return TokenList(tokens=[TokenTold.of(one) for one in managed.tokens(mandate, name)])

    @routes.post("/tokens", tags=["tokens"], status_code=201, responses=problems(404))
    def issue_token(
        mandate: TokenAdministrator, name: UserName, new: NewToken, response: Response
    ) -> TokenIssued:
        """Issue an API token for a service or a device; people make their own."""
        issued = managed.issue(
            mandate, name, label=new.label, expires_at=new.expires_at, actions=new.narrowed()
        )
        response.headers["Location"] = location("users", name, "tokens", issued.record.token_id)
        return TokenIssued.of(issued)

    @routes.delete("/tokens/{token_id}", tags=["tokens"], status_code=204, responses=problems(404, 409))
    def revoke_token(mandate: TokenAdministrator, name: UserName, token_id: TokenId) -> None:
        """Make an API token worthless from the next call on."""
        managed.revoke(mandate, name, token_id)

    return routes
