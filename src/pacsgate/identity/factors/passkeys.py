"""Passkeys and security keys: what a browser is asked, and what its answer is worth.

Everything is checked against the site at which it was asked: the challenge, the origin, the host's
hash in what the authenticator signed.  Attestation is neither asked for nor believed: whose make a key
is decides nothing here.

Used as `ports.factor_proofs.Passkeys`; made by `bootstrap`.

Invariants:
- an answer that cannot be read is no answer;
- the counter is handed on, and judged where it is kept.

Standard: Web Authentication Level 3 (W3C) 7.1, 7.2; OWASP ASVS 5.0 6.5, 6.8.
"""

import json
import secrets
import struct
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from pacsgate.ports.factor_proofs import NamedPasskey, NewPasskey, PasskeyQuestion, ShownPasskey, Site

_NAME = "pacsgate"
_CHALLENGE_BYTES = 32
_ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_UNREADABLE = (
    WebAuthnException,
    UnsupportedAlgorithm,
    struct.error,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What a library may say of an answer that a browser never made."""
_LONGEST = 32_000


class WebAuthnPasskeys:
    """The relying party."""

    def ask_for_new(self, site: Site, user: str, handle: bytes, known: Sequence[str]) -> PasskeyQuestion:
        """Ask for a new credential that the authenticator finds again by itself, if it can."""
        challenge = secrets.token_bytes(_CHALLENGE_BYTES)
        options = generate_registration_options(
            rp_id=site.rp_id,
            rp_name=_NAME,
            user_name=user,
            user_id=handle,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.PREFERRED,
            ),
            exclude_credentials=_descriptors(known),
            supported_pub_key_algs=_ALGORITHMS,
        )
        return PasskeyQuestion(options_to_json(options), challenge)

    def made(self, site: Site, challenge: bytes, answer: str) -> NewPasskey | None:
        """The credential, if the answer is one to this challenge at this site."""
        try:
            found = verify_registration_response(
                credential=_read(answer),
                expected_challenge=challenge,
                expected_rp_id=site.rp_id,
                expected_origin=site.origin,
                supported_pub_key_algs=_ALGORITHMS,
            )
        except _UNREADABLE:
            return None
        return NewPasskey(
            credential_id=bytes_to_base64url(found.credential_id),
            public_key=found.credential_public_key,
            counter=found.sign_count,
            verifies_user=found.user_verified,
            is_synced=found.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        )

    def ask_for_known(self, site: Site, known: Sequence[str], *, verify_user: bool) -> PasskeyQuestion:
        """Ask for one of these credentials, or for any."""
        challenge = secrets.token_bytes(_CHALLENGE_BYTES)
        options = generate_authentication_options(
            rp_id=site.rp_id,
            challenge=challenge,
            allow_credentials=_descriptors(known),
            user_verification=(
                UserVerificationRequirement.REQUIRED if verify_user else UserVerificationRequirement.PREFERRED
            ),
        )
        return PasskeyQuestion(options_to_json(options), challenge)

    def named_in(self, answer: str) -> NamedPasskey | None:
        """The credential id, and the user handle if there is one."""
        try:
            read = _read(answer)
            handle = read["response"].get("userHandle")
            return NamedPasskey(str(read["id"]), base64url_to_bytes(handle) if handle else None)
        except _UNREADABLE:
            return None

    def shown(
        self, site: Site, challenge: bytes, answer: str, public_key: bytes, *, verify_user: bool
    ) -> ShownPasskey | None:
        """What was shown, if everything is right but the counter, which is left to who keeps it."""
        try:
            found = verify_authentication_response(
                credential=_read(answer),
                expected_challenge=challenge,
                expected_rp_id=site.rp_id,
                expected_origin=site.origin,
                credential_public_key=public_key,
                credential_current_sign_count=0,
                require_user_verification=verify_user,
            )
        except _UNREADABLE:
            return None
        is_synced = found.credential_device_type is CredentialDeviceType.MULTI_DEVICE
        return ShownPasskey(found.new_sign_count, found.user_verified, is_synced)


def _read(answer: str) -> dict[str, Any]:
    if len(answer) > _LONGEST:
        raise ValueError("longer than any answer of a browser")
    read: dict[str, Any] = json.loads(answer)
    if not isinstance(read, dict):
        raise TypeError("no object")
    return read


def _descriptors(known: Sequence[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(each)) for each in known]
