"""The hash chain: records that cannot be changed without contradicting one another.

A segment is the file of one process: lines of JSON, one record each.  Record 0
is the genesis, which says whose segment it is and which segment it continues;
every other record holds one event.  A record carries its position (`seq`), the
digest of the record before it (`prev`) and its own digest (`hash`), which is the
SHA-256 of `prev`, `seq` and the payload, separated by line feeds.

The chain alone shows what was edited in place.  Whoever can write the file can
also compute a new chain; that the old one existed is what `manifest` proves.

**Torn or changed.**  A process that dies while it writes leaves a tail that is
no record.  That is what `SegmentWalk` calls torn: from the first line that
cannot be read, no readable record follows.  A torn tail was acknowledged to
nobody, is left as it is, and the next process starts a segment of its own.  A
line that cannot be read *before* a readable one was changed by somebody.

Called by `sinks.segments` (which writes), `sinks.manifests` and
`sinks.trail_reader` (which read).

Invariants:
- flipping, moving, inserting or removing any record but the last ones of a
  segment makes `SegmentWalk` raise, at that position or the one after it;
- a segment under another segment's name does not verify.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pacsgate.audit.canonical import canonical, decode_time, encode_time
from pacsgate.model.errors import TrailBroken

NO_RECORD = "0" * 64
"""What the genesis has for `prev`."""

_LINE = re.compile(
    rb'\{"(event|genesis)":(\{.*\}),"hash":"([0-9a-f]{64})","prev":"([0-9a-f]{64})","seq":(0|[1-9][0-9]{0,17})\}\n'
)


class Head(NamedTuple):
    """The last record of a segment: its position, its digest, and the size of the file up to its end."""

    segment: str
    seq: int
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Genesis:
    """Whose segment this is.

    `previous` is the head of the segment that the same process filled before.
    `refused` counts the events that it could not write in between, each of which
    was refused to its submitter.
    """

    segment: str
    process: str
    host: str
    started: datetime
    previous: Head | None = None
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a segment.  `payload` is canonical JSON: of the genesis at position 0, else of an event."""

    is_genesis: bool
    payload: bytes
    digest: str
    previous: str
    seq: int


def begin(genesis: Genesis) -> tuple[bytes, Head]:
    """The first line of a segment, and the head that it makes."""
    payload = canonical(
        {
            "host": genesis.host,
            "previous": encode_head(genesis.previous) if genesis.previous else None,
            "process": genesis.process,
            "refused": genesis.refused,
            "segment": genesis.segment,
            "started": encode_time(genesis.started),
        }
    )
    return _line(b"genesis", Head(genesis.segment, -1, NO_RECORD, 0), payload)


def link(head: Head, event: bytes) -> tuple[bytes, Head]:
    """The line that adds a canonical event after `head`, and the head that it makes."""
    return _line(b"event", head, event)


def parse(line: bytes) -> Record | None:
    """The record that a line holds, with its digest as claimed; `None` if it holds none."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    kind, payload, digest, previous, seq = found.groups()
    return Record(kind == b"genesis", payload, digest.decode(), previous.decode(), int(seq))


def decode_genesis(payload: bytes) -> Genesis:
    """The genesis that a record's payload holds.  Raises `ValueError`."""
    try:
        raw = json.loads(payload)
        return Genesis(
            segment=raw["segment"],
            process=raw["process"],
            host=raw["host"],
            started=decode_time(raw["started"]),
            previous=decode_head(raw["previous"]) if raw["previous"] is not None else None,
            refused=raw["refused"],
        )
    except (AttributeError, KeyError, TypeError) as problem:
        raise ValueError("not the genesis of a segment") from problem


def encode_head(head: Head) -> dict[str, Any]:
    """A head as a JSON object."""
    return {"hash": head.digest, "segment": head.segment, "seq": head.seq, "size": head.size}


def decode_head(raw: Any) -> Head:
    """The reverse of `encode_head`.  Raises `KeyError` or `TypeError`."""
    return Head(raw["segment"], raw["seq"], raw["hash"], raw["size"])


class SegmentWalk:
    """Goes through the lines of a segment once, checking every link.

    Iterating yields records and raises `TrailBroken` at the first that does not
    follow.  `head` is the last good record so far; `torn_bytes` is the length of
    a torn tail, known when the iteration has ended.  With `after`, `lines` start
    right behind that head.
    """

    def __init__(self, segment: str, lines: Iterable[bytes], after: Head | None = None) -> None:
        self.segment = segment
        self.head = after
        self.torn_bytes = 0
        self._lines = iter(lines)

    def __iter__(self) -> Iterator[Record]:
        for line in self._lines:
            record = parse(line)
            if record is None:
                self._end_torn(line)
                return
            self._check(record)
            size = self.head.size if self.head else 0
            self.head = Head(self.segment, record.seq, record.digest, size + len(line))
            yield record

    @property
    def position(self) -> int:
        """Where the next record belongs."""
        return self.head.seq + 1 if self.head else 0

    def _check(self, record: Record) -> None:
        if record.digest != _digest(record.previous.encode(), record.seq, record.payload):
            raise self._broken("was changed")
        if record.seq != self.position:
            raise self._broken(f"is missing: record {record.seq} stands in its place")
        if record.previous != (self.head.digest if self.head else NO_RECORD):
            raise self._broken("does not follow the one before it")
        if record.is_genesis is not (record.seq == 0):
            raise self._broken("is of the wrong kind")
        if record.is_genesis and not self._is_ours(record.payload):
            raise self._broken("belongs to another segment")

    def _is_ours(self, payload: bytes) -> bool:
        try:
            return decode_genesis(payload).segment == self.segment
        except ValueError:
            return False

    def _end_torn(self, line: bytes) -> None:
        torn = len(line)
        for later in self._lines:
            if parse(later) is not None:
                raise self._broken("cannot be read")
            torn += len(later)
        self.torn_bytes = torn

    def _broken(self, what: str) -> TrailBroken:
        return TrailBroken(
            f"trail segment `{self.segment}`: record {self.position} {what}",
            segment=self.segment,
            position=self.position,
        )


def _line(kind: bytes, head: Head, payload: bytes) -> tuple[bytes, Head]:
    seq, previous = head.seq + 1, head.digest.encode()
    digest = _digest(previous, seq, payload)
    line = b'{"%b":%b,"hash":"%b","prev":"%b","seq":%d}\n' % (kind, payload, digest.encode(), previous, seq)
    return line, Head(head.segment, seq, digest, head.size + len(line))


def _digest(previous: bytes, seq: int, payload: bytes) -> str:
    return hashlib.sha256(b"%b\n%d\n%b" % (previous, seq, payload)).hexdigest()
