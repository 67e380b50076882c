"""The key that signs manifests, and what lies beside it.

Three files with one stem, in a directory that is not the data directory:
`trail.key` (the private key, readable by its owner only), `trail.pub` (what a
verifier needs) and `trail.mark` (the number and digest of the last manifest, by
which a verifier sees that manifests were removed).

Called by `pacsgate init`, by `manifests`, and by whoever verifies.

Standard: RFC 8032 (Ed25519), RFC 8410 (its keys in PKCS #8 and SubjectPublicKeyInfo).
"""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from pacsgate.audit.canonical import canonical
from pacsgate.audit.manifest import NO_MARK, Mark
from pacsgate.model.errors import SettingsError
from pacsgate.sinks.segment_file import sync_directory


def create_signing_key(path: Path) -> None:
    """Make the key pair `path` (and its `.pub`), unless the private key exists already."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _write_new(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    _write_new(path.with_suffix(".pub"), public, 0o644)
    sync_directory(path.parent)


class VerifyingKey:
    """The public half, with the mark that lies beside it."""

    def __init__(self, path: Path) -> None:
        """`path` is that of the `.pub` file.  Raises `SettingsError`."""
        key = _load(path, load_pem_public_key)
        if not isinstance(key, Ed25519PublicKey):
            raise SettingsError(f"`{path}` does not hold an Ed25519 public key")
        self._key = key
        self._mark_path = path.with_suffix(".mark")

    def verifies(self, statement: bytes, signature: bytes) -> bool:
        """Whether the signature was made over the statement with the private half."""
        try:
            self._key.verify(signature, statement)
        except InvalidSignature:
            return False
        return True

    def mark(self) -> Mark:
        """The last manifest that was signed, as noted beside the key."""
        try:
            raw = json.loads(self._mark_path.read_bytes())
            return Mark(raw["number"], raw["hash"])
        except FileNotFoundError:
            return NO_MARK
        except (KeyError, TypeError, ValueError) as problem:
            raise SettingsError(
                f"`{self._mark_path}` is damaged: it should name the last manifest"
            ) from problem


class SigningKey(VerifyingKey):
    """The private half."""

    def __init__(self, path: Path, *, data_directory: Path) -> None:
        """Raises `SettingsError` for a key that others can read or that lies beside what it protects."""
        if path.resolve().is_relative_to(data_directory.resolve()):
            raise SettingsError(f"the signing key `{path}` must lie outside the data directory")
        key = _load(path, lambda pem: load_pem_private_key(pem, password=None))
        if not isinstance(key, Ed25519PrivateKey):
            raise SettingsError(f"`{path}` does not hold an Ed25519 private key")
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SettingsError(f"the signing key `{path}` can be read by others: `chmod 600` it")
        super().__init__(path.with_suffix(".pub"))
        self._private = key

    def sign(self, statement: bytes) -> bytes:
        """The signature over a statement."""
        return self._private.sign(statement)

    def save_mark(self, mark: Mark) -> None:
        """Note durably which manifest is the last.  Raises `OSError`."""
        fresh = self._mark_path.with_suffix(".mark.new")
        fresh.unlink(missing_ok=True)
        _write_new(fresh, canonical({"hash": mark.digest, "number": mark.number}) + b"\n", 0o644)
        fresh.replace(self._mark_path)
        sync_directory(self._mark_path.parent)


def _load(path: Path, load: Callable[[bytes], object]) -> object:
    try:
        return load(path.read_bytes())
    except FileNotFoundError as problem:
        raise SettingsError(f"there is no key `{path}`: `pacsgate init` makes one") from problem
    except (OSError, TypeError, ValueError, UnsupportedAlgorithm) as problem:
        raise SettingsError(f"the key `{path}` cannot be read", detail=str(problem)) from problem


def _write_new(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
