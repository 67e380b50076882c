"""Notices saved policy files and has them published; keeps word of what was refused.

Called by the background process twice a second, and at start.  A saved file is
live well within two seconds (design: hot reload within 2 s of a save).

Invariants:
- a candidate that was refused is not tried again until a file changes;
- the refusal note exists exactly while the newest files are not the live revision.
"""

from pathlib import Path

import structlog

from pacsgate.audit.events import Actor
from pacsgate.bootstrap.installation import Installation
from pacsgate.config import Settings, read_policy_sources
from pacsgate.model.errors import PolicyError, SettingsError
from pacsgate.model.resource import ArchiveName

_log = structlog.get_logger("pacsgate.policy")

_ACTOR = Actor("policy-files", verified=True, credential="local")


def refusal_note(settings: Settings) -> Path:
    """The file whose existence tells the workers that the newest policy was refused; holds the problems."""
    return settings.data / "policy-refused.txt"


class PolicyWatch:
    """Publishes the policy files of one installation whenever they change."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._path = installation.settings.policy
        self._note = refusal_note(installation.settings)
        self._seen: object = None

    def tick(self) -> None:
        """Publish if a file was saved, added or removed since the last tick."""
        state = _state(self._path)
        if state == self._seen:
            return
        self._seen = state
        try:
            self.publish()
        except (PolicyError, SettingsError) as refused:
            _log.error("policy refused, the last good revision stays live", problems=refused.public)

    def publish(self) -> bool:
        """Publish now; whether the live revision changed.  Raises `PolicyError`, `SettingsError`."""
        installation = self._installation
        try:
            sources = read_policy_sources(self._path)
            published = installation.publisher.publish(installation.scope, sources, _ACTOR)
        except (PolicyError, SettingsError) as refused:
            self._note.write_text(refused.public + "\n", encoding="utf-8")
            raise
        self._note.unlink(missing_ok=True)
        if published.changed:
            _log.info("policy activated", revision=published.policy.revision)
            for name in installation.settings.archives:
                installation.indexer.refill_declared(installation.scope, ArchiveName(name))
        return published.changed


def _state(path: Path) -> object:
    """What changes when somebody saves: names, sizes and times of the files."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return tuple(
            (file.name, file.stat().st_mtime_ns, file.stat().st_size, file.stat().st_ino) for file in files
        )
    except OSError as error:
        return error.errno
