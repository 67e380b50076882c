"""The files of a policy, native and foreign, become its sources: names and texts.

Called by `policy_watch` and by commands that look at policies offline.

Invariants:
- what is read from a foreign file holds no secret, since a revision stores it as it is.
"""

from collections.abc import Sequence
from pathlib import Path

from pacsgate.config import Settings
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT, TenantName
from pacsgate.policy.foreign.formats import ForeignFormat
from pacsgate.policy.foreign.registry import kept

_POLICY_SUFFIXES = frozenset({".yaml", ".yml"})
_MAX_POLICY_BYTES = 16 * 1024 * 1024
"""A policy of 2,000 rules is well under one megabyte."""


def policy_paths(settings: Settings, tenant: TenantName = DEFAULT_TENANT) -> tuple[Path, ...]:
    """Every file and directory that a tenant's policy is read from; none where it has no policy files."""
    found = settings.policy_of(tenant)
    if found is None:
        return ()
    policy, foreign_policies = found
    return (policy, *(foreign.path for foreign in foreign_policies))


def read_all_policy_sources(settings: Settings, tenant: TenantName = DEFAULT_TENANT) -> dict[str, str]:
    """The text of everything that a tenant's policy is made of, by the name of its source.

    Raises `SettingsError`, and `PolicyError` for a foreign file that cannot be read as what it is.
    """
    found = settings.policy_of(tenant)
    if found is None:
        raise SettingsError(f"the tenant `{tenant}` has no policy files: give it a `policy` in `tenants`")
    policy, foreign_policies = found
    sources = read_policy_sources(policy)
    for foreign in foreign_policies:
        name = f"{foreign.format}:{foreign.path.name}"
        if name in sources:
            raise SettingsError(f"two files of `foreign_policies` are called `{name}`: rename one of them")
        sources[name] = kept(name, _texts([foreign.path], foreign.path)[foreign.path.name])
    return sources


def read_policy_sources(path: Path) -> dict[str, str]:
    """The text of a policy file, or of every YAML file in a directory, by file name.

    `FORMAT:FILE` names a foreign one, and `FORMAT:DIRECTORY` all files there.  Mapping tables
    live beside the rules, in a directory.  Raises `SettingsError` and `PolicyError`.
    """
    written, colon, rest = str(path).partition(":")
    if colon and written in set(ForeignFormat):
        texts = _texts(_files(Path(rest)), path)
        names = {f"{written}:{name}": text for name, text in texts.items()}
        return {name: kept(name, text) for name, text in names.items()}
    return _texts([file for file in _files(path) if file.suffix in _POLICY_SUFFIXES], path)


def _files(path: Path) -> list[Path]:
    try:
        return [file for file in sorted(path.iterdir()) if file.is_file()] if path.is_dir() else [path]
    except OSError as error:
        raise SettingsError(f"cannot read the policy at `{path}`: {error.strerror}") from error


def _texts(files: Sequence[Path], path: Path) -> dict[str, str]:
    """What the files hold, by their names; `path` is where they were looked for."""
    try:
        if not files:
            raise SettingsError(f"no policy at `{path}`: expected a .yaml file or a directory of them")
        if sum(file.stat().st_size for file in files) > _MAX_POLICY_BYTES:
            raise SettingsError(f"the policy at `{path}` is larger than {_MAX_POLICY_BYTES} bytes")
        return {file.name: file.read_text(encoding="utf-8") for file in files}
    except OSError as error:
        raise SettingsError(f"cannot read the policy at `{path}`: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"cannot read the policy at `{path}`: it is not UTF-8 text") from error
