"""Messages of the gate's own archives, carried out by the gate itself: at once, by whoever submits them.

The way is the same as an agent's, lease and all.  If a process dies on it, the lease ends and the background
process takes the message up again.

Called by `submit`, and by the background process for what was left over.

Invariants:
- while something may be handed over at a PACS, whoever has just answered there looks again: nobody's
  message waits for the next submission.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from pacsgate.model.errors import ConflictError, PacsgateError
from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.ports.pacs_adapters import Command, Outcome, PacsAdapter
from pacsgate.services.pacs_queue.hand_over import HandOver, Taker
from pacsgate.services.pacs_queue.recording import GATE

Executors = Callable[[TenantName, ArchiveName], PacsAdapter | None]
"""What carries out operations on a PACS here; `None` where an agent does."""

_TAKER = Taker("gate", GATE)
_UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class RunHere:
    """Carries out."""

    hand_over: HandOver
    executors: Executors

    def adapter(self, scope: TenantScope, pacs: ArchiveName) -> PacsAdapter | None:
        """What carries out operations on a PACS here."""
        return self.executors(scope.tenant, pacs)

    def drain(self, scope: TenantScope, pacs: ArchiveName) -> None:
        """Carry out whatever may be at a PACS, if that is done here."""
        adapter = self.adapter(scope, pacs)
        if adapter is None:
            return
        while (message := self.hand_over.next(scope, pacs, _TAKER)) is not None:
            outcome = _carried_out(adapter, message.command)
            lease = message.lease
            # Whoever took longer than the lease has lost it: the next one is told the same.
            with suppress(ConflictError):
                self.hand_over.answer(
                    scope,
                    pacs,
                    _TAKER,
                    message.command.message_id,
                    "" if lease is None else lease.token,
                    outcome,
                )

    def drain_all(self) -> None:
        """The same at every PACS."""
        now = self.hand_over.clock.now()
        look = self.hand_over.queue.look((), now, self.hand_over.rules.furthest(now))
        for tenant, pacs in sorted(look.fetchable):
            self.drain(TenantScope(tenant), pacs)


def _carried_out(adapter: PacsAdapter, command: Command) -> Outcome:
    try:
        return adapter.execute(command)
    except PacsgateError as raised:
        return Outcome(_UNAVAILABLE, {"error": "cannot be done now", "message": raised.public})
