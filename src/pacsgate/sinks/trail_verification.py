"""Whether the trail is what was written: the answer to `pacsgate audit verify`.

Every manifest is checked first, and then every segment against its own chain,
against all heads that manifests ever stated of it, and against what its
successor says of its end.  All faults are reported, not only the first.

Standard: ASVS 5.0 16.4.2 (logs are protected from change).
"""

import os
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pacsgate.audit.chain import Head, SegmentWalk, decode_genesis, parse
from pacsgate.audit.manifest import Manifest, check_manifests
from pacsgate.model.errors import TrailBroken
from pacsgate.sinks.manifests import read_manifests
from pacsgate.sinks.signing_key import VerifyingKey
from pacsgate.sinks.trail_files import lines_until, segment_names, segment_path


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the trail is not what was written.

    `segment` is `manifests` when it is a manifest; `position` counts records (or
    manifests) from 0 and names the first that is not in its place.
    """

    segment: str
    position: int
    finding: str


@dataclass(frozen=True, slots=True)
class TornTail:
    """What a process left half written when it died.  It was acknowledged to nobody."""

    segment: str
    position: int
    size: int


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found.  `unanchored` counts the records after the last manifest, which no signature covers."""

    faults: tuple[Fault, ...]
    torn: tuple[TornTail, ...]
    segments: int
    records: int
    unanchored: int
    manifests: int
    last_signed_at: datetime | None

    @property
    def is_intact(self) -> bool:
        """Whether nothing contradicts what was written and signed."""
        return not self.faults

    def require_intact(self) -> None:
        """Raise the first fault as `TrailBroken`, if there is one."""
        if self.faults:
            first = self.faults[0]
            raise TrailBroken(first.finding, segment=first.segment, position=first.position)


def verify(trail: Path, key: VerifyingKey) -> Verification:
    """Check a whole trail, while it may be written to."""
    faults: list[Fault] = []
    manifests = _check_manifests(trail, key, faults)
    signed = [head for manifest in manifests for head in manifest.heads]
    names = segment_names(trail)
    stated = _by_segment([*signed, *_previous_heads(trail, names)])
    anchored = _by_segment(signed)
    torn: list[TornTail] = []
    records = unanchored = 0
    for name in sorted({*names, *stated}):
        walk = _check_segment(trail, name, stated[name], faults)
        if walk.torn_bytes:
            torn.append(TornTail(name, walk.position, walk.torn_bytes))
        records += walk.position
        unanchored += max(0, walk.position - 1 - max(anchored[name], default=-1))
    return Verification(
        faults=tuple(faults),
        torn=tuple(torn),
        segments=len(names),
        records=records,
        unanchored=unanchored,
        manifests=len(manifests),
        last_signed_at=manifests[-1].signed_at if manifests else None,
    )


def _check_manifests(trail: Path, key: VerifyingKey, faults: list[Fault]) -> list[Manifest]:
    sound: list[Manifest] = []
    # Read first: a manifest signed while this runs must not be missed by the mark.
    mark = key.mark()
    try:
        for signed in check_manifests(read_manifests(trail), key.verifies, mark):
            sound.append(signed.manifest)  # noqa: PERF401 - those before the break are kept
    except TrailBroken as problem:
        faults.append(Fault(problem.segment, problem.position, problem.public))
    return sound


def _previous_heads(trail: Path, names: tuple[str, ...]) -> list[Head]:
    """The ends of finished segments, as the segments that continue them state them."""
    heads: list[Head] = []
    for name in names:
        with segment_path(trail, name).open("rb") as file:
            record = parse(file.readline())
        if record is None or not record.is_genesis:
            continue
        try:
            previous = decode_genesis(record.payload).previous
        except ValueError:
            continue
        if previous is not None:
            heads.append(previous)
    return heads


def _by_segment(heads: list[Head]) -> defaultdict[str, dict[int, set[str]]]:
    """Segment, then position, to the digests stated of the record there: one, unless somebody lies."""
    found: defaultdict[str, dict[int, set[str]]] = defaultdict(dict)
    for head in heads:
        found[head.segment].setdefault(head.seq, set()).add(head.digest)
    return found


def _check_segment(trail: Path, name: str, stated: dict[int, set[str]], faults: list[Fault]) -> SegmentWalk:
    """Walk one segment to its end or its first fault, which is added to `faults`."""
    path = segment_path(trail, name)
    if not path.exists():
        faults.append(Fault(name, 0, f"trail segment `{name}` is missing"))
        return SegmentWalk(name, ())
    with path.open("rb") as file:
        walk = SegmentWalk(name, lines_until(file, os.fstat(file.fileno()).st_size))
        try:
            for record in walk:
                if stated.get(record.seq, {record.digest}) != {record.digest}:
                    finding = f"trail segment `{name}`: record {record.seq} is not the one that was signed"
                    faults.append(Fault(name, record.seq, finding))
                    return walk
        except TrailBroken as problem:
            faults.append(Fault(problem.segment, problem.position, problem.public))
            return walk
    last = max(stated, default=-1)
    if last >= walk.position:
        finding = f"trail segment `{name}` was cut: records {walk.position} to {last} are gone"
        faults.append(Fault(name, walk.position, finding))
    return walk
