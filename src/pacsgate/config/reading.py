"""From the file to settings, or to everything that is wrong with it, each with its line and column.

Called by `bootstrap` and by `pacsgate config check`.

Invariants:
- a path in the file is relative to the file, but for those of URLs.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from pacsgate.config.archives import (
    BasicCredentialSettings,
    BearerCredentialSettings,
    ClientCredentialSettings,
    DicomWebArchiveSettings,
    DimseArchiveSettings,
    FolderArchiveSettings,
    OffloadSettings,
    OrthancArchiveSettings,
    OrthancLinkSettings,
)
from pacsgate.config.dicom import (
    CalledAeSettings,
    DicomListenerSettings,
    DicomSettings,
    DicomTlsSettings,
)
from pacsgate.config.dicom_peers import PeerTlsSettings
from pacsgate.config.hl7 import Dcm4cheeSettings, Hl7ListenerSettings, Hl7SenderSettings, Hl7Settings
from pacsgate.config.identity import (
    ClaimSettings,
    IdentitySettings,
    JwtIssuerSettings,
    SamlIssuerSettings,
)
from pacsgate.config.listeners import ListenerSettings, MountSettings
from pacsgate.config.settings import CorsSettings, ForeignPolicySettings, Settings, TrailSettings
from pacsgate.gateway.http.mounts import Dialect
from pacsgate.model.errors import Diagnostic, SettingsError


def read_settings(path: Path) -> Settings:
    """Read and validate a configuration file; raises `SettingsError` naming every problem and its place."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot read the configuration file `{path}`: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"cannot read the configuration file `{path}`: it is not UTF-8 text") from error
    try:
        document = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise SettingsError(f"{path}:{line}:{column}: not valid YAML: {error.problem}") from error
    except (YAMLError, AssertionError) as error:  # ruamel.yaml asserts on versions that it does not know
        raise SettingsError(
            f"{path}: not valid YAML: it holds characters that no YAML file may hold"
        ) from error
    if not isinstance(document, Mapping):
        raise SettingsError(f"{path}:1:1: the file must hold a mapping of settings")
    base = path.resolve().parent
    try:
        settings = Settings.model_validate(_absolute(document, base))
    except ValidationError as error:
        problems = sorted(_diagnostics(error, document, str(path)), key=lambda d: (d.line, d.column))
        raise SettingsError("\n".join(str(problem) for problem in problems)) from error
    misnamed = [*_wrong_mounts(settings), *_wrong_ae_titles(settings)]
    if wrong := [Diagnostic(str(path), *_place(document, at), what) for at, what in misnamed]:
        raise SettingsError("\n".join(str(problem) for problem in wrong))
    return settings


def _wrong_mounts(settings: Settings) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """What is wrong with the mounts of all listeners together, each with its place."""
    for number, listener in enumerate(settings.listeners):
        for position, mount in enumerate(listener.mounts):
            at = ("listeners", number, "mounts", position)
            archive = settings.archives.get(mount.archive)
            if archive is None:
                yield (*at, "archive"), f"there is no archive `{mount.archive}`"
            elif mount.dialect is Dialect.ORTHANC and archive.kind != "orthanc":
                yield (*at, "dialect"), f"`{mount.archive}` is of kind `{archive.kind}` and no Orthanc"
    if settings.listeners and all(listener.is_taken for listener in settings.listeners):
        yield (
            ("listeners",),
            "every listener mounts `/`, so that nobody could sign in or ask `/readyz`: add one without it",
        )


def _wrong_ae_titles(settings: Settings) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """AE titles of archives that there are not, each with its place."""
    for title, called in settings.dicom.ae_titles.items() if settings.dicom else ():
        if called.archive not in settings.archives:
            yield ("dicom", "ae_titles", title, "archive"), f"there is no archive `{called.archive}`"


_PATH_KEYS = frozenset(
    {
        "data",
        "policy",
        "path",
        "manifest_key",
        "password_file",
        "token_file",
        "client_secret_file",
        "ca_file",
        "keys_file",
        "certificates_file",
        "viewer",
        "certificate",
        "key",
        "client_ca",
        "series_stylesheet",
        "mpps_stylesheet",
        "hl7_stylesheet",
        "store_labels",
    }
)


def _absolute(node: Any, base: Path) -> Any:
    """The document with its relative paths resolved against the file's directory."""
    if isinstance(node, Mapping):
        return {key: _absolute_entry(key, value, base) for key, value in node.items()}
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_absolute(item, base) for item in node]
    return node


def _absolute_entry(key: str, value: Any, base: Path) -> Any:
    if key in {"mounts", "claims"}:  # paths of URLs, and names that somebody else chose
        return value
    return str(base / value) if key in _PATH_KEYS and isinstance(value, str) else _absolute(value, base)


def _diagnostics(error: ValidationError, document: Any, file: str) -> Iterator[Diagnostic]:
    for problem in error.errors():
        location = problem["loc"]
        line, column = _place(document, location)
        suggestion = None
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            known = [name for name in _known_keys(location[:-1]) if name != location[-1]]
            close = difflib.get_close_matches(str(location[-1]), known, n=1)
            message = f"unknown key `{location[-1]}`"
            suggestion = f"did you mean `{close[0]}`?" if close else None
        elif location:
            message = f"`{'.'.join(str(part) for part in location)}`: {message[:1].lower()}{message[1:]}"
        yield Diagnostic(file, line, column, message, suggestion)


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """Keys that could have been meant; all names of all settings serve, since only a close one is shown."""
    models: tuple[type[BaseModel], ...] = (
        Settings,
        ListenerSettings,
        MountSettings,
        FolderArchiveSettings,
        DicomWebArchiveSettings,
        OrthancArchiveSettings,
        DimseArchiveSettings,
        PeerTlsSettings,
        OffloadSettings,
        OrthancLinkSettings,
        ForeignPolicySettings,
        DicomSettings,
        DicomListenerSettings,
        DicomTlsSettings,
        CalledAeSettings,
        Hl7Settings,
        Hl7ListenerSettings,
        Hl7SenderSettings,
        Dcm4cheeSettings,
        CorsSettings,
        TrailSettings,
        IdentitySettings,
        JwtIssuerSettings,
        SamlIssuerSettings,
        ClaimSettings,
        BasicCredentialSettings,
        BearerCredentialSettings,
        ClientCredentialSettings,
    )
    chosen = models[:1] if not location else models[1:]
    return [name for model in chosen for name in model.model_fields]


def _place(document: Any, location: tuple[int | str, ...]) -> tuple[int, int]:
    """Line and column (from 1) of the deepest part of a location that the file really holds."""
    line, column = 1, 1
    node: Any = document
    for part in location:
        try:
            position = node.lc.key(part) if hasattr(node, "keys") else node.lc.item(part)
            node = node[part]
        except (AttributeError, KeyError, IndexError, TypeError):
            continue  # discriminators of unions appear in locations but not in files
        line, column = position[0] + 1, position[1] + 1
    return line, column
