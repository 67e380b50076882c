"""Every object ends as completed, failed or warned about, in the form that its receiver takes."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import pytest
from pydicom import dcmread
from pydicom.uid import JPEG2000, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacsgate.dicom.file_meta import read_part10_head
from pacsgate.model.errors import ArchiveError
from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.ports import ByteSource, InstanceEntry, SeriesEntry, StudyEntry
from pacsgate.ports.sending import PresentationContext, Sent
from pacsgate.services.resolve import Part
from pacsgate.services.send_objects import MAX_CONTEXTS, Outgoing, Progress, loads, outgoing, send_objects
from pacsgate.upstream.folder.archive import FolderArchive
from tests.support.indexing import MAIN, SEEN
from tests.support.objects import Part10, small_hospital, variant


@dataclass
class Receiver:
    """An association with somebody who takes some classes and syntaxes, and answers as it is told."""

    takes: Callable[[PresentationContext], bool] = lambda _: True
    answers: Mapping[int, int | Exception] = field(default_factory=dict)
    got: list[tuple[PresentationContext, bytes]] = field(default_factory=list)
    is_over: bool = False
    asked: int = 0

    def accepts(self, context: PresentationContext) -> bool:
        return self.takes(context)

    def send(
        self,
        source: ByteSource | Path,
        *,
        context: PresentationContext,
        sop_instance_uid: str,
        originator: tuple[str, int] | None = None,
    ) -> Sent:
        assert not isinstance(source, Path)
        data = b"".join(bytes(chunk) for chunk in source.chunks())
        assert read_part10_head(data).sop_instance_uid == sop_instance_uid
        assert originator == ("WS", 3)
        self.asked += 1
        answer = self.answers.get(self.asked, 0)
        if isinstance(answer, Exception):
            raise answer
        self.got.append((context, data))
        return Sent(answer, len(data))

    def abort(self) -> None:
        self.is_over = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return


@dataclass
class Stock:
    """An archive with some objects, and the parts that name them."""

    archive: FolderArchive
    objects: tuple[Part10, ...]

    def parts(self, mask: Mask = NO_MASK, *, syntax_known: bool = True) -> list[Part]:
        return [self._part(item, mask, syntax_known=syntax_known) for item in self.objects]

    def _part(self, item: Part10, mask: Mask, *, syntax_known: bool) -> Part:
        head = read_part10_head(item.data)
        syntax = head.transfer_syntax_uid if syntax_known else ""
        instance = InstanceEntry(
            head.sop_instance_uid, head.sop_class_uid, syntax, 1, len(item.data), item.digest, {}
        )
        series = SeriesEntry(str(item.key.series_instance_uid), {}, {}, (instance,))
        study = StudyEntry(MAIN, item.key.study_instance_uid, "P", "", {}, {}, (series,), SEEN)
        return Part(study, series, series.instances, mask)


@pytest.fixture
def stock(tmp_path: Path) -> Stock:
    archive = FolderArchive(ArchiveName("main"), tmp_path / "archive")
    objects = (*small_hospital(1, 1, 4), variant("JPEG2000.dcm", SOPInstanceUID="1.2.3.4.5"))
    for number, item in enumerate(objects):
        spooled = tmp_path / f"{number}.dcm"
        spooled.write_bytes(item.data)
        archive.store(item.key, spooled, item.digest)
    return Stock(archive, objects)


def send(stock: Stock, receiver: Receiver, parts: list[Part], **options: Callable[[], None]) -> Progress:
    items = list(outgoing(stock.archive, parts))
    progress = Progress({each.key: each for each in items})
    try:
        send_objects(stock.archive, items, receiver, progress, originator=("WS", 3), **options)
    except ArchiveError:
        progress.give_up()
    assert progress.completed + progress.warning + len(progress.failed) + len(progress.waiting) == len(items)
    return progress


def sent_bytes(receiver: Receiver) -> list[bytes]:
    return [data for _, data in receiver.got]


def test_objects_leave_as_they_are_stored(stock: Stock) -> None:
    receiver = Receiver()
    progress = send(stock, receiver, stock.parts())
    assert sent_bytes(receiver) == [item.data for item in stock.objects]
    assert (progress.completed, progress.failed, progress.waiting) == (5, [], {})
    assert sum(each.bytes_sent for each in progress.amounts.values()) == sum(
        len(item.data) for item in stock.objects
    )


def test_a_transfer_syntax_that_the_index_does_not_know_is_read_from_the_object(stock: Stock) -> None:
    items = list(outgoing(stock.archive, stock.parts(syntax_known=False)))
    known = list(outgoing(stock.archive, stock.parts()))
    assert [each.stored for each in items] == [each.stored for each in known]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_what_is_not_taken_as_stored_is_decoded(stock: Stock, syntax: str) -> None:
    receiver = Receiver(takes=lambda context: context.transfer_syntax_uid == syntax)
    assert send(stock, receiver, stock.parts()).completed == 5
    for item, data in zip(stock.objects, sent_bytes(receiver), strict=True):
        stored, sent = dcmread(io.BytesIO(item.data)), dcmread(io.BytesIO(data))
        assert sent.file_meta.TransferSyntaxUID == syntax
        assert sent.SOPInstanceUID == stored.SOPInstanceUID
        assert sent.PatientName == stored.PatientName
        assert (sent.pixel_array == stored.pixel_array).all()


def test_what_is_not_taken_at_all_fails(stock: Stock) -> None:
    picky = Receiver(takes=lambda context: context.transfer_syntax_uid == JPEG2000)
    progress = send(stock, picky, stock.parts())
    assert (progress.completed, len(progress.failed)) == (1, 4)


def test_what_a_mask_hides_does_not_leave(stock: Stock) -> None:
    receiver = Receiver()
    send(stock, receiver, stock.parts(Mask(frozenset({"PatientName"}))))
    for data in sent_bytes(receiver):
        assert "PatientName" not in dcmread(io.BytesIO(data))
        assert dcmread(io.BytesIO(data)).PixelData


def test_answers_are_counted_as_the_standard_means_them(stock: Stock) -> None:
    receiver = Receiver(answers={1: 0xB007, 2: 0xA700, 3: 0x0107, 4: 0x0124})
    progress = send(stock, receiver, stock.parts())
    assert (progress.completed, progress.warning, len(progress.failed)) == (1, 2, 2)
    assert sum(each.instances for each in progress.amounts.values()) == 3


def test_an_object_that_is_gone_fails_alone(stock: Stock) -> None:
    stock.archive.delete(stock.objects[1].key)
    progress = send(stock, Receiver(), stock.parts())
    assert (progress.completed, progress.failed) == (4, [stock.objects[1].key.sop_instance_uid])


def test_a_receiver_that_is_gone_ends_it(stock: Stock) -> None:
    receiver = Receiver(answers={3: ArchiveError("gone")}, is_over=True)
    progress = send(stock, receiver, stock.parts())
    assert (progress.completed, len(progress.failed), receiver.asked) == (2, 3, 3)


def test_an_archive_that_fails_three_times_in_a_row_is_not_asked_again(stock: Stock) -> None:
    receiver = Receiver(answers=dict.fromkeys(range(2, 9), ArchiveError("down")))
    assert send(stock, receiver, stock.parts()).completed == 1
    assert receiver.asked == 4
    damaged = Receiver(answers=dict.fromkeys((1, 2, 4), ArchiveError("damaged")))
    assert send(stock, damaged, stock.parts()).completed == 2


def test_nothing_more_is_begun_once_it_was_ended(stock: Stock) -> None:
    receiver = Receiver()
    parts = stock.parts()
    items = list(outgoing(stock.archive, parts))
    progress = Progress({each.key: each for each in items})

    def pause() -> None:
        progress.is_ended = receiver.asked == 2

    send_objects(stock.archive, items, receiver, progress, originator=("WS", 3), pause=pause)
    assert (progress.completed, len(progress.waiting)) == (2, 3)


def test_contexts_are_shared_out_to_as_few_associations_as_can_be(stock: Stock) -> None:
    (part, *_) = stock.parts()
    (instance,) = part.instances
    items = [
        Outgoing(part, replace(instance, sop_instance_uid=f"1.{n}", sop_class_uid=f"1.2.{n % 100}"), "1.9")
        for n in range(300)
    ]
    plain = replace(instance, sop_class_uid="1.3")
    items.insert(0, Outgoing(part, plain, str(ExplicitVRLittleEndian)))
    shared = list(loads(items))
    assert [item for load in shared for item in load.objects] == items
    assert all(len(load.contexts) <= MAX_CONTEXTS for load in shared)
    assert all(set(each.contexts) <= set(load.contexts) for load in shared for each in load.objects)
    assert len(list(loads(items[:1] * 5000))) == 1


def test_keys_name_each_object_once(stock: Stock) -> None:
    items = list(outgoing(stock.archive, stock.parts()))
    assert {each.key for each in items} == {
        ResourceKey(item.key.study_instance_uid, item.key.series_instance_uid, item.key.sop_instance_uid, "P")
        for item in stock.objects
    }
