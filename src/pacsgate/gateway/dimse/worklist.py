"""C-FIND of the Modality Worklist: asked of a configured worklist, answered with what the subject may see.

The worklist matches what the identifier says, and is asked for what decisions need besides.  Each item
that comes back is decided on; what is masked, or was not asked for, is taken out of it.

Called by `dispatch`.

Invariants:
- an item that cannot be read is not passed on.

Standard: PS3.4 annex K (Basic Worklist Management).
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from pydicom.dataset import Dataset

from pacsgate.dicom.attributes import keyword_of
from pacsgate.dicom.masking import mask_dataset
from pacsgate.dicom.reading import UNREADABLE
from pacsgate.gateway.dimse.exchange import Exchange
from pacsgate.gateway.dimse.operation import Operation
from pacsgate.gateway.dimse.query_answers import Asked, PageOfRows, refuse, tell, turn_down
from pacsgate.model.actions import Action
from pacsgate.model.decision import Deny, Reason, Revision
from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.protocols.dimse.data_sets import read_data_set, write_data_set
from pacsgate.protocols.dimse.find_request import spelled_keys
from pacsgate.protocols.dimse.identifiers import Keys, read_keys
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.protocols.dimse.worklist_keys import narrowed, widened
from pacsgate.services.judge_order import OrderJudge, needed_of_orders
from pacsgate.services.resolve import Answer, Refusal

_PAGE = 200
"""Items that are recorded and sent together."""


def find_worklist(exchange: Exchange, operation: Operation) -> None:
    """Send each item of the worklist that matches and that the subject may see."""
    bound = exchange.bind()
    try:
        keys = read_keys(operation.identifier, operation.transfer_syntax_uid)
        asked = Asked(exchange, operation, bound, f"C-FIND Modality Worklist?{spelled_keys(keys)}")
        matched = frozenset(_matched(keys))
        identifier = read_data_set(operation.identifier, operation.transfer_syntax_uid)
    except RequestError as error:
        turn_down(exchange, operation, bound, error)
        return
    constraint = bound.constraint(Action.SEARCH, matched)
    worklist = exchange.gate.worklists.get(exchange.scope)
    if isinstance(constraint, Deny):
        refuse(
            exchange,
            operation,
            bound,
            Refusal(Answer.FORBIDDEN, constraint.reasons, constraint.revision),
        )
    elif worklist is None:
        operation.respond(Status.SOP_CLASS_NOT_SUPPORTED, comment="no worklist is configured")
    else:
        judge = OrderJudge(
            exchange.gate.index,
            exchange.gate.permissions,
            exchange.scope,
            exchange.archive,
            bound,
            matched,
        )
        syntax = operation.transfer_syntax_uid
        items = worklist.find(widened(identifier, needed_of_orders(bound.policy)))
        tell(
            asked,
            _pages(_visible(items, judge), bound.revision),
            lambda item: _encoded(narrowed(item, identifier), syntax),
        )


def _matched(keys: Keys) -> Iterator[str]:
    """The keywords of the attributes that have a value, and of the sequences that such are in."""
    for tag in keys.elements:
        inside = [keyword for item in keys.items(tag) for keyword in _matched(item)]
        yield from inside
        if inside or keys.text(tag).strip(" "):
            yield keyword_of(tag) or tag


def _visible(items: Iterator[Dataset], judge: OrderJudge) -> Iterator[tuple[Dataset, Sequence[Reason]]]:
    for item in items:
        shown = judge.rule(item)
        if shown is not None:
            yield mask_dataset(item, shown.mask), shown.reasons


def _pages(
    visible: Iterator[tuple[Dataset, Sequence[Reason]]], revision: Revision
) -> Iterator[PageOfRows[Dataset]]:
    """The items by pages; the first even if there are none."""
    page = list(islice(visible, _PAGE))
    while True:
        reasons = dict.fromkeys(reason for _, each in page for reason in each)
        yield PageOfRows([item for item, _ in page], tuple(reasons), revision)
        page = list(islice(visible, _PAGE))
        if not page:
            return


def _encoded(item: Dataset, transfer_syntax_uid: str) -> bytes:
    try:
        return write_data_set(item, transfer_syntax_uid)
    except UNREADABLE as error:
        raise ArchiveError("the worklist sent an item that is none", detail=type(error).__name__) from None
