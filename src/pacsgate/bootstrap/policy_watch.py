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
from pacsgate.identity.file_stamp import file_stamp
from pacsgate.model.errors import PolicyError, SettingsError
from pacsgate.model.resource import DEFAULT_TENANT, TenantName, TenantScope
from pacsgate.policy.naming import fact_basis
from pacsgate.services.live_policy import NoPolicyError

_log = structlog.get_logger("pacsgate.policy")

FILES = Actor("policy-files", verified=True, credential="local")


def refusal_note(settings: Settings, tenant: TenantName = DEFAULT_TENANT) -> Path:
    """The file whose existence tells the workers that a tenant's newest policy was refused.

    It holds the problems.
    """
    return settings.data / f"policy-refused{_of(tenant)}.txt"


class PolicyWatch:
    """Publishes the policy files of one tenant whenever they change."""

    def __init__(self, installation: Installation, scope: TenantScope | None = None) -> None:
        """Of the installation's own tenant, where none is named."""
        self._installation = installation
        self._scope = installation.scope if scope is None else scope
        self._paths = policy_paths(installation.settings, self._scope.tenant)
        self._note = refusal_note(installation.settings, self._scope.tenant)
        self._log = _log if self._scope.tenant == DEFAULT_TENANT else _log.bind(tenant=self._scope.tenant)
        self._seen: object = None

    def tick(self) -> None:
        """Publish if a file was saved, added or removed since the last tick."""
        state = tuple(map(_state, self._paths))
        if state == self._seen:
            return
        try:
            self.publish()
        except (PolicyError, SettingsError) as refused:
            self._log.error("policy refused, the last good revision stays live", problems=refused.public)
        # Whatever else went wrong (a full disk, a busy database) says nothing about the files: they wait.
        self._seen = state

    def publish(self) -> bool:
        """Publish now; whether the live revision changed.  Raises `PolicyError`, `SettingsError`."""
        installation, scope = self._installation, self._scope
        if not self._paths:
            return installation.beginning.begin(scope, FILES)
        try:
            sources = read_all_policy_sources(installation.settings, scope.tenant)
            published = installation.publisher.publish(scope, sources, FILES)
        except (PolicyError, SettingsError) as refused:
            self._note.write_text(refused.public + "\n", encoding="utf-8")
            raise
        self._note.unlink(missing_ok=True)
        if published.pending is not None:
            self._log.warning(
                "policy waits for a second approver, the last good revision stays live",
                revision=published.pending.revision,
                accesses_gained=published.pending.gained,
            )
        if published.changed:
            self._log.info("policy activated", revision=published.policy.revision)
        fill_declared(installation, scope)
        return published.changed


def fill_declared(installation: Installation, scope: TenantScope) -> None:
    """Work out the facts that a tenant's live policy declares, unless that has been done.

    A note in the data directory says which facts every row holds, so that a fill that was
    cut off is begun again, and a policy that needs nothing new costs nothing.
    """
    try:
        basis = fact_basis(installation.policies.current(scope))
    except NoPolicyError:
        return  # the first policy waits for its approval
    note = installation.settings.data / f"facts-filled{_of(scope.tenant)}.txt"
    filled = frozenset(note.read_text(encoding="ascii").split()) if note.is_file() else None
    if filled is None or not basis <= filled:
        note.unlink(missing_ok=True)
        for name in installation.tenant_archives.of(scope):
            installation.indexer.refill_declared(scope, name)
    # What rows hold beyond this does no harm, but objects that come from now on will not have it.
    note.write_text("\n".join(sorted(basis)) + "\n", encoding="ascii")


def _of(tenant: TenantName) -> str:
    """What the names of a tenant's notes have besides those of `default`."""
    return "" if tenant == DEFAULT_TENANT else f"-{tenant}"


def _state(path: Path) -> object:
    """What changes when somebody saves: names, sizes and times of the files."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return tuple((file.name, file_stamp(file)) for file in files)
    except OSError as error:
        return error.errno
