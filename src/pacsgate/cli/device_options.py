"""What `pacsgate device add` and `change` are told about a device, read from the command line.

Called by `devices`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificates

from pacsgate.cli.instants import read_instant
from pacsgate.model.errors import SettingsError

NO_END = "never"

_NOTHING: Mapping[str, Mapping[str, Any]] = {
    "account": {"account": None},
    "network": {"networks": ()},
    "certificate": {"certificate_sha256": None},
    "vouches-for": {"vouches_for": frozenset()},
    "host": {"host": None, "port": None, "tls": False},
}
"""What each name that can be taken away stands for."""

Title = Annotated[str, typer.Argument(metavar="AET", help="Its AE title.")]
Account = Annotated[str | None, typer.Option(help="The account that it acts as.")]
Networks = Annotated[
    list[str] | None, typer.Option("--network", help="A network that it calls from; repeat.")
]
Certificate = Annotated[Path | None, typer.Option(help="Its TLS certificate, PEM.")]
Fingerprint = Annotated[str | None, typer.Option(help="SHA-256 of its TLS certificate, hexadecimal.")]
TitleIsEnough = Annotated[
    bool | None,
    typer.Option("--title-is-enough/--title-is-not-enough", help="Believe whoever uses the title."),
]
VouchesFor = Annotated[
    list[str] | None,
    typer.Option(help="A group whose members it may name without a passcode; repeat."),
]
Host = Annotated[str | None, typer.Option(help="Where it listens.")]
Port = Annotated[int | None, typer.Option(help="The port of that.")]
Tls = Annotated[bool | None, typer.Option("--tls/--no-tls", help="Send to it over TLS.")]
Owner = Annotated[str | None, typer.Option(help="Who answers for it.")]
Description = Annotated[str | None, typer.Option(help="What it is.")]
Until = Annotated[str | None, typer.Option(help="When the entry ends, or `never`.")]


def what_is_given(**values: Any) -> dict[str, Any]:
    """What was written on the command line, and nothing that was left out."""
    return {name: value for name, value in values.items() if value is not None}


def what_is_cleared(names: Iterable[str]) -> dict[str, Any]:
    """What is to be as if it had never been given."""
    found: dict[str, Any] = {}
    for name in names:
        if name not in _NOTHING:
            raise SettingsError(f"`{name}` cannot be taken away; these can: {', '.join(_NOTHING)}")
        found |= _NOTHING[name]
    return found


def fingerprint_of(certificate: Path | None, fingerprint: str | None) -> dict[str, Any]:
    """The fingerprint of a certificate, however it is given."""
    if certificate is not None and fingerprint is not None:
        raise SettingsError("`--certificate` and `--fingerprint` say the same: give one")
    if fingerprint is not None:
        return {"certificate_sha256": fingerprint.replace(":", "").lower()}
    if certificate is None:
        return {}
    try:
        first = load_pem_x509_certificates(certificate.read_bytes())[0]
    except OSError as error:
        raise SettingsError(f"cannot read the certificate `{certificate}`: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"`{certificate}` holds no certificate in PEM") from error
    return {"certificate_sha256": first.fingerprint(SHA256()).hex()}


def end_of(until: str | None, now: datetime) -> dict[str, Any]:
    """When the entry ends, if that was said; also that it does not."""
    if until is None:
        return {}
    return {"valid_until": None if until == NO_END else read_instant(until, now)}
