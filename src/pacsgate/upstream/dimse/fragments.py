"""Messages as PDUs: whole P-DATA-TF PDUs, many to a buffer, straight from an object's bytes.

Peers that take 16 KiB at a time are common; what costs is the system call, not the
header, so PDUs are collected into large buffers.

Called by `associations`, and by the door for its responses.

Invariants:
- a buffer holds whole PDUs only, so whoever writes it whole never splits one;
- every fragment but the last has an even length.

Standard: PS3.8 9.3.5 (P-DATA-TF), annex D.3 and E.2 (fragments and their control header).
"""

import struct
from collections.abc import Iterable, Iterator

from pacsgate.model.errors import ArchiveError
from pacsgate.ports import Chunk

_BUFFER_BYTES = 256 * 1024
"""Large enough for few system calls, small enough that the peer begins to read while we go on."""
_LEAST_MAXIMUM = 128
"""Peers that take less per PDU are refused: they would cost a header for every few bytes."""
_PDU_TYPE = 0x04
_ITEM_HEAD = 6
"""Item length, context id and control header of the one item in each PDU."""
_COMMAND, _LAST = 0x01, 0x02
_HEAD = struct.Struct(">BxLLBB")


def p_data(
    context_id: int, command: bytes, data_set: Iterable[Chunk], maximum_length: int
) -> Iterator[bytes]:
    """One message: its command set, and its data set as bytes that are given piece by piece.

    `maximum_length` is the peer's (0 for any).  Raises `ArchiveError` if it cannot be used.
    """
    longest = _longest_fragment(maximum_length)
    waiting: list[Chunk] = []
    size = 0
    for piece in _fragments(context_id, command, data_set, longest):
        waiting.append(piece)
        size += len(piece)
        if size >= _BUFFER_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def messages_alike(
    context_id: int, command: bytes, data_sets: Iterable[bytes], maximum_length: int
) -> Iterator[bytes]:
    """Messages that differ in their data sets only, each in one piece.

    Raises `ArchiveError` as `p_data` does.
    """
    longest = _longest_fragment(maximum_length)
    before = b"".join(_fragments(context_id, command, (), longest))
    for data_set in data_sets:
        if len(data_set) <= longest:
            yield b"".join((before, _head(context_id, _LAST, len(data_set)), data_set))
        else:
            yield b"".join((before, *_fragments(context_id, b"", (data_set,), longest)))


def _longest_fragment(maximum_length: int) -> int:
    if 0 < maximum_length < _LEAST_MAXIMUM:
        raise ArchiveError("the peer takes too few bytes at a time", detail=f"{maximum_length} bytes")
    return (min(maximum_length or _BUFFER_BYTES, _BUFFER_BYTES) - _ITEM_HEAD) & ~1


def _fragments(context_id: int, command: bytes, data_set: Iterable[Chunk], longest: int) -> Iterator[Chunk]:
    for start in range(0, len(command), longest):
        part = command[start : start + longest]
        control = _COMMAND | (_LAST if start + longest >= len(command) else 0)
        yield _head(context_id, control, len(part))
        yield part
    held = memoryview(b"")
    for chunk in data_set:
        # The last fragment says so, so one is held back until something follows it.
        held = memoryview(b"".join((held, chunk))) if held else memoryview(chunk)
        while len(held) > longest:
            yield _head(context_id, 0, longest)
            yield held[:longest]
            held = held[longest:]
    if held:
        yield _head(context_id, _LAST, len(held))
        yield held


def _head(context_id: int, control: int, size: int) -> bytes:
    return _HEAD.pack(_PDU_TYPE, size + _ITEM_HEAD, size + 2, context_id, control)
