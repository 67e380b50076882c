"""C-ECHO: whoever was let in and could do anything at all gets an echo.

Called by `dispatch`.

Standard: PS3.4 annex A (Verification Service Class); PS3.7 section 9.1.5.
"""

from pacsgate.gateway.dimse.exchange import Exchange
from pacsgate.gateway.dimse.operation import Operation
from pacsgate.model.actions import Action
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.protocols.dimse.statuses import Status


def echo(exchange: Exchange, operation: Operation) -> None:
    """Answer 0000, or 0124 to a subject whom no rule could ever allow anything."""
    bound = exchange.bind()
    if all(bound.could(action) is not None for action in Action):
        exchange.record(exchange.circumstances(bound).denial((Reason(ReasonCode.NO_PERMIT),)))
        operation.respond(Status.NOT_AUTHORIZED, comment="not authorized")
        return
    operation.respond(Status.SUCCESS)
