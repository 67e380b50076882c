"""Logout by a SAML provider: believed with its signature only, for this address, and just now."""

from datetime import timedelta
from urllib.parse import parse_qs, quote_plus, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from pacsgate.identity.saml.logout import logout_answer_url, read_logout
from tests.support.assertions import zulu
from tests.support.saml_idp import ENTITY, SIGN_OUT, SIGNER, STRANGER, now, own_key, provider

PROVIDER = provider(own_key=own_key())
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"


def request(signer=SIGNER, algorithm=RSA_SHA256, relay="back", **changed) -> dict[str, str]:
    stated = {
        "issuer": ENTITY,
        "destination": PROVIDER.logout_url,
        "at": zulu(now()),
        "index": "<samlp:SessionIndex>s-1</samlp:SessionIndex>",
        **changed,
    }
    text = (
        '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" '
        'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_l1" Version="2.0" '
        f'IssueInstant="{stated["at"]}" Destination="{stated["destination"]}">'
        f"<saml:Issuer>{stated['issuer']}</saml:Issuer><saml:NameID>rad1</saml:NameID>"
        f"{stated['index']}</samlp:LogoutRequest>"
    )
    message = OneLogin_Saml2_Utils.deflate_and_base64_encode(text)
    query = {"SAMLRequest": message, "RelayState": relay, "SigAlg": algorithm}
    signed = "&".join(f"{name}={quote_plus(value)}" for name, value in query.items())
    signature = signer._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return {**query, "Signature": OneLogin_Saml2_Utils.b64encode(signature)}


def test_a_signed_request_says_who_signed_out():
    logout = read_logout(PROVIDER, request(), now())
    assert (logout.request_id, logout.name_id, logout.session_index) == ("_l1", "rad1", "s-1")
    assert read_logout(PROVIDER, request(index=""), now()).session_index is None


def test_an_unsigned_request_signs_nobody_out():
    assert read_logout(PROVIDER, {k: v for k, v in request().items() if k != "Signature"}, now()) is None
    assert read_logout(PROVIDER, {}, now()) is None


@pytest.mark.parametrize(
    "query",
    [
        request(STRANGER),
        request(algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        request(issuer="https://other.example"),
        request(destination="https://other.example/logout"),
        request(destination=PROVIDER.logout_url + ".evil.example"),
        request(at=zulu(now() - timedelta(minutes=6))),
        request(at=""),
        {**request(), "RelayState": "elsewhere"},
        {**request(), "Signature": "%%%"},
        {**request(), "SAMLRequest": "%%%"},
    ],
)
def test_a_request_that_is_not_the_providers_for_us_and_now_is_refused(query):
    assert read_logout(PROVIDER, query, now()) is None


def test_the_answer_goes_back_to_the_provider_and_is_signed():
    url = logout_answer_url(PROVIDER, request(), now())
    assert url.startswith(SIGN_OUT)
    query = parse_qs(urlsplit(url).query)
    assert query["RelayState"] == ["back"]
    assert {"SAMLResponse", "Signature", "SigAlg"} <= set(query)
    assert logout_answer_url(PROVIDER, request(STRANGER), now()) is None
