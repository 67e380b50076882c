"""The sub-operations of a retrieve request: each object sent, one after another, and counted.

An object leaves as it is stored where the receiver takes that and nothing in it is
hidden; else decoded, in Explicit or Implicit VR Little Endian; else it fails.
`plan` groups objects by the presentation contexts that one association can have.

`Progress` says what has become of them, also to another thread, and ends the sending
when that asks it to.

Called by the DICOM door for C-MOVE and C-GET; calls `ports.Sending`.

Invariants:
- completed, failed, warning and waiting objects are all objects, each once;
- an archive that failed in the middle of an object, or three times in a row, is not asked again;
- an object and its bytes count as sent when the receiver has answered that it took them.

Standard: PS3.4 B.2.3 (C-STORE statuses), C.4.2.1.6 to C.4.2.1.9, C.4.3.1.4 (counts).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacsgate.dicom.file_meta import read_part10_head
from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.model.resource import ResourceKey
from pacsgate.ports import Archive, ByteSource, InstanceEntry
from pacsgate.ports.sending import PresentationContext, Sending, Sent
from pacsgate.services.read_ahead import FetchedObject, ReadAhead
from pacsgate.services.resolve import Part
from pacsgate.services.rewritten_object import rewritten

MAX_CONTEXTS = 128
"""Of one association: context ids are the odd numbers up to 255 (PS3.8 9.3.2.2)."""

DECODED = (str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))
"""What everything can be decoded to, better first; every receiver takes the second (PS3.5 10.1)."""

_PATIENCE = 3
"""Objects in a row that an archive may fail to give: one is damaged, three are an archive that is down."""
_WARNINGS = frozenset({0x0001, 0x0107, 0x0116})
"""General warnings (PS3.7 annex C), besides those of Bxxx."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One object to send, and the transfer syntax in which it is stored."""

    part: Part
    instance: InstanceEntry
    transfer_syntax_uid: str

    @property
    def key(self) -> ResourceKey:
        """Its name."""
        return self.part.key_of(self.instance)

    @property
    def stored(self) -> PresentationContext:
        """The context in which it leaves as stored."""
        return PresentationContext(self.instance.sop_class_uid, self.transfer_syntax_uid)

    @property
    def contexts(self) -> tuple[PresentationContext, ...]:
        """The contexts in which it can leave, best first: as stored, or decoded.

        None for an object whose class or transfer syntax is not known, or is no UID.
        """
        sop_class = self.instance.sop_class_uid
        if not is_valid_uid(sop_class) or not is_valid_uid(self.transfer_syntax_uid):
            return ()
        decoded = (PresentationContext(sop_class, syntax) for syntax in DECODED)
        return tuple(dict.fromkeys((self.stored, *decoded)))


@dataclass(slots=True)
class Amount:
    """What was sent of one study."""

    instances: int = 0
    bytes_sent: int = 0


@dataclass(slots=True)
class Progress:
    """What has become of each object.  One thread counts, another may look."""

    waiting: dict[ResourceKey, Outgoing]
    completed: int = 0
    failed: list[str] = field(default_factory=list)
    """SOP Instance UIDs."""
    warning: int = 0
    amounts: dict[int, Amount] = field(default_factory=dict)
    """By the identity of the study's entry."""
    current: Part | None = None
    """What is being sent, or is about to be."""
    is_ended: bool = False
    """Set from outside, nothing more is begun."""

    def count(self, outgoing: Outgoing, sent: Sent) -> None:
        """Note the receiver's answer about an object."""
        if not _is_taken(sent.status):
            self.fail(outgoing)
            return
        amount = self.amounts.setdefault(id(outgoing.part.study), Amount())
        amount.instances += 1
        amount.bytes_sent += sent.bytes_sent
        if sent.status:
            self.warning += 1
        else:
            self.completed += 1
        del self.waiting[outgoing.key]

    def fail(self, outgoing: Outgoing) -> None:
        """Note that an object could not be sent."""
        self.failed.append(outgoing.instance.sop_instance_uid)
        del self.waiting[outgoing.key]

    def give_up(self) -> None:
        """Whatever is still waiting has failed."""
        for outgoing in tuple(self.waiting.values()):
            self.fail(outgoing)


def _is_taken(status: int) -> bool:
    return status == 0 or status in _WARNINGS or status >> 12 == 0xB


@dataclass(frozen=True, slots=True)
class Load:
    """What one association takes: the contexts to propose, and the objects."""

    contexts: tuple[PresentationContext, ...]
    objects: tuple[Outgoing, ...]


def outgoing(archive: Archive, parts: Iterable[Part]) -> Iterator[Outgoing]:
    """Every instance of `parts`.  Where the index does not know a transfer syntax, the object is looked into.

    Raises `ArchiveError`; an object that is gone comes without a transfer syntax, and will fail.
    """
    for part in parts:
        for instance in part.instances:
            syntax = instance.transfer_syntax_uid or _syntax_of(archive, part.key_of(instance))
            yield Outgoing(part, instance, syntax)


def _syntax_of(archive: Archive, key: ResourceKey) -> str:
    try:
        return read_part10_head(bytes(next(iter(archive.open(key).chunks()), b""))).transfer_syntax_uid
    except RequestError:
        return ""


def loads(objects: Sequence[Outgoing]) -> Iterator[Load]:
    """The objects in their order, in as few associations as the contexts that they need allow."""
    contexts: dict[PresentationContext, None] = {}
    taken: list[Outgoing] = []
    for each in objects:
        needed = dict.fromkeys(each.contexts)
        if len(contexts | needed) > MAX_CONTEXTS:
            yield Load(tuple(contexts), tuple(taken))
            contexts, taken = {}, []
        contexts |= needed
        taken.append(each)
    if taken:
        yield Load(tuple(contexts), tuple(taken))


def send_objects(
    archive: Archive,
    objects: Iterable[Outgoing],
    sending: Sending,
    progress: Progress,
    *,
    originator: tuple[str, int] | None = None,
    pause: Callable[[], None] = lambda: None,
) -> None:
    """Send objects over one association.  `pause` is called before each, and may end this by raising.

    Raises `ArchiveError` when receiver or archive is gone; the association is then of no more use.
    """
    ways = list(_ways(objects, sending))
    opens = (partial(_open, archive, each, way) for each, way in ways if way is not None)
    in_a_row = 0
    with ReadAhead(opens) as ahead:
        for each, way in ways:
            progress.current = each.part
            pause()
            if progress.is_ended:
                return
            if way is None:
                progress.fail(each)
                continue
            try:
                uid = each.instance.sop_instance_uid
                sent = sending.send(ahead.next(), context=way, sop_instance_uid=uid, originator=originator)
            except RequestError:  # gone, or not to be decoded
                progress.fail(each)
            except ArchiveError:
                in_a_row += 1
                if sending.is_over or in_a_row == _PATIENCE:
                    raise
                progress.fail(each)
            else:
                in_a_row = 0
                progress.count(each, sent)


def _ways(
    objects: Iterable[Outgoing], sending: Sending
) -> Iterator[tuple[Outgoing, PresentationContext | None]]:
    """The context in which each object leaves; `None` if the receiver takes it in none."""
    accepted: dict[PresentationContext, bool] = {}
    for each in objects:
        for context in each.contexts:
            if context not in accepted:
                accepted[context] = sending.accepts(context)
        yield each, next((context for context in each.contexts if accepted[context]), None)


def _open(archive: Archive, each: Outgoing, way: PresentationContext) -> ByteSource:
    if way == each.stored and each.part.mask.hides_nothing:
        return archive.open(each.key)
    syntax = None if way == each.stored else way.transfer_syntax_uid
    changed = rewritten(archive, each.key, each.part.mask, syntax)
    return FetchedObject(changed, lambda: None, len(changed))
