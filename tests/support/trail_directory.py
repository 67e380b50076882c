"""A signed trail on disk that a test can tamper with."""

from dataclasses import dataclass
from pathlib import Path

from pacsgate.sinks.manifests import ManifestSigner
from pacsgate.sinks.segments import SegmentTrail
from pacsgate.sinks.signing_key import SigningKey, VerifyingKey, create_signing_key
from pacsgate.sinks.trail_files import manifest_paths, segment_names, segment_path
from pacsgate.sinks.trail_verification import Verification, verify
from tests.support.clocks import HandClock
from tests.support.events import numbered


@dataclass
class TrailDirectory:
    """Everything that belongs to one trail.  `write` appends events to one segment; `sign` makes a manifest."""

    root: Path

    def __post_init__(self) -> None:
        self.clock = HandClock()
        self.trail = self.root / "data" / "trail"
        self.key_path = self.root / "keys" / "trail.key"
        create_signing_key(self.key_path)
        self._signer: ManifestSigner | None = None

    def open(self, **options) -> SegmentTrail:
        return SegmentTrail(self.trail, self.clock, process="http-1", host="gate", **options)

    def write(self, count: int, **options) -> None:
        trail = self.open(**options)
        for number in range(count):
            trail.record(numbered(number))
            self.clock.advance(seconds=1)
        trail.close()

    def signer(self) -> ManifestSigner:
        if self._signer is None:
            key = SigningKey(self.key_path, data_directory=self.root / "data")
            self._signer = ManifestSigner(self.trail, key, self.clock)
        return self._signer

    def sign(self) -> None:
        self.signer().tick()
        self.clock.advance(seconds=60)

    def restart_signer(self) -> None:
        if self._signer is not None:
            self._signer.close()
        self._signer = None

    def verify(self) -> Verification:
        return verify(self.trail, VerifyingKey(self.key_path.with_suffix(".pub")))

    def segments(self) -> list[Path]:
        return [segment_path(self.trail, name) for name in segment_names(self.trail)]

    def manifests(self) -> list[Path]:
        return list(manifest_paths(self.trail))
