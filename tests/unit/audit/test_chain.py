import pytest

from pacsgate.audit.canonical import encode_event
from pacsgate.audit.chain import Genesis, Head, SegmentWalk, begin, decode_genesis, link, parse
from pacsgate.model.errors import TrailBroken
from tests.support.events import READ, numbered

GENESIS = Genesis("s1", "http-1", "gate.example", READ.at, Head("s0", 7, "ab" * 32, 4096), refused=2)


def segment(count: int, genesis: Genesis = GENESIS) -> list[bytes]:
    line, head = begin(genesis)
    lines = [line]
    for number in range(count):
        line, head = link(head, encode_event(numbered(number)))
        lines.append(line)
    return lines


def walk(lines, name="s1", after=None) -> SegmentWalk:
    segment_walk = SegmentWalk(name, lines, after)
    for _ in segment_walk:
        pass
    return segment_walk


def test_a_segment_starts_with_whose_it_is() -> None:
    record = parse(segment(0)[0])
    assert record is not None
    assert record.is_genesis
    assert decode_genesis(record.payload) == GENESIS


def test_a_walk_ends_at_the_head_that_writing_ended_with() -> None:
    lines = segment(3)
    head = walk(lines).head
    assert head is not None
    assert (head.seq, head.size) == (3, sum(map(len, lines)))


def test_a_walk_can_go_on_from_where_another_ended() -> None:
    lines = segment(6)
    half = walk(lines[:4]).head
    assert walk(lines[4:], after=half).head == walk(lines).head


def test_a_half_written_record_is_torn_not_changed() -> None:
    lines = segment(3)
    torn = walk([*lines[:-1], lines[-1][:-1]])
    assert torn.position == 3
    assert torn.torn_bytes == len(lines[-1]) - 1


def test_zeros_after_a_power_failure_are_torn() -> None:
    assert walk([*segment(2), b"\0" * 512 + b"\n", b"\0" * 512]).torn_bytes == 1025


def test_an_unreadable_record_before_a_readable_one_was_changed() -> None:
    lines = segment(4)
    lines[2] = lines[2][:-20] + b"\n"
    with pytest.raises(TrailBroken, match="cannot be read") as broken:
        walk(lines)
    assert broken.value.position == 2


def test_a_segment_under_another_name_does_not_verify() -> None:
    with pytest.raises(TrailBroken, match="another segment"):
        walk(segment(1), name="s2")


def test_a_segment_without_its_beginning_does_not_verify() -> None:
    with pytest.raises(TrailBroken) as broken:
        walk(segment(3)[1:])
    assert broken.value.position == 0


def test_an_event_cannot_stand_in_for_the_genesis() -> None:
    line, _ = link(Head("s1", -1, "0" * 64, 0), encode_event(READ))
    with pytest.raises(TrailBroken, match="wrong kind"):
        walk([line])


def test_a_rehashed_record_contradicts_the_one_after_it() -> None:
    lines = segment(4)
    before = walk(lines[:2]).head
    lines[2], _ = link(before, encode_event(numbered(99)))
    with pytest.raises(TrailBroken) as broken:
        walk(lines)
    assert broken.value.position == 3


@pytest.mark.parametrize("payload", [b"[]", b"{}", b"not json", b'{"previous":{},"segment":"s1"}'])
def test_a_genesis_that_says_nothing_is_refused(payload) -> None:
    with pytest.raises(ValueError):
        decode_genesis(payload)


def test_a_record_that_follows_but_skips_a_number_does_not_verify() -> None:
    lines = segment(2)
    head = walk(lines).head
    skipping, _ = link(head._replace(seq=head.seq + 1), encode_event(READ))
    with pytest.raises(TrailBroken, match="record 3 is missing: record 4 stands in its place"):
        walk([*lines, skipping])
