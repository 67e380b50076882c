"""Notices saved policy files and has them published; keeps word of what was refused.

Called by the background process twice a second, and at start.  A saved file is
live well within two seconds (design: hot reload within 2 s of a save).

Invariants:
- a candidate that was refused is not tried again until a file changes, and one that was not looked
  at to the end is tried again;
- the refusal note exists exactly while the newest files are not the live revision.
"""

from pathlib import Path

import structlog

from pacsgate.audit.events import Actor
from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.policy_files import policy_paths, read_all_policy_sources
from pacsgate.config import Settings
from pacsgate.model.errors import PolicyError, SettingsError
from pacsgate.model.resource import ArchiveName
from pacsgate.policy.naming import fact_basis
from pacsgate.services.live_policy import NoPolicyError

_log = structlog.get_logger("pacsgate.policy")

_ACTOR = Actor("policy-files", verified=True, credential="local")


def refusal_note(settings: Settings) -> Path:
    """The file whose existence tells the workers that the newest policy was refused; holds the problems."""
    return settings.data / "policy-refused.txt"


class PolicyWatch:
    """Publishes the policy files of one installation whenever they change."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._note = refusal_note(installation.settings)
        self._seen: object = None

    def tick(self) -> None:
        """Publish if a file was saved, added or removed since the last tick."""
        state = tuple(_state(path) for path in policy_paths(self._installation.settings))
        if state == self._seen:
            return
        try:
            self.publish()
        except (PolicyError, SettingsError) as refused:
            _log.error("policy refused, the last good revision stays live", problems=refused.public)
        # Whatever else went wrong (a full disk, a busy database) says nothing about the files: they wait.
        self._seen = state

    def publish(self) -> bool:
        """Publish now; whether the live revision changed.  Raises `PolicyError`, `SettingsError`."""
        installation = self._installation
        try:
            sources = read_all_policy_sources(installation.settings)
            published = installation.publisher.publish(installation.scope, sources, _ACTOR)
        except (PolicyError, SettingsError) as refused:
            self._note.write_text(refused.public + "\n", encoding="utf-8")
            raise
        self._note.unlink(missing_ok=True)
        if published.pending is not None:
            _log.warning(
                "policy waits for a second approver, the last good revision stays live",
                revision=published.pending.revision,
                accesses_gained=published.pending.gained,
            )
        if published.changed:
            _log.info("policy activated", revision=published.policy.revision)
        fill_declared(installation)
        return published.changed


def fill_declared(installation: Installation) -> None:
    """Work out the facts that the live policy declares, unless that has been done.

    A note in the data directory says which facts every row holds, so that a fill that was
    cut off is begun again, and a policy that needs nothing new costs nothing.
    """
    try:
        basis = fact_basis(installation.policies.current(installation.scope))
    except NoPolicyError:
        return  # the first policy waits for its approval
    note = installation.settings.data / "facts-filled.txt"
    filled = frozenset(note.read_text(encoding="ascii").split()) if note.is_file() else None
    if filled is None or not basis <= filled:
        note.unlink(missing_ok=True)
        for name in installation.settings.archives:
            installation.indexer.refill_declared(installation.scope, ArchiveName(name))
    # What rows hold beyond this does no harm, but objects that come from now on will not have it.
    note.write_text("\n".join(sorted(basis)) + "\n", encoding="ascii")


def _state(path: Path) -> object:
    """What changes when somebody saves: names, sizes and times of the files."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return tuple(
            (file.name, file.stat().st_mtime_ns, file.stat().st_size, file.stat().st_ino) for file in files
        )
    except OSError as error:
        return error.errno
