"""From the file to settings, or to everything that is wrong with it, each with its line and column.

Called by `bootstrap` and by `pacsgate config check`.

Invariants:
- a path in the file is relative to the file, but for those of URLs.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from pacsgate.config.settings import Settings
from pacsgate.config.tenancy import wrong_tenants
from pacsgate.config.tls import ClientCertificate
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
    misnamed = [
        *_wrong_mounts(settings),
        *_wrong_ae_titles(settings),
        *_wrong_tls(settings),
        *wrong_tenants(settings),
    ]
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
    if settings.listeners and all(listener.is_taken or listener.redirect for listener in settings.listeners):
        yield (
            ("listeners",),
            "every listener mounts `/` or redirects, so that nobody could sign in: add one that does neither",
        )


def _wrong_ae_titles(settings: Settings) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """AE titles of archives that there are not, each with its place."""
    for title, called in settings.dicom.ae_titles.items() if settings.dicom else ():
        if called.archive not in settings.archives:
            yield ("dicom", "ae_titles", title, "archive"), f"there is no archive `{called.archive}`"


def _wrong_tls(settings: Settings) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """What listeners and proxies need for TLS and do not have, each with its place."""
    for number, listener in enumerate(settings.listeners):
        url = listener.public_url or settings.public_url or ""
        if listener.redirect and not url.startswith("https://"):
            yield (
                ("listeners", number, "redirect"),
                "a redirect needs a `public_url` that begins with `https://`",
            )
        tls = listener.tls
        if tls is None or tls.client_certificate is ClientCertificate.NONE or tls.client_ca is not None:
            continue
        if not settings.identity.certificates:
            yield (
                ("listeners", number, "tls", "client_certificate"),
                "whose certificates? name `client_ca`, or the authorities in `identity.certificates`",
            )
    if settings.client_certificate_header is not None and not settings.trusted_proxies:
        yield (
            ("client_certificate_header",),
            "nobody may use this header: name the proxies in `trusted_proxies`",
        )


_PATH_KEYS = frozenset(
    {
        "data",
        "policy",
        "path",
        "manifest_key",
        "key_file",
        "password_file",
        "token_file",
        "client_secret_file",
        "ca_file",
        "crl_file",
        "keys_file",
        "metadata_file",
        "certificate_file",
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
    if key in {"mounts", "claims", "attributes"}:  # paths of URLs, and names that somebody else chose
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
    """Keys that could have been meant there: of each kind of section that may stand at this place."""
    models: list[type[BaseModel]] = [Settings]
    for part in location:
        inside = [
            inner
            for model in models
            if part in model.model_fields
            for inner in _inner(model.model_fields[str(part)].annotation)
        ]
        models = inside or models  # a name in a mapping, a place in a list, or the word for a kind of section
    return [name for model in models for name in model.model_fields]


def _inner(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections that a type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _inner(part)


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
