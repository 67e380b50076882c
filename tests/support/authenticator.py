"""A WebAuthn authenticator and its browser, in software: they do what they are told, also what no real one does.

Standard: Web Authentication Level 3 6.1 (authenticator data), 6.5 (attestation), 5.8.1 (client data).
"""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url, encode_cbor

_PRESENT, _VERIFIED, _MAY_BE_COPIED, _COPIED, _HAS_KEY = 0x01, 0x04, 0x08, 0x10, 0x40


@dataclass
class SoftAuthenticator:
    """One credential."""

    origin: str
    rp_id: str
    verifies_user: bool = True
    is_synced: bool = False
    counter: int = 0
    counts: bool = True
    user_handle: str = ""
    """Of the account that it was made for, as the site has said it."""
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def name(self) -> str:
        return bytes_to_base64url(self.credential_id)

    def make(self, options: str, **otherwise: Any) -> str:
        """Answer `navigator.credentials.create`."""
        asked = json.loads(options)
        self.user_handle = asked["user"]["id"]
        client = self._client("webauthn.create", asked["challenge"], otherwise)
        point = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        held = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + encode_cbor(cose)
        attested = {"fmt": "none", "attStmt": {}, "authData": self._data(_HAS_KEY, otherwise) + held}
        return self._answer(
            clientDataJSON=bytes_to_base64url(client),
            attestationObject=bytes_to_base64url(encode_cbor(attested)),
        )

    def use(self, options: str, **otherwise: Any) -> str:
        """Answer `navigator.credentials.get`."""
        client = self._client("webauthn.get", json.loads(options)["challenge"], otherwise)
        self.counter += self.counts
        data = self._data(0, otherwise)
        signed = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            clientDataJSON=bytes_to_base64url(client),
            authenticatorData=bytes_to_base64url(data),
            signature=bytes_to_base64url(signed),
            userHandle=str(otherwise.get("user_handle", self.user_handle)),
        )

    def _client(self, kind: str, challenge: str, otherwise: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps({name: otherwise.get(name, value) for name, value in said.items()}).encode()

    def _data(self, flags: int, otherwise: dict[str, Any]) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies_user else 0)
        flags |= (_MAY_BE_COPIED | _COPIED) if self.is_synced else 0
        rp_id = str(otherwise.get("rp_id", self.rp_id))
        counter = int(otherwise.get("counter", self.counter))
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + counter.to_bytes(4, "big")

    def _answer(self, **response: str) -> str:
        return json.dumps({"id": self.name, "rawId": self.name, "type": "public-key", "response": response})
