"""Secrets that must be read again, sealed under a key that is not in the database.

The key file holds one key a line, `id key`, the newest first: everything is sealed under that one
and opened under whichever it names.  `pacsgate init` makes the file, `pacsgate secrets rotate`
puts a new key on top of it; running processes notice by the file itself, so none is told.

What is sealed carries the id of its key, a nonce and the purpose it was sealed for, which is
authenticated and not kept: a row copied to another account opens nothing.

Called through `ports.factors.Sealer`; made by `bootstrap`.

Invariants:
- a key file that others can read is not used;
- a secret that cannot be opened is never taken for an empty one.

Standard: NIST SP 800-38D (AES-256-GCM with random nonces of 96 bits); OWASP ASVS 5.0 11.3.2, 13.3.1.
"""

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pacsgate.identity.file_stamp import stamp_of
from pacsgate.model.errors import SealError, SettingsError

_ID_BYTES = 4
_KEY_BYTES = 32
_NONCE_BYTES = 12
KEPT_KEYS = 2
"""The key in use and the one before it, for what was being kept while the key changed."""


@dataclass(frozen=True, slots=True)
class _Ring:
    """The keys of one version of the file; the first seals."""

    version: tuple[int, int, int]
    keys: Mapping[bytes, AESGCM] = field(repr=False)


class FileSealer:
    """`ports.factors.Sealer` with the keys of one file, read at first use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ring: _Ring | None = None

    def seal(self, secret: bytes, purpose: str) -> bytes:
        """Encrypt and authenticate under the newest key.  Raises `SealError` when there is none."""
        key_id, key = next(iter(self._keys().items()))
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return key_id + nonce + key.encrypt(nonce, secret, _bound(key_id, purpose))

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """The secret.  Raises `SealError`."""
        key_id, rest = sealed[:_ID_BYTES], sealed[_ID_BYTES:]
        key = self._keys().get(key_id)
        if key is None:
            raise SealError(
                "a sealed secret cannot be opened: its key is gone",
                detail=f"`{self._path}` holds no key `{key_id.hex()}`: restore the file that does",
            )
        try:
            return key.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _bound(key_id, purpose))
        except (InvalidTag, ValueError) as problem:
            raise SealError("a sealed secret cannot be opened: it was changed") from problem

    def _keys(self) -> Mapping[bytes, AESGCM]:
        try:
            found = self._path.stat()
            version = stamp_of(found)
            if self._ring is None or self._ring.version != version:
                if stat.S_IMODE(found.st_mode) & 0o077:
                    raise SealError(
                        "secrets cannot be sealed or opened: their key can be read by others",
                        detail=f"`chmod 600 {self._path}`",
                    )
                self._ring = _Ring(version, _parsed(self._path.read_text("ascii"), self._path))
        except FileNotFoundError as problem:
            raise SealError(
                "secrets cannot be sealed or opened: their key is gone",
                detail=f"there is no `{self._path}`: restore it, or make one with `pacsgate secrets rotate`",
            ) from problem
        except (OSError, UnicodeDecodeError) as problem:
            raise SealError(
                "secrets cannot be sealed or opened: their key cannot be read", detail=str(problem)
            ) from problem
        return self._ring.keys


def add_sealing_key(path: Path) -> None:
    """Put a new key on top of the file, which is made if there is none.  Raises `SettingsError`."""
    line = f"{secrets.token_hex(_ID_BYTES)} {base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = path.read_text("ascii").splitlines(keepends=True)[: KEPT_KEYS - 1] if path.exists() else []
        fresh = path.with_name(f"{path.name}.new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(
            os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "w"
        ) as file:
            file.write(line + "".join(kept))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsError(f"the key `{path}` cannot be written", detail=str(problem)) from problem


def _parsed(text: str, path: Path) -> Mapping[bytes, AESGCM]:
    keys: dict[bytes, AESGCM] = {}
    try:
        for line in text.splitlines():
            key_id, key = line.split(" ")
            keys[bytes.fromhex(key_id)] = AESGCM(_key(key))
    except (ValueError, binascii.Error) as problem:
        raise SealError(
            "secrets cannot be sealed or opened: their key is damaged",
            detail=f"`{path}` should hold one `id key` a line, as `pacsgate init` writes it",
        ) from problem
    if not keys:
        raise SealError("secrets cannot be sealed or opened: their key is gone", detail=f"`{path}` is empty")
    return keys


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != _KEY_BYTES:
        raise ValueError("not a key of AES-256")
    return key


def _bound(key_id: bytes, purpose: str) -> bytes:
    return key_id + purpose.encode("utf-8", "surrogatepass")
