"""C-FIND of the Patient Root and Study Root models: four levels, one handler.

The index answers, within what the subject may search.

Called by `dispatch`.

Standard: PS3.4 C.4.1 (C-FIND SCP), C.6 (information models).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, repeat

from pacsgate.gateway.dimse.exchange import Exchange
from pacsgate.gateway.dimse.operation import Operation
from pacsgate.gateway.dimse.query_answers import Asked, PageOfRows, refuse, tell, turn_down
from pacsgate.model.actions import Action
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.policy.engine import Bound
from pacsgate.protocols.dimse.extended_negotiation import QueryExtensions, agreed
from pacsgate.protocols.dimse.find_request import Find, read_find, spelled
from pacsgate.protocols.dimse.find_response import RowWriter, row_writer
from pacsgate.protocols.dimse.identifiers import read_identifier
from pacsgate.protocols.dimse.services import Root
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.services.find_all import FindAll
from pacsgate.services.find_patients import FindPatients
from pacsgate.services.resolve import Answer, Refusal
from pacsgate.services.search import Findings, Found

_REMEMBERED = 1024
"""Identifiers that need not be read again: workstations send the same ones every few seconds."""
_LONGEST_REMEMBERED = 2048
"""Bytes of an identifier; longer ones list UIDs, and do not come twice."""


class _RefusedError(Exception):
    """What is asked for, the subject may not search by."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__()
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an identifier says."""

    find: Find
    said: str
    """The search as the trail names it."""
    writer: RowWriter


def find(exchange: Exchange, operation: Operation) -> None:
    """Send each row that matches and that the subject may search."""
    bound = exchange.bind()
    never = bound.could(Action.SEARCH)
    if never is not None:
        refuse(exchange, operation, bound, Refusal(Answer.FORBIDDEN, never.reasons, never.revision))
        return
    try:
        wanted = _wanted(exchange, operation)
        find = wanted.find
        pending = Status.PENDING_WITHOUT_OPTIONAL_KEYS if find.ignores_keys else Status.PENDING
        asked = Asked(exchange, operation, bound, wanted.said, pending)
        tell(asked, _pages(exchange, find, bound), lambda row: wanted.writer.row(row.attributes))
    except RequestError as error:
        turn_down(exchange, operation, bound, error)
    except _RefusedError as refused:
        refuse(exchange, operation, bound, refused.refusal)


def _wanted(exchange: Exchange, operation: Operation) -> _Wanted:
    root = operation.service.root
    if root is None:
        raise TypeError("a SOP class of C-FIND has an information model")
    extensions = agreed(
        exchange.established.extended.get(str(operation.context.abstract_syntax), b""),
        relational=exchange.gate.settings.relational_queries,
    )
    title = exchange.established.answered.called.ae_title
    encoded = operation.identifier
    read = _read_again if len(encoded) <= _LONGEST_REMEMBERED else _read
    return read(encoded, operation.transfer_syntax_uid, root, extensions, title)


def _read(
    encoded: bytes, transfer_syntax_uid: str, root: Root, extensions: QueryExtensions, ae_title: str
) -> _Wanted:
    identifier = read_identifier(encoded, transfer_syntax_uid, root)
    find = read_find(identifier, extensions)
    writer = row_writer(find, identifier.keys.characters, transfer_syntax_uid, ae_title)
    return _Wanted(find, spelled(identifier), writer)


_read_again = lru_cache(maxsize=_REMEMBERED)(_read)


def _pages(exchange: Exchange, wanted: Find, bound: Bound) -> Iterator[PageOfRows[Found]]:
    for page in _found(exchange, wanted, bound):
        if isinstance(page, Refusal):
            raise _RefusedError(page)
        yield PageOfRows(page.rows, page.reasons, page.revision)


def _found(exchange: Exchange, wanted: Find, bound: Bound) -> Iterator[Findings | Refusal]:
    # The first page is decided by the rules that were in force a moment ago, when the search was read.
    rules = chain((bound,), (exchange.bind_again() for _ in repeat(None)))
    walk = FindAll(exchange.gate.search, exchange.scope, exchange.archive, rules.__next__)
    if wanted.level is Level.PATIENT:
        return FindPatients(walk).pages(wanted.queries, wanted.counts)
    return walk.pages(wanted.queries)
