"""Manifests: signed statements of how far every segment had come.

Whoever can write a segment can also rewrite it from some record on, with a new
chain.  A manifest makes that visible: it states the heads of the segments, is
signed with a key that does not lie beside them, and holds the digest of the
manifest before it.  A record at or before a stated head is *anchored*; what
comes after the last manifest is the unanchored tail, whose length a
verification states.

A manifest names the heads that moved since the one before it.  The chain of
manifests together therefore states all heads, without repeating those of
finished segments every minute for years.

What a chain cannot show of itself is that its last manifests were removed.
Therefore the signer also keeps a `Mark`, the number and digest of the last
manifest, beside its key; a chain that does not contain the mark was rolled back.

Called by `sinks.manifests`; signing and the files are there.

Standard: Ed25519 signatures are RFC 8032.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from pacsgate.audit.canonical import canonical, decode_time, encode_time
from pacsgate.audit.chain import NO_RECORD, Head, decode_head, encode_head
from pacsgate.model.errors import TrailBroken

MANIFESTS = "manifests"
"""What a fault in the manifests themselves names instead of a segment."""

_LINE = re.compile(rb'\{"manifest":(\{.*\}),"signature":"([A-Za-z0-9+/=]{1,200})"\}\n')


class Mark(NamedTuple):
    """The last manifest: its number and the digest of its line."""

    number: int
    digest: str


NO_MARK = Mark(-1, NO_RECORD)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is signed.  `previous` is the digest of the manifest before it."""

    number: int
    signed_at: datetime
    heads: tuple[Head, ...]
    previous: str


@dataclass(frozen=True, slots=True)
class SignedManifest:
    """One line of a manifest file: the manifest, the bytes that were signed, and the signature."""

    manifest: Manifest
    statement: bytes
    signature: bytes
    line: bytes

    @property
    def mark(self) -> Mark:
        """The name by which the next manifest, and the signer, refer to this one."""
        return Mark(self.manifest.number, hashlib.sha256(self.line).hexdigest())


def statement(manifest: Manifest) -> bytes:
    """The bytes that the signature is made over."""
    return canonical(
        {
            "heads": [encode_head(head) for head in manifest.heads],
            "number": manifest.number,
            "prev": manifest.previous,
            "signed_at": encode_time(manifest.signed_at),
        }
    )


def sign_manifest(manifest: Manifest, sign: Callable[[bytes], bytes]) -> SignedManifest:
    """The manifest with its signature, and the line of a manifest file that holds both."""
    stated = statement(manifest)
    signature = sign(stated)
    line = b'{"manifest":%b,"signature":"%b"}\n' % (stated, base64.b64encode(signature))
    return SignedManifest(manifest, stated, signature, line)


def parse_manifest(line: bytes) -> SignedManifest | None:
    """The manifest that a line holds, its signature not yet checked; `None` if it holds none."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    stated, signature = found.groups()
    try:
        decoded = base64.b64decode(signature, validate=True)
        # Base64 has several spellings of the same bytes; only one of them was written.
        if base64.b64encode(decoded) != signature:
            return None
        raw = json.loads(stated)
        manifest = Manifest(
            number=raw["number"],
            signed_at=decode_time(raw["signed_at"]),
            heads=tuple(decode_head(head) for head in raw["heads"]),
            previous=raw["prev"],
        )
        return SignedManifest(manifest, stated, decoded, line)
    except (AttributeError, KeyError, TypeError, ValueError, binascii.Error):
        return None


def check_manifests(
    signed: Iterable[SignedManifest],
    verifies: Callable[[bytes, bytes], bool],
    mark: Mark | None = None,
) -> Iterator[SignedManifest]:
    """Yields the manifests in their order, each verified and chained to the one before it.

    `verifies` is asked with statement and signature.  Raises `TrailBroken`, whose
    position is the number of the first manifest that is not as it was; those
    yielded before it hold.
    """
    last = NO_MARK
    for each in sorted(signed, key=lambda each: each.manifest.number):
        number = last.number + 1
        if each.manifest.number != number:
            raise _broken(number, "is missing or there twice")
        if not verifies(each.statement, each.signature):
            raise _broken(number, "does not carry a valid signature")
        if each.manifest.previous != last.digest:
            raise _broken(number, "does not follow the one before it")
        if mark is not None and mark.number == number and mark != each.mark:
            raise _broken(number, "is not the one that was signed")
        last = each.mark
        yield each
    if mark is not None and mark.number > last.number:
        raise _broken(last.number + 1, f"is missing: {mark.number + 1} were signed")


def _broken(number: int, what: str) -> TrailBroken:
    return TrailBroken(f"manifest {number} {what}", segment=MANIFESTS, position=number)
