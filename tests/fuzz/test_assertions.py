"""Whatever comes in the place of a token or an assertion is refused or says what was signed; nothing raises.

A genuine one with a byte changed, left out or put in is either no longer genuine or says the very same.
"""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.identity.assertions.issuer_keys import read_key_set
from pacsgate.identity.assertions.issuers import ClaimNames, JwtIssuer, SamlIssuer
from pacsgate.identity.assertions.json_web_tokens import JsonWebTokens
from pacsgate.identity.assertions.saml import SamlAssertions
from pacsgate.ports.assertions import AssertionFault, AssertionVerifier, Claims
from tests.support.assertions import (
    AUDIENCE,
    ISSUER,
    RECIPIENT,
    EcSigner,
    SamlProvider,
    assertion_at,
    claims_at,
    key_set,
    web_token,
)
from tests.support.clocks import START

_SIGNER, _PROVIDER = EcSigner(), SamlProvider(START, elliptic=True)
_KEYS = read_key_set(key_set(_SIGNER))


class _Keys:
    def keys(self, key_id):  # noqa: ARG002 - the port's
        return _KEYS


_NAMES = ClaimNames("preferred_username", "groups")
_TOKENS: AssertionVerifier = JsonWebTokens(
    [JwtIssuer(ISSUER, AUDIENCE, frozenset({"ES256"}), _Keys(), _NAMES)]
)
_ASSERTIONS: AssertionVerifier = SamlAssertions(
    [SamlIssuer(ISSUER, AUDIENCE, RECIPIENT, (_PROVIDER.certificate,), ClaimNames("", "groups"))]
)
_GENUINE = {
    "token": (_TOKENS, web_token(_SIGNER, claims_at(START))),
    "assertion": (_ASSERTIONS, _PROVIDER.sign(assertion_at(START)).encode()),
}
_KINDS = pytest.mark.parametrize("kind", _GENUINE)


@_KINDS
@given(
    data=st.binary(max_size=2_000) | st.text(max_size=2_000).map(lambda text: text.encode("utf-8", "replace"))
)
def test_any_bytes_are_refused_and_never_raise(kind: str, data: bytes) -> None:
    verifier, _ = _GENUINE[kind]
    assert isinstance(verifier.verify(data, START), AssertionFault)


@_KINDS
@given(
    at=st.floats(0, 1, exclude_max=True),
    width=st.integers(0, 40),
    put=st.binary(max_size=40) | st.text("<>/&;=\"'.-_ \n!aZ0", max_size=20).map(str.encode),
)
def test_a_genuine_one_that_was_changed_is_not_genuine_or_says_the_same(
    kind: str, at: float, width: int, put: bytes
) -> None:
    verifier, genuine = _GENUINE[kind]
    said = verifier.verify(genuine, START)
    assert isinstance(said, Claims)
    begin = int(at * len(genuine))
    changed = genuine[:begin] + put + genuine[begin + width :]
    found = verifier.verify(changed, START)
    assert isinstance(found, AssertionFault) or found == said


@_KINDS
@given(seconds=st.floats(-1e9, 1e9, allow_nan=False))
def test_a_genuine_one_counts_within_its_time_and_never_after(kind: str, seconds: float) -> None:
    verifier, genuine = _GENUINE[kind]
    is_within = -60 <= seconds < timedelta(minutes=5).total_seconds()
    found = verifier.verify(genuine, START + timedelta(seconds=seconds))
    assert isinstance(found, Claims) == is_within
