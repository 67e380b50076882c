"""Who asks one of the gate's own interfaces, once a door has verified it.

Made by doors; read by whatever administers in the name of a person.
"""

from dataclasses import dataclass

from pacsgate.model.context import Context
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Subject
from pacsgate.services.administration import Change
from pacsgate.services.record import actor_of

CALLER = "pacsgate.caller"
"""Where a door leaves it in an ASGI scope."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified subject with the circumstances of its request."""

    subject: Subject
    context: Context

    @property
    def scope(self) -> TenantScope:
        """The tenant within which everything is answered."""
        return TenantScope(self.subject.tenant)

    def change(self) -> Change:
        """An order of this caller."""
        actor = actor_of(self.subject, self.context)
        return Change(self.scope, actor, self.context.now, self.context.request_id)
