"""What agents answer, and what the queue of a PACS holds: `agent/…`, `queue` and `dead-letters`.

An agent fetches its messages, and a requester its result, beside this application (`pacs_polls`).

Called by `app`; calls `HandOver`, `DeadLetters` and `AgentSecrets`.
"""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from pacsgate.admin.api.instants import Instant
from pacsgate.admin.api.problems import problems
from pacsgate.admin.api.tenancy_asking import NeedsAtPacs
from pacsgate.admin.api.trees import Tree
from pacsgate.model.permission import Permission
from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.ports.pacs_queue import Message
from pacsgate.protocols.agent.messages import read_response
from pacsgate.services.agent_secrets import AgentSecrets
from pacsgate.services.pacs_queue.dead_letters import DeadLetters
from pacsgate.services.pacs_queue.hand_over import HandOver, Taker
from pacsgate.services.warrants import Warrant

_PLACE = "tenants/{tenant}/pacs/{pacs}"

Answerer = Annotated[Warrant, Depends(NeedsAtPacs(Permission.PACS_RESPONSE_CREATE))]
Looker = Annotated[Warrant, Depends(NeedsAtPacs(Permission.PACS_GET))]
Keeper = Annotated[Warrant, Depends(NeedsAtPacs(Permission.PACS_UPDATE))]
MessageId = Annotated[
    str, Path(description="The id of a message.", examples=["5f0c9bd8f0c64dd6a3f3b0c6a0c3a1f4"])
]

_RESPONSE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["lease", "status"],
                    "additionalProperties": False,
                    "properties": {
                        "lease": {"type": "string", "minLength": 1, "maxLength": 256},
                        "status": {"type": "integer", "minimum": 200, "maximum": 599},
                        "body": {"description": "Whatever JSON the requester is to get."},
                    },
                },
                "example": {
                    "lease": "0b7d6c2c4c2f4c0d9b1f0f2a7a1d8f11",
                    "status": 201,
                    "body": {"identityId": "anna"},
                },
            }
        },
    }
}


async def _body(request: Request) -> bytes:
    return await request.body()


class _Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class NewSecret(_Camel):
    """Until when a secret is good: 366 days from now at most."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    expires_at: Instant


class SecretTold(_Camel):
    """A client id and its secret; `tokenId` is by what the secret is listed and revoked."""

    client_id: str
    client_secret: str
    token_id: str
    expires_at: datetime


class AgentSeen(_Camel):
    """When an account last asked for what is to be done."""

    account: str
    seen_at: datetime


class QueueTold(_Camel):
    """How much waits for a PACS, and who has asked for it."""

    queued: int
    leased: int
    dead: int
    oldest: datetime | None
    agents: list[AgentSeen]


class DeadLetter(_Camel):
    """Something that was never done as far as anybody knows."""

    message_id: str
    operation: str
    entity: str
    state: str
    status: int | None
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, message: Message) -> "DeadLetter":
        """As it is told: without what was asked, which is its requester's."""
        command = message.command
        return cls(
            message_id=command.message_id,
            operation=command.operation,
            entity=message.entity,
            state=message.state.value,
            status=None if message.outcome is None else message.outcome.status,
            requested_by=command.requested_by,
            requested_at=command.requested_at,
            ended_at=message.ended_at,
        )


class DeadLetterList(_Camel):
    """The latest of them, newest first."""

    dead_letters: list[DeadLetter]


def pacs_message_routes(
    hand_over: HandOver, letters: DeadLetters, secrets: AgentSecrets, tree: Tree
) -> APIRouter:
    """The routes of one tree."""
    routes = APIRouter(tags=["queue"])

    @routes.post("/" + tree.path(f"{_PLACE}/agent/secrets"), status_code=201, responses=problems(404, 409))
    def issue_secret(warrant: Keeper, new: NewSecret) -> SecretTold:
        """Make a secret with which the agent of the PACS gets access tokens; it is told this once."""
        issued = secrets.issue(warrant, new.expires_at)
        return SecretTold(
            client_id=f"{warrant.scope.tenant}/{issued.record.user}",
            client_secret=issued.text,
            token_id=issued.record.token_id,
            expires_at=issued.record.expires_at,
        )

    @routes.post(
        "/" + tree.path(f"{_PLACE}/agent/messages/{{message}}/response"),
        status_code=204,
        responses=problems(404, 409, 413),
        openapi_extra=_RESPONSE,
    )
    def respond(warrant: Answerer, message: MessageId, raw: Annotated[bytes, Depends(_body)]) -> None:
        """Say, as the agent that has leased it, what came of a message; once."""
        response = read_response(raw)
        order = warrant.change()
        taker = Taker(warrant.caller.subject.name, order.actor, order.request_id)
        hand_over.answer(
            warrant.scope,
            warrant.at().pacs,
            taker,
            message,
            response.lease,
            Outcome(response.status, response.body),
        )

    @routes.get("/" + tree.path(f"{_PLACE}/queue"), responses=problems(404))
    def show_queue(warrant: Looker) -> QueueTold:
        """Show how much waits for a PACS, and which agents have asked for it."""
        depth = letters.depth(warrant)
        agents = [AgentSeen(account=one.account, seen_at=one.at) for one in letters.agents(warrant)]
        return QueueTold(
            queued=depth.queued, leased=depth.leased, dead=depth.dead, oldest=depth.oldest, agents=agents
        )

    @routes.get("/" + tree.path(f"{_PLACE}/dead-letters"), responses=problems(404))
    def list_dead_letters(warrant: Keeper) -> DeadLetterList:
        """List what was given up, or expired before an agent fetched it."""
        return DeadLetterList(dead_letters=[DeadLetter.of(each) for each in letters.dead(warrant)])

    @routes.post(
        "/" + tree.path(f"{_PLACE}/dead-letters/{{message}}/queue-again"),
        status_code=204,
        responses=problems(404, 409),
    )
    def queue_again(warrant: Keeper, message: MessageId) -> None:
        """Let one of them begin anew."""
        letters.queue_again(warrant, message)

    return routes
