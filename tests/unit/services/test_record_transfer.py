"""Two events for each study of a transfer, and two more where it is an export; each says how much of that study."""

from pacsgate.audit.events import Actor, EventKind, Outcome
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.mask import NO_MASK
from pacsgate.ports import InstanceEntry, SeriesEntry, StudyEntry
from pacsgate.ports.sending import Sent
from pacsgate.services.judge_transfer import Transfer
from pacsgate.services.record import Circumstances
from pacsgate.services.record_transfer import Phase, begun, ended
from pacsgate.services.resolve import Part
from pacsgate.services.send_objects import Outgoing, Progress
from tests.support.indexing import CT_IMAGE, MAIN, SEEN

CIRCUMSTANCES = Circumstances(Context(SEEN, "r-1"), Actor("ann", verified=True))
WARD = "WARD@10.0.0.7:104"


def part(study: StudyEntry, series: SeriesEntry) -> Part:
    return Part(study, series, tuple(series.instances), NO_MASK)


def study(uid: str, *sizes: int) -> list[Part]:
    """The parts of a study, one for each series of so many instances."""
    series = tuple(
        SeriesEntry(
            f"{uid}.{number}",
            {},
            {},
            [InstanceEntry(f"{uid}.{number}.{n}", CT_IMAGE, "1.2", 1, None, None, {}) for n in range(size)],
        )
        for number, size in enumerate(sizes)
    )
    entry = StudyEntry(MAIN, uid, "P1", "", {}, {}, series, SEEN)
    return [part(entry, each) for each in series]


def transfer(action: Action) -> Transfer:
    return Transfer(action, (*study("1.1", 2, 1), *study("1.2", 4)), (), {}, ())


def carried_out(planned: Transfer, *, refused: str) -> Progress:
    objects = [Outgoing(each, instance, "1.2") for each in planned.parts for instance in each.instances]
    progress = Progress({each.key: each for each in objects})
    for each in objects:
        status = 0xA700 if each.instance.sop_instance_uid == refused else 0
        progress.count(each, Sent(status, 100))
    return progress


def test_a_retrieval_has_two_events_for_each_study() -> None:
    planned = transfer(Action.RETRIEVE)
    first = list(begun(CIRCUMSTANCES, planned, WARD))
    assert [(event.kind, event.count, event.recipient) for event in first] == [
        (EventKind.TRANSFER_BEGUN, 3, WARD),
        (EventKind.TRANSFER_BEGUN, 4, WARD),
    ]
    progress = carried_out(planned, refused="1.2.0.3")
    last = list(ended(CIRCUMSTANCES, planned, WARD, progress, Phase.COMPLETE, None))
    assert [(event.kind, event.count, event.bytes_sent, event.outcome) for event in last] == [
        (EventKind.INSTANCES_TRANSFERRED, 3, 300, Outcome.SUCCESS),
        (EventKind.INSTANCES_TRANSFERRED, 3, 300, Outcome.MINOR),
    ]


def test_what_goes_to_somebody_else_is_an_export_besides() -> None:
    planned = transfer(Action.EXPORT)
    kinds = [event.kind for event in begun(CIRCUMSTANCES, planned, WARD)]
    assert kinds == [EventKind.TRANSFER_BEGUN, EventKind.DATA_EXPORTED] * 2
    progress = Progress({})
    last = list(ended(CIRCUMSTANCES, planned, WARD, progress, Phase.BROKEN, "the peer is gone"))
    assert [event.kind for event in last] == [EventKind.INSTANCES_TRANSFERRED, EventKind.DATA_EXPORTED] * 2
    assert {(event.count, event.bytes_sent, event.details["cause"]) for event in last} == {
        (0, 0, "the peer is gone")
    }
