"""Objects of an archive, asked for by C-GET or C-MOVE, and received into the gate's spool.

Called by `fetching`.

Invariants:
- only objects that were asked for are taken; any other ends the association;
- a data set is written as it came, behind a head of the gate's own.

Standard: PS3.4 C.4.2 (C-MOVE), C.4.3 (C-GET), PS3.7 9.3.3, 9.3.4, PS3.10 7.1.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from pydicom.dataset import Dataset
from pydicom.uid import AllTransferSyntaxes
from pynetdicom.presentation import StoragePresentationContexts

from pacsgate.model.errors import ArchiveError
from pacsgate.model.resource import ResourceKey
from pacsgate.protocols.dimse.command_set import Command, CommandSet, Element, number_in, text_in
from pacsgate.protocols.dimse.data_sets import write_data_set
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.upstream.dimse.associations import Association
from pacsgate.upstream.dimse.connection import nonsense
from pacsgate.upstream.dimse.finding import MEDIUM_PRIORITY, query_proposal, required_context
from pacsgate.upstream.dimse.mailbox import Mailbox
from pacsgate.upstream.dimse.messages import Message
from pacsgate.upstream.dimse.negotiation import Proposal
from pacsgate.upstream.dimse.stored_objects import StoredDataSet
from pacsgate.upstream.dimse.writing import Writing
from pacsgate.upstream.spool import Incoming, Spool, SpooledFile

STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"
_SOME = 100
"""Pending responses beyond two for each object."""
_OVER = frozenset({Status.SUCCESS, Status.SUB_OPERATIONS_WITH_FAILURES, Status.CANNOT_PERFORM_SUB_OPERATIONS})
"""The archive has sent what it could send."""
MOST_CLASSES = 3
"""SOP classes for one association: each takes a context for every transfer syntax, so that whatever an
object is stored in has a context of its own and the archive need not convert."""
_LIKELY_SYNTAXES = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
)
STORED_SYNTAXES = tuple(dict.fromkeys((*_LIKELY_SYNTAXES, *map(str, AllTransferSyntaxes))))
"""What an object may be stored in, the likeliest first."""
_USUAL_CLASSES = tuple(str(context.abstract_syntax) for context in StoragePresentationContexts)
"""For archives that do not tell the class of an instance.  Of these the archive chooses the syntax."""


@dataclass(frozen=True, slots=True)
class Received:
    """One object in the spool, until the next one is asked for."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    file: SpooledFile


def retrieve_proposals(sop_class_uids: Sequence[str], syntaxes: Sequence[str]) -> list[Proposal]:
    """What to propose for objects of at most `MOST_CLASSES` classes, or for objects of any class."""
    query = query_proposal(STUDY_ROOT_GET)
    if not sop_class_uids:
        chosen = tuple(syntaxes)
        return [query, *(Proposal(sop_class, chosen, receives=True) for sop_class in _USUAL_CLASSES)]
    return [query] + [
        Proposal(sop_class, (syntax,), receives=True) for sop_class in sop_class_uids for syntax in syntaxes
    ]


def retrieve_identifier(key: ResourceKey) -> Dataset:
    """The identifier that names one study, series or instance."""
    identifier = Dataset()
    identifier.StudyInstanceUID = key.study_instance_uid
    identifier.QueryRetrieveLevel = "STUDY"
    if key.series_instance_uid is not None:
        identifier.SeriesInstanceUID = key.series_instance_uid
        identifier.QueryRetrieveLevel = "SERIES"
    if key.sop_instance_uid is not None:
        identifier.SOPInstanceUID = key.sop_instance_uid
        identifier.QueryRetrieveLevel = "IMAGE"
    return identifier


def move_objects(
    association: Association, key: ResourceKey, wanted: Collection[str], mailbox: Mailbox
) -> Iterator[Received]:
    """Each object below a key that the archive has sent to the gate, when it says that it has sent all.

    As `get_objects`; the objects come by associations of the archive's own (`receiver`).
    """
    context_id = required_context(association, STUDY_ROOT_MOVE)
    identifier = write_data_set(retrieve_identifier(key), association.transfer_syntax(context_id))
    with mailbox.awaiting(wanted) as wait:
        message_id = association.request(
            context_id,
            Command.C_MOVE_RQ,
            {
                Element.AFFECTED_SOP_CLASS_UID: STUDY_ROOT_MOVE,
                Element.PRIORITY: MEDIUM_PRIORITY,
                Element.MOVE_DESTINATION: mailbox.ae_title,
            },
            (identifier,),
        )
        for _ in range(2 * len(wanted) + _SOME):
            message = association.answer(Command.C_MOVE_RSP, message_id)
            if (status := number_in(message.command, Element.STATUS)) != Status.PENDING:
                break
        else:
            raise nonsense("pending responses without end")
        _require_answer(status)
        for uid, file in wait.arrived():
            head = StoredDataSet(file.path).head
            yield Received(head.sop_class_uid, uid, head.transfer_syntax_uid, file)


def get_objects(
    association: Association, key: ResourceKey, wanted: Collection[str], spool: Spool
) -> Iterator[Received]:
    """Each object below a key that the archive sends.

    `wanted` holds the SOP Instance UIDs that may come, each once.  What does not come, the caller
    misses.  Raises `ArchiveError`.
    """
    context_id = required_context(association, STUDY_ROOT_GET)
    identifier = write_data_set(retrieve_identifier(key), association.transfer_syntax(context_id))
    message_id = association.request(
        context_id,
        Command.C_GET_RQ,
        {Element.AFFECTED_SOP_CLASS_UID: STUDY_ROOT_GET, Element.PRIORITY: MEDIUM_PRIORITY},
        (identifier,),
    )
    still_wanted = set(wanted)
    told = 0
    is_answered = False
    try:
        while True:
            with _Arrival(association, still_wanted, spool) as arrival:
                message = association.receive(arrival.open)
                if arrival.incoming is not None:
                    yield arrival.taken(message)
                    continue
            association.expect(message, Command.C_GET_RSP, message_id)
            status = number_in(message.command, Element.STATUS)
            told += 1
            if status != Status.PENDING:
                is_answered = True
                _require_answer(status)
                return
            if told > 2 * len(wanted) + _SOME:
                raise nonsense("pending responses without end")
    finally:
        if not is_answered:
            association.abort()


class _Arrival:
    """The next message: an object's if it is one that is wanted.  A context manager, for its file."""

    def __init__(self, association: Association, wanted: set[str], spool: Spool) -> None:
        self._association = association
        self._wanted = wanted
        self._spool = spool
        self.incoming: Incoming | None = None

    def open(self, context_id: int, command: CommandSet) -> "Writing | None":
        """Take an object into the spool; anything else stays in memory."""
        if number_in(command, Element.COMMAND_FIELD) != Command.C_STORE_RQ:
            return None
        sop_class, uid = (
            text_in(command, Element.AFFECTED_SOP_CLASS_UID),
            text_in(command, Element.AFFECTED_SOP_INSTANCE_UID),
        )
        if uid not in self._wanted or sop_class != self._association.abstract_syntax(context_id):
            raise nonsense("an object that was not asked for")
        self._wanted.remove(uid)
        writing = Writing(self._spool)
        self.incoming = writing.incoming
        writing.begin(sop_class, uid, self._association.transfer_syntax(context_id))
        return writing

    def taken(self, message: Message) -> Received:
        """The whole object, which the archive now hears of."""
        if self.incoming is None:
            raise nonsense("an object without a data set")
        file = self.incoming.finish()
        self._association.respond(message.context_id, message.command, {Element.STATUS: Status.SUCCESS})
        return Received(
            text_in(message.command, Element.AFFECTED_SOP_CLASS_UID),
            text_in(message.command, Element.AFFECTED_SOP_INSTANCE_UID),
            self._association.transfer_syntax(message.context_id),
            file,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.incoming is not None:
            self.incoming.__exit__(None, None, None)


def _require_answer(status: int | None) -> None:
    if status not in _OVER:
        raise ArchiveError("the archive refuses to send", detail=f"status {status or 0:04X}")
