import pytest

from pacsgate.model.errors import TrailBroken
from tests.support.trail_directory import TrailDirectory


@pytest.fixture
def directory(tmp_path):
    directory = TrailDirectory(tmp_path)
    yield directory
    directory.restart_signer()


def test_an_empty_trail_is_intact(directory) -> None:
    directory.trail.mkdir(parents=True)
    found = directory.verify()
    assert found.is_intact
    assert (found.segments, found.records, found.manifests, found.last_signed_at) == (0, 0, 0, None)


def test_the_end_of_a_finished_segment_is_vouched_for_by_its_successor_before_any_manifest(directory) -> None:
    directory.write(8, segment_bytes=1500)
    first, *_ = directory.segments()
    first.write_bytes(b"".join(first.read_bytes().splitlines(keepends=True)[:-1]))
    (fault,) = directory.verify().faults
    assert fault.segment == first.stem
    assert "was cut" in fault.finding


def test_a_finished_segment_that_is_gone_is_missed_by_its_successor(directory) -> None:
    directory.write(8, segment_bytes=1500)
    first, *_ = directory.segments()
    first.unlink()
    (fault,) = directory.verify().faults
    assert (fault.segment, fault.position) == (first.stem, 0)


def test_a_torn_tail_is_stated_and_is_no_fault(directory) -> None:
    directory.write(3)
    directory.sign()
    (segment,) = directory.segments()
    segment.write_bytes(segment.read_bytes() + b'{"event":{"act')
    found = directory.verify()
    assert found.is_intact
    (torn,) = found.torn
    assert (torn.segment, torn.position, torn.size) == (segment.stem, 4, 14)


def test_a_signed_record_that_is_torn_is_a_fault(directory) -> None:
    directory.write(3)
    directory.sign()
    (segment,) = directory.segments()
    segment.write_bytes(segment.read_bytes()[:-1])
    found = directory.verify()
    assert [(fault.segment, fault.position) for fault in found.faults] == [(segment.stem, 3)]


def test_a_change_in_the_unsigned_tail_is_found_too(directory) -> None:
    directory.write(5)
    (segment,) = directory.segments()
    segment.write_bytes(segment.read_bytes().replace(b'"r2"', b'"r9"'))
    assert [fault.position for fault in directory.verify().faults] == [3]


def test_the_first_fault_is_raised_for_those_who_require_an_intact_trail(directory) -> None:
    directory.write(5)
    directory.verify().require_intact()
    (segment,) = directory.segments()
    segment.write_bytes(segment.read_bytes().replace(b'"r2"', b'"r9"'))
    with pytest.raises(TrailBroken) as broken:
        directory.verify().require_intact()
    assert (broken.value.segment, broken.value.position) == (segment.stem, 3)


def test_a_foreign_file_among_the_segments_is_a_fault_if_it_holds_records(directory) -> None:
    directory.write(2)
    (segment,) = directory.segments()
    segment.with_name("copy.jsonl").write_bytes(segment.read_bytes())
    assert [fault.segment for fault in directory.verify().faults] == ["copy"]
