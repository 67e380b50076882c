"""C-FIND of the Patient Root and Study Root models: four levels, one handler.

The index answers, within what the subject may search.

Called by `dispatch`.

Standard: PS3.4 C.4.1 (C-FIND SCP), C.6 (information models).
"""

from collections.abc import Iterator

from pacsgate.gateway.dimse.exchange import Exchange
from pacsgate.gateway.dimse.operation import Operation
from pacsgate.gateway.dimse.query_answers import Asked, PageOfRows, refuse, tell, turn_down
from pacsgate.model.actions import Action
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.dimse.extended_negotiation import agreed
from pacsgate.protocols.dimse.find_request import Find, read_find, spelled
from pacsgate.protocols.dimse.find_response import RowWriter
from pacsgate.protocols.dimse.identifiers import Identifier, read_identifier
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.services.find_all import FindAll
from pacsgate.services.find_patients import FindPatients
from pacsgate.services.resolve import Answer, Refusal
from pacsgate.services.search import Findings, Found


class _RefusedError(Exception):
    """What is asked for, the subject may not search by."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__()
        self.refusal = refusal


def find(exchange: Exchange, operation: Operation) -> None:
    """Send each row that matches and that the subject may search."""
    bound = exchange.bind()
    never = bound.could(Action.SEARCH)
    if never is not None:
        refuse(exchange, operation, bound, Refusal(Answer.FORBIDDEN, never.reasons, never.revision))
        return
    try:
        identifier = _identifier(operation)
        wanted = read_find(
            identifier,
            agreed(
                exchange.established.extended.get(str(operation.context.abstract_syntax), b""),
                relational=exchange.gate.settings.relational_queries,
            ),
        )
        pending = Status.PENDING_WITHOUT_OPTIONAL_KEYS if wanted.ignores_keys else Status.PENDING
        asked = Asked(exchange, operation, bound, spelled(identifier), pending)
        writer = RowWriter(
            wanted,
            identifier.keys.characters,
            operation.transfer_syntax_uid,
            exchange.established.answered.called.ae_title,
        )
        tell(asked, _pages(exchange, wanted), lambda row: writer.row(row.attributes))
    except RequestError as error:
        turn_down(exchange, operation, bound, error)
    except _RefusedError as refused:
        refuse(exchange, operation, bound, refused.refusal)


def _identifier(operation: Operation) -> Identifier:
    root = operation.service.root
    if root is None:
        raise TypeError("a SOP class of C-FIND has an information model")
    return read_identifier(operation.identifier, operation.transfer_syntax_uid, root)


def _pages(exchange: Exchange, wanted: Find) -> Iterator[PageOfRows[Found]]:
    for page in _found(exchange, wanted):
        if isinstance(page, Refusal):
            raise _RefusedError(page)
        yield PageOfRows(page.rows, page.reasons, page.revision)


def _found(exchange: Exchange, wanted: Find) -> Iterator[Findings | Refusal]:
    walk = FindAll(exchange.gate.search, exchange.scope, exchange.archive, exchange.bind_again)
    if wanted.level is Level.PATIENT:
        return FindPatients(walk).pages(wanted.queries, wanted.counts)
    return walk.pages(wanted.queries)
