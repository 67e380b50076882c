"""One message becomes one command for the adapter, and whatever comes of it one outcome.

Called by `agent`, in a thread.

Invariants:
- a message for another PACS, and one that comes after its time, never reaches the adapter;
- an adapter that breaks over a command breaks nothing else.
"""

from dataclasses import dataclass

from pacsgate.agent.agent_log import AgentLog
from pacsgate.model.access import PacsPlace
from pacsgate.model.errors import PacsgateError
from pacsgate.model.resource import ArchiveName, TenantName
from pacsgate.ports import Clock
from pacsgate.ports.pacs_adapters import Command, Outcome, PacsAdapter
from pacsgate.protocols.agent.messages import AgentMessage


@dataclass(frozen=True, slots=True)
class Execution:
    """Shows messages to an adapter."""

    place: PacsPlace
    adapter: PacsAdapter
    log: AgentLog
    clock: Clock

    def outcome_of(self, message: AgentMessage) -> Outcome:
        """What comes of a message."""
        if (message.tenant, message.pacs) != (self.place.tenant, self.place.pacs):
            return _not_done(400, "this is the agent of another PACS")
        if self.clock.now() >= message.expires_at:
            return _not_done(503, "the command came after its time")
        try:
            return self.adapter.execute(_command(message))
        except PacsgateError as problem:
            self.log.warning("a command failed", operation=message.operation, problem=problem.public)
            return _not_done(503, "the PACS cannot do this now")
        except Exception as problem:  # noqa: BLE001 - the outermost edge of a command: others must go on
            self.log.warning("a command broke", operation=message.operation, problem=type(problem).__name__)
            return _not_done(500, "the agent broke over this command")


def _command(message: AgentMessage) -> Command:
    return Command(
        message_id=message.message_id,
        operation=message.operation,
        tenant=TenantName(message.tenant),
        pacs=ArchiveName(message.pacs),
        ids=message.ids,
        body=message.body,
        requested_by=message.requested_by,
        requested_at=message.requested_at,
        expires_at=message.expires_at,
        attempt=message.attempt,
        parameters=message.parameters,
    )


def _not_done(status: int, message: str) -> Outcome:
    return Outcome(status, {"error": "not done", "message": message})
