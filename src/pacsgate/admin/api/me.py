"""`/api/v1/me`: who asks, what they hold, their sessions and their API tokens, and what others changed.

Needs no permission: it tells everybody about themselves alone, and administrators of each other's changes.

Called by `app`; calls `Mandates`, `OwnSessions`, `OwnTokens` and `TellChanges`.

Invariants:
- nobody makes a token, or ends sessions out of a session, without having proven lately who they are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel

from pacsgate.admin.api.asking import Asker
from pacsgate.admin.api.credential_shapes import (
    Ended,
    NewToken,
    SessionId,
    SessionList,
    SessionTold,
    TokenId,
    TokenIssued,
    TokenList,
    TokenTold,
)
from pacsgate.admin.api.locations import location
from pacsgate.admin.api.notice_shapes import NoticeList, Seen, SeenUpTo
from pacsgate.admin.api.problems import problems
from pacsgate.admin.api.user_shapes import AssignmentTold
from pacsgate.model.permission import Permission
from pacsgate.model.subject import Credential, SubjectKind
from pacsgate.policy.standing import assignments_of
from pacsgate.services.administer_sessions import OwnSessions
from pacsgate.services.administer_tokens import OwnTokens
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.callers import Caller
from pacsgate.services.mandates import Mandates
from pacsgate.services.tell_changes import TellChanges


class Me(BaseModel):
    """Who asks."""

    name: str
    display_name: str
    kind: SubjectKind
    tenant: str
    source: str
    groups: list[str]
    assignments: list[AssignmentTold]
    permissions: list[Permission]
    credential: Credential
    credential_id: str | None
    authenticated_at: datetime | None
    assurance_level: int
    methods: list[str]
    second_factor_at: datetime | None
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class Own:
    """The use cases about whoever asks."""

    mandates: Mandates
    accounts: Callable[[], UserAdministration]
    sessions: Callable[[], OwnSessions]
    tokens: Callable[[], OwnTokens]
    changes: TellChanges

    def need_fresh(self, caller: Caller) -> None:
        """Raise `StepUpError` unless the caller has just proven who they are."""
        account = self.accounts().user(caller.scope, caller.subject.name)
        has_factor = account.has_second_factor
        self.mandates.proofs.need_fresh(caller.subject, caller.context, has_factor=has_factor)

    def need_fresh_session(self, caller: Caller) -> None:
        """The same of somebody who asks out of a session; a token is shown with each request."""
        if caller.subject.credential is Credential.SESSION:
            self.need_fresh(caller)


def own_routes(own: Own) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/me", tags=["me"])
    mandates, sessions, tokens = own.mandates, own.sessions, own.tokens

    @routes.get("", responses=problems())
    def show_me(caller: Asker) -> Me:
        """Tell who asks, and what they hold."""
        subject = caller.subject
        policy = mandates.policies.current(caller.scope)
        assigned = [AssignmentTold.of(given) for given in assignments_of(policy, subject)]
        return Me(
            name=subject.name,
            display_name=subject.display_name,
            kind=subject.kind,
            tenant=subject.tenant,
            source=subject.source,
            groups=sorted(subject.groups),
            assignments=assigned,
            permissions=sorted(mandates.held(caller)),
            credential=subject.credential,
            credential_id=subject.credential_id,
            authenticated_at=subject.authenticated_at,
            assurance_level=subject.assurance_level,
            methods=sorted(subject.methods),
            second_factor_at=subject.second_factor_at,
            valid_until=subject.valid_until,
        )

    @routes.get("/notices", responses=problems())
    def list_notices(caller: Asker) -> NoticeList:
        """List what other administrators changed and the caller has not seen: the oldest, newest first."""
        return NoticeList.of(own.changes.unseen(caller))

    @routes.post("/notices/seen", responses=problems())
    def see_notices(caller: Asker, seen: SeenUpTo) -> Seen:
        """Say, on record, that listed changes have been seen."""
        return Seen(seen=own.changes.see(caller, seen.up_to))

    @routes.get("/sessions", responses=problems())
    def list_own_sessions(caller: Asker) -> SessionList:
        """List one's own browser sessions."""
        return SessionList(sessions=[SessionTold.of(one) for one in sessions().sessions(caller)])

    @routes.delete("/sessions", responses=problems())
    def end_other_sessions(caller: Asker) -> Ended:
        """End all of one's own browser sessions but the one in use."""
        own.need_fresh_session(caller)
        return Ended(ended=sessions().end_others(caller))

    @routes.delete("/sessions/{session_id}", status_code=204, responses=problems(404))
    def end_own_session(caller: Asker, session_id: SessionId) -> None:
        """End one of one's own browser sessions."""
        own.need_fresh_session(caller)
        sessions().end(caller, session_id)

    @routes.get("/tokens", responses=problems())
    def list_own_tokens(caller: Asker) -> TokenList:
        """List one's own API tokens."""
        return TokenList(tokens=[TokenTold.of(one) for one in tokens().tokens(caller)])

    @routes.post("/tokens", status_code=201, responses=problems(409))
    def issue_own_token(caller: Asker, new: NewToken, response: Response) -> TokenIssued:
        """Make an API token for oneself, in a browser session of one's own."""
        own.need_fresh(caller)
        issued = tokens().issue(caller, label=new.label, expires_at=new.expires_at, actions=new.narrowed())
        response.headers["Location"] = location("me", "tokens", issued.record.token_id)
        return TokenIssued.of(issued)

    @routes.delete("/tokens/{token_id}", status_code=204, responses=problems(404, 409))
    def revoke_own_token(caller: Asker, token_id: TokenId) -> None:
        """Make one of one's own API tokens worthless from the next call on."""
        tokens().revoke(caller, token_id)

    return routes
