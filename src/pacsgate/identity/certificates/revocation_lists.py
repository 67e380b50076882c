"""Certificate revocation lists: from a file that somebody keeps up to date, or from a URL.

A list counts until its `nextUpdate`, and only if it is signed by who issued the certificate.
Past that, or when there is none for an authority, nobody knows whether a certificate was revoked.

Called by `source`.

Invariants:
- a list of which a part is not understood (a delta, one of some reasons, another's certificates) is none;
- `is_current` waits for no disk and asks nobody: it looks at the time of a file at most.

Standard: RFC 5280 sections 5 and 6.3.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

from cryptography import x509

from pacsgate.identity.certificates.asking import Ask
from pacsgate.identity.certificates.unreadable import UNREADABLE
from pacsgate.identity.file_stamp import file_stamp
from pacsgate.model.errors import SettingsError

LOOK_SECONDS = 1.0
FRESH_SECONDS = 600.0
ASKED_EVERY_SECONDS = 30.0
_PEM = b"-----BEGIN X509 CRL-----"
_END = b"-----END X509 CRL-----"
_UNDERSTOOD = frozenset(
    {x509.CRLNumber.oid, x509.AuthorityKeyIdentifier.oid, x509.IssuingDistributionPoint.oid}
)


class Revocation(Enum):
    """What the lists say of a certificate."""

    GOOD = auto()
    REVOKED = auto()
    UNKNOWN = auto()
    """No list of its issuer counts."""


class RevocationLists(Protocol):
    """Where lists come from."""

    def is_current(self) -> bool:
        """Whether they are, as far as can be told at once, those that were last read."""
        ...

    def lists(self) -> Sequence[x509.CertificateRevocationList]:
        """The newest lists that can be had."""
        ...


class ListsOfFile:
    """Lists in a file, read again when it changes.  Raises `SettingsError` if there are none at first."""

    def __init__(self, path: Path, monotonic: Callable[[], float]) -> None:
        self._path = path
        self._monotonic = monotonic
        self._stamp = file_stamp(path)
        self._lists = _read_file(path)
        self._look_at = monotonic() + LOOK_SECONDS
        self._changed = False

    def is_current(self) -> bool:
        """Whether the file is the one that was read; it is looked at once a second."""
        now = self._monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            self._changed = file_stamp(self._path) != self._stamp
        return not self._changed

    def lists(self) -> Sequence[x509.CertificateRevocationList]:
        """What the file holds; what it last held while it cannot be read, for as long as that counts."""
        if not self.is_current():
            stamp = file_stamp(self._path)
            try:
                self._lists = _read_file(self._path)
            except SettingsError:
                return self._lists
            self._stamp, self._changed = stamp, False
        return self._lists


class PublishedLists:
    """Lists at a URL: asked for when they are first needed, every ten minutes, and when they have run out."""

    def __init__(self, url: str, ask: Ask, monotonic: Callable[[], float]) -> None:
        self._url = url
        self._ask = ask
        self._monotonic = monotonic
        self._asking = threading.Lock()
        self._lists: Sequence[x509.CertificateRevocationList] = ()
        self._due_at: float | None = None

    def is_current(self) -> bool:
        """Whether it is not yet time to ask again."""
        return self._due_at is not None and self._monotonic() < self._due_at

    def lists(self) -> Sequence[x509.CertificateRevocationList]:
        """What was published last; while somebody asks for it anew, others do with what there is."""
        if not self.is_current() and self._asking.acquire(blocking=not self._lists):
            try:
                if not self.is_current():
                    self._ask_again()
            finally:
                self._asking.release()
        return self._lists

    def _ask_again(self) -> None:
        answer = self._ask(self._url, None)
        found = None if answer is None else read_lists(answer)
        self._lists = found or self._lists
        self._due_at = self._monotonic() + (FRESH_SECONDS if found else ASKED_EVERY_SECONDS)


def revocation(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    lists: Sequence[x509.CertificateRevocationList],
    now: datetime,
) -> Revocation:
    """What the lists of its issuer say of a certificate, at a time."""
    counting = lists_of(issuer, lists, now)
    if not counting:
        return Revocation.UNKNOWN
    return Revocation.REVOKED if is_listed(certificate.serial_number, counting) else Revocation.GOOD


def lists_of(
    issuer: x509.Certificate, lists: Sequence[x509.CertificateRevocationList], now: datetime
) -> Sequence[x509.CertificateRevocationList]:
    """Those of the lists of an issuer that count at a time."""
    return [each for each in lists if _counts(each, issuer, now)]


def is_listed(serial: int, lists: Sequence[x509.CertificateRevocationList]) -> bool:
    """Whether lists of its issuer name a certificate."""
    return any(each.get_revoked_certificate_by_serial_number(serial) is not None for each in lists)


def read_lists(content: bytes) -> tuple[x509.CertificateRevocationList, ...] | None:
    """The lists in PEM, one after the other, or one in DER; `None` for anything else."""
    try:
        if _PEM not in content:
            return (x509.load_der_x509_crl(content),)
        pieces = [piece.partition(_END)[0] for piece in content.split(_PEM)[1:]]
        return tuple(x509.load_pem_x509_crl(_PEM + piece + _END + b"\n") for piece in pieces)
    except UNREADABLE:
        return None


def _read_file(path: Path) -> Sequence[x509.CertificateRevocationList]:
    try:
        found = read_lists(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"cannot read the revocation lists `{path}`: {error.strerror}") from error
    if not found:
        raise SettingsError(f"`{path}` holds no certificate revocation list in PEM or DER")
    return found


def _counts(found: x509.CertificateRevocationList, issuer: x509.Certificate, now: datetime) -> bool:
    try:
        until = found.next_update_utc
        if found.issuer != issuer.subject or until is None or not found.last_update_utc <= now < until:
            return False
        key = issuer.public_key()
        return _is_whole(found) and _may_sign(issuer) and found.is_signature_valid(key)  # type: ignore[arg-type]  # a key of another kind raises
    except UNREADABLE:
        return False


def _is_whole(found: x509.CertificateRevocationList) -> bool:
    """Whether it is about every certificate of its authority, for every reason."""
    for extension in found.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            return False
        point = extension.value
        if isinstance(point, x509.IssuingDistributionPoint) and (
            point.indirect_crl
            or point.only_some_reasons
            or point.only_contains_attribute_certs
            or point.only_contains_ca_certs
        ):
            return False
    return True


def _may_sign(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True
