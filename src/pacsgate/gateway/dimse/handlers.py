"""Which handler serves which kind of service.

Called by `dispatch`.  A kind without a handler is not negotiated.
"""

from collections.abc import Mapping

from pacsgate.gateway.dimse.commitment import commit
from pacsgate.gateway.dimse.echoing import echo
from pacsgate.gateway.dimse.finding import find
from pacsgate.gateway.dimse.getting import get
from pacsgate.gateway.dimse.moving import move
from pacsgate.gateway.dimse.operation import Handler
from pacsgate.gateway.dimse.procedure_steps import relay
from pacsgate.gateway.dimse.storing import store
from pacsgate.gateway.dimse.worklist import find_worklist
from pacsgate.protocols.dimse.services import ServiceKind

HANDLERS: Mapping[ServiceKind, Handler] = {
    ServiceKind.ECHO: echo,
    ServiceKind.FIND: find,
    ServiceKind.STORE: store,
    ServiceKind.WORKLIST: find_worklist,
    ServiceKind.PROCEDURE_STEP: relay,
    ServiceKind.COMMITMENT: commit,
    ServiceKind.MOVE: move,
    ServiceKind.GET: get,
}
