"""Signing how far the segments have come, once a minute and at stop.

The signer follows every segment from the head that it signed last, so a tick
costs what was written since.  It syncs a segment before it signs its head: a
manifest must never state a record that a power failure could still take away.

Manifests are lines of files under `manifests/`; each run of the signer starts a
file of its own, so that a line torn by a crash is never written after.  One
signer at a time holds the lock of a trail.

Called by the background process.

Invariants:
- a manifest states only heads that follow, link by link, from those stated before;
- the mark beside the key is written after the manifest that it names.
"""

import fcntl
import os
from pathlib import Path

from pacsgate.audit.chain import Head, SegmentWalk
from pacsgate.audit.manifest import (
    NO_MARK,
    Manifest,
    Mark,
    SignedManifest,
    check_manifests,
    parse_manifest,
    sign_manifest,
)
from pacsgate.model.errors import RecordError, TrailBroken
from pacsgate.ports import Clock
from pacsgate.sinks.segment_file import sync_directory
from pacsgate.sinks.signing_key import SigningKey
from pacsgate.sinks.trail_files import (
    SUFFIX,
    lines_until,
    manifest_directory,
    manifest_paths,
    new_name,
    segment_names,
    segment_path,
)


def read_manifests(trail: Path) -> tuple[SignedManifest, ...]:
    """Every manifest that is there, nothing checked yet.  One that cannot be read is missed by number."""
    found: list[SignedManifest] = []
    for path in manifest_paths(trail):
        with path.open("rb") as file:
            found.extend(manifest for line in file if (manifest := parse_manifest(line)) is not None)
    return tuple(found)


class ManifestSigner:
    """Signs the heads of one trail."""

    def __init__(self, trail: Path, key: SigningKey, clock: Clock) -> None:
        self._trail = trail
        self._key = key
        self._clock = clock
        self._lock: int | None = None
        self._file: int | None = None
        self._heads: dict[str, Head] = {}
        self._last: Mark = NO_MARK

    def tick(self) -> Manifest | None:
        """Sign what moved since the last tick; `None` if nothing did.

        Raises `TrailBroken` when what lies there is not what was signed or does
        not follow from it (after signing what does), and `RecordError` when
        manifests cannot be written or another process signs this trail.
        """
        try:
            if self._lock is None:
                self._resume()
            moved, broken = self._moved()
            manifest = self._sign(moved) if moved else None
        except OSError as problem:
            # What reached the disk is unknown, so the next tick reads it again.
            self.close()
            raise RecordError("the manifest of the audit trail cannot be written", str(problem)) from problem
        if broken is not None:
            raise broken
        return manifest

    def close(self) -> None:
        """Let go of the trail."""
        for descriptor in (self._file, self._lock):
            if descriptor is not None:
                os.close(descriptor)
        self._file = self._lock = None

    def _resume(self) -> None:
        directory = manifest_directory(self._trail)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(directory / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            _take(lock)
            self._heads, self._last = {}, NO_MARK
            for signed in check_manifests(read_manifests(self._trail), self._key.verifies, self._key.mark()):
                self._heads.update({head.segment: head for head in signed.manifest.heads})
                self._last = signed.mark
        except (OSError, RecordError, TrailBroken):
            os.close(lock)
            raise
        self._lock = lock

    def _moved(self) -> tuple[tuple[Head, ...], TrailBroken | None]:
        """Heads beyond those signed, and the first break that was met on the way."""
        moved: list[Head] = []
        broken: TrailBroken | None = None
        segments = segment_names(self._trail)
        for segment in sorted(self._heads.keys() - set(segments)):
            broken = broken or _gone(segment, 0)
        for segment in segments:
            signed = self._heads.get(segment)
            try:
                head = self._follow(segment, signed)
            except TrailBroken as problem:
                broken = broken or problem
                continue
            if head is not None and head != signed:
                moved.append(head)
        return tuple(moved), broken

    def _follow(self, segment: str, signed: Head | None) -> Head | None:
        start = signed.size if signed else 0
        with segment_path(self._trail, segment).open("rb") as file:
            end = os.fstat(file.fileno()).st_size
            if end < start and signed is not None:
                raise _gone(segment, signed.seq)
            if end == start:
                return signed
            os.fdatasync(file.fileno())
            file.seek(start)
            walk = SegmentWalk(segment, lines_until(file, end), after=signed)
            for _ in walk:
                pass
            return walk.head

    def _sign(self, heads: tuple[Head, ...]) -> Manifest:
        manifest = Manifest(self._last.number + 1, self._clock.now(), heads, self._last.digest)
        signed = sign_manifest(manifest, self._key.sign)
        self._append(signed.line)
        self._key.save_mark(signed.mark)
        self._heads.update({head.segment: head for head in heads})
        self._last = signed.mark
        return manifest

    def _append(self, line: bytes) -> None:
        if self._file is None:
            path = manifest_directory(self._trail) / f"{new_name(self._clock.now())}{SUFFIX}"
            self._file = os.open(
                path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600
            )
            sync_directory(path.parent)
        if os.write(self._file, line) != len(line):
            raise OSError(f"only part of manifest {self._last.number + 1} was written")
        os.fsync(self._file)


def _take(lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        raise RecordError("another process signs this audit trail") from problem


def _gone(segment: str, position: int) -> TrailBroken:
    return TrailBroken(
        f"trail segment `{segment}`: record {position} was signed and is gone",
        segment=segment,
        position=position,
    )
