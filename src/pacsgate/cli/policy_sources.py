"""Which policy a command is told to look at: files, a revision that was once live, or the live one.

Called by the commands of `pacsgate policy` that compare or stage policies.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.policy_files import read_policy_sources
from pacsgate.cli.inquiry import live_policy
from pacsgate.cli.loading import load_policy_shown
from pacsgate.model.errors import NotFoundError
from pacsgate.model.role import Role
from pacsgate.policy.policy import Policy

LIVE = "live"
_HISTORY = 1000
_HEX = frozenset("0123456789abcdef")
_SHORTEST = 4


def policy_named(name: str, installation: Installation | None) -> Policy:
    """The policy of a file, directory, revision (or its first digits) or `live`.

    Without an installation there are only files.  Raises `SettingsError`, `PolicyError`, `NotFoundError`.
    """
    if installation is None or names_files(name):
        return load_policy_shown(read_policy_sources(Path(name)), _stored_roles(installation))
    if name == LIVE:
        return live_policy(installation)
    return load_policy_shown(_revision(name, installation), _stored_roles(installation))


def names_files(name: str) -> bool:
    """Whether a name is that of files and not of a revision."""
    return name != LIVE and (Path(name).exists() or not _is_revision(name))


def _is_revision(name: str) -> bool:
    return len(name) >= _SHORTEST and _HEX.issuperset(name)


def _revision(name: str, installation: Installation) -> Mapping[str, str]:
    history = installation.stores.revisions.history(installation.scope, limit=_HISTORY)
    found = {stored.revision: stored.sources for stored in history if stored.revision.startswith(name)}
    pending = installation.stores.candidates.pending(installation.scope)
    if pending is not None and pending.revision.startswith(name):
        found[pending.revision] = pending.sources
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise NotFoundError(f"`{name}` begins several revisions: {', '.join(sorted(found))}")
    raise NotFoundError(f"no revision `{name}` was ever live, and no file is called so")


def _stored_roles(installation: Installation | None) -> Sequence[Role]:
    return () if installation is None else installation.stores.directory.roles(installation.scope)
