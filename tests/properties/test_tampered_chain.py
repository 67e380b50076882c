"""A tampered chain never verifies: whatever is done to a record before the last manifest is found, and where.

One trail of two segments, anchored in several places and with an unanchored tail, is written once.  Each example
tampers with a copy of it as somebody could who can write every file of the data directory, but has not the key.
"""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.audit.canonical import encode_event
from pacsgate.audit.chain import SegmentWalk, begin, decode_genesis, link, parse
from pacsgate.audit.manifest import MANIFESTS
from pacsgate.sinks.signing_key import VerifyingKey
from pacsgate.sinks.trail_files import manifest_paths, segment_names, segment_path
from pacsgate.sinks.trail_verification import Fault, Verification, verify
from tests.support.events import numbered
from tests.support.trail_directory import TrailDirectory

SIGNED = 12
"""Records of each segment that a manifest covers (the genesis and eleven events)."""
TAIL = 3
"""Events of the second segment after the last manifest."""


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> TrailDirectory:
    directory = TrailDirectory(tmp_path_factory.mktemp("original"))
    for tail in (0, TAIL):
        trail = directory.open()
        for number in range(SIGNED - 1):
            trail.record(numbered(number))
            if number in {2, 7, SIGNED - 2}:
                directory.sign()
        for number in range(tail):
            trail.record(numbered(100 + number))
        trail.close()
        directory.clock.advance(hours=1)
    directory.restart_signer()
    return directory


class Copy:
    """The copy that one example tampers with."""

    def __init__(self, original: TrailDirectory, root: Path) -> None:
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(original.root, root)
        self.trail = root / "data" / "trail"
        self.key = VerifyingKey(root / "keys" / "trail.pub")
        self.names = segment_names(self.trail)

    def lines(self, segment: int) -> list[bytes]:
        return segment_path(self.trail, self.names[segment]).read_bytes().splitlines(keepends=True)

    def put(self, segment: int, lines: list[bytes]) -> None:
        segment_path(self.trail, self.names[segment]).write_bytes(b"".join(lines))

    def verify(self) -> Verification:
        return verify(self.trail, self.key)

    def fault_in(self, segment: int) -> Fault:
        found = self.verify()
        assert not found.is_intact
        assert found.faults, "not intact"
        return next(fault for fault in found.faults if fault.segment == self.names[segment])


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("tampered") / "copy"


segments = st.integers(0, 1)
positions = st.integers(0, SIGNED - 1)
later_positions = st.integers(1, SIGNED - 1)


def forged(lines: list[bytes], position: int) -> bytes:
    """A well-formed record that says something else, chained to the one before it."""
    before = parse(lines[position - 1]) if position else None
    if before is None:
        genesis = decode_genesis(parse(lines[0]).payload)
        return begin(type(genesis)(genesis.segment, "forged", genesis.host, genesis.started))[0]
    walk = SegmentWalk(decode_genesis(parse(lines[0]).payload).segment, lines[:position])
    for _ in walk:
        pass
    return link(walk.head, encode_event(numbered(9999)))[0]


def test_the_original_verifies(original, root) -> None:
    found = Copy(original, root).verify()
    assert found.is_intact
    assert (found.segments, found.records, found.unanchored) == (2, 2 * SIGNED + TAIL, TAIL)
    assert found.manifests == 6


@given(segments, positions, st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_a_changed_byte_is_found_at_its_record(original, root, segment, position, where, mask) -> None:
    copy = Copy(original, root)
    lines = copy.lines(segment)
    line = bytearray(lines[position])
    line[int(where * len(line))] ^= mask
    lines[position] = bytes(line)
    copy.put(segment, lines)
    assert copy.fault_in(segment).position == position


@given(segments, positions)
def test_a_removed_record_is_found_where_it_was(original, root, segment, position) -> None:
    copy = Copy(original, root)
    lines = copy.lines(segment)
    del lines[position]
    copy.put(segment, lines)
    assert copy.fault_in(segment).position == position


@given(segments, positions, positions)
def test_an_inserted_copy_is_found_where_it_was_put(original, root, segment, source, position) -> None:
    copy = Copy(original, root)
    lines = copy.lines(segment)
    lines.insert(position, lines[source])
    copy.put(segment, lines)
    # A copy put right before its original takes its place; then the original is the one too many.
    assert copy.fault_in(segment).position == position + (source == position)


@given(segments, later_positions)
def test_an_inserted_forgery_is_found_by_the_record_after_it(original, root, segment, position) -> None:
    copy = Copy(original, root)
    lines = copy.lines(segment)
    lines.insert(position, forged(lines, position))
    copy.put(segment, lines)
    assert copy.fault_in(segment).position in {position, position + 1}


@given(segments, positions, positions)
def test_exchanged_records_are_found_at_the_first_of_them(original, root, segment, one, other) -> None:
    copy = Copy(original, root)
    lines = copy.lines(segment)
    lines[one], lines[other] = lines[other], lines[one]
    copy.put(segment, lines)
    if one == other:
        assert copy.verify().is_intact
    else:
        assert copy.fault_in(segment).position == min(one, other)


@given(segments, positions, st.floats(0, 1, exclude_max=True))
def test_a_cut_segment_is_found_where_it_was_cut(original, root, segment, position, where) -> None:
    copy = Copy(original, root)
    lines = copy.lines(segment)
    copy.put(segment, [*lines[:position], lines[position][: int(where * len(lines[position]))]])
    assert copy.fault_in(segment).position == position


@given(segments, positions)
def test_a_rehashed_forgery_contradicts_its_neighbour_or_a_manifest(
    original, root, segment, position
) -> None:
    copy = Copy(original, root)
    lines = copy.lines(segment)
    lines[position] = forged(lines, position)
    copy.put(segment, lines)
    assert copy.fault_in(segment).position in {position, position + 1}


@given(segments, positions)
def test_a_segment_chained_anew_contradicts_the_next_manifest(original, root, segment, position) -> None:
    copy = Copy(original, root)
    lines = copy.lines(segment)
    tampered = [*lines[:position], forged(lines, position)]
    for line in lines[position + 1 :]:
        walk = SegmentWalk(copy.names[segment], tampered)
        for _ in walk:
            pass
        tampered.append(link(walk.head, parse(line).payload)[0])
    copy.put(segment, tampered)
    anchors = [4 - 1, 9 - 1, SIGNED - 1]
    assert copy.fault_in(segment).position == min(anchor for anchor in anchors if anchor >= position)


@given(segments)
def test_a_missing_segment_is_named(original, root, segment) -> None:
    copy = Copy(original, root)
    segment_path(copy.trail, copy.names[segment]).unlink()
    assert "missing" in copy.fault_in(segment).finding


def test_segments_that_took_each_others_name_are_found(original, root) -> None:
    copy = Copy(original, root)
    first, second = copy.lines(0), copy.lines(1)
    copy.put(0, second)
    copy.put(1, first)
    assert copy.fault_in(0).position == copy.fault_in(1).position == 0


def manifest_lines(copy: Copy) -> tuple[Path, list[bytes]]:
    (path,) = manifest_paths(copy.trail)
    return path, path.read_bytes().splitlines(keepends=True)


@given(st.integers(0, 5), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_a_changed_manifest_is_found_by_its_number(original, root, number, where, mask) -> None:
    copy = Copy(original, root)
    path, lines = manifest_lines(copy)
    line = bytearray(lines[number])
    line[int(where * len(line))] ^= mask
    lines[number] = bytes(line)
    path.write_bytes(b"".join(lines))
    (fault, *_) = copy.verify().faults
    assert (fault.segment, fault.position) == (MANIFESTS, number)


@given(st.integers(0, 5))
def test_a_rollback_of_manifests_is_found_by_the_mark_beside_the_key(original, root, kept) -> None:
    copy = Copy(original, root)
    path, lines = manifest_lines(copy)
    path.write_bytes(b"".join(lines[:kept]))
    (fault, *_) = copy.verify().faults
    assert (fault.segment, fault.position) == (MANIFESTS, kept)


@given(st.integers(0, 5))
def test_a_removed_manifest_is_found_by_its_number(original, root, number) -> None:
    copy = Copy(original, root)
    path, lines = manifest_lines(copy)
    del lines[number]
    path.write_bytes(b"".join(lines))
    (fault, *_) = copy.verify().faults
    assert (fault.segment, fault.position) == (MANIFESTS, number)


def test_manifests_of_another_key_do_not_verify(original, root, tmp_path) -> None:
    copy = Copy(original, root)
    other = TrailDirectory(tmp_path)
    copy.key = VerifyingKey(other.key_path.with_suffix(".pub"))
    (fault, *_) = copy.verify().faults
    assert (fault.segment, fault.position) == (MANIFESTS, 0)
    assert "signature" in fault.finding


def test_every_fault_is_reported_not_only_the_first(original, root) -> None:
    copy = Copy(original, root)
    for segment in (0, 1):
        lines = copy.lines(segment)
        copy.put(segment, lines[:2])
    assert len(copy.verify().faults) == 2


def test_the_unanchored_tail_is_the_one_thing_that_can_be_cut_unseen_and_its_length_is_stated(
    original, root
) -> None:
    copy = Copy(original, root)
    copy.put(1, copy.lines(1)[:SIGNED])
    found = copy.verify()
    assert found.is_intact
    assert found.unanchored == 0
