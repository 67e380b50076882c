"""SAML responses: a genuine one is believed, and whatever was wrapped, changed, late or for somebody else is not."""

import base64
import re

import pytest
from lxml import etree

from pacsgate.identity.assertions.saml import verify_assertion
from pacsgate.identity.saml.responses import LARGEST_RESPONSE, verify_response
from pacsgate.ports.assertions import AssertionFault, Claims
from tests.support.saml_idp import (
    ENTITY,
    MFA_CONTEXT,
    SAML,
    SIGNER,
    STRANGER,
    assertion,
    encoded,
    encrypted,
    genuine,
    metadata,
    now,
    own_key,
    provider,
    response,
    signed_with_sha1,
    wrapped,
)

PROVIDER = provider()
REQUEST = "_request-1"


def verify(text: str, to=PROVIDER, request_id=REQUEST):
    return verify_response(to, text, request_id, now())


def changed(old: str, new: str, text: str) -> str:
    document = base64.b64decode(text).decode()
    assert old in document
    return encoded(document.replace(old, new))


def test_a_genuine_response_says_who_it_is():
    claims = verify(genuine(PROVIDER, REQUEST, context=MFA_CONTEXT))
    assert isinstance(claims, Claims), claims
    assert (claims.name, claims.external_id, claims.source, claims.issuer) == (
        "rad1",
        "rad1",
        "clinic",
        ENTITY,
    )
    assert claims.groups == {"radiology", "night"}
    assert claims.attributes == {"department": {"CT-A"}}
    assert (claims.acr, claims.session_id, claims.assertion_id) == (MFA_CONTEXT, "s-1", "_a1")


def test_a_response_may_be_signed_as_a_whole_besides():
    inner = SIGNER.sign(assertion(PROVIDER, REQUEST))
    assert isinstance(verify(encoded(SIGNER.sign(response(PROVIDER, REQUEST, inner)))), Claims)


def test_an_assertion_that_answers_nobody_is_no_answer():
    """What a provider gave somebody without being asked, put into a response to this request."""
    unasked = assertion(PROVIDER, REQUEST).replace(f' InResponseTo="{REQUEST}"', "")
    found = verify(encoded(response(PROVIDER, REQUEST, SIGNER.sign(unasked))))
    assert found is AssertionFault.NOT_FOR_US


def test_a_signature_around_a_genuine_assertion_must_be_genuine_too():
    inner = SIGNER.sign(assertion(PROVIDER, REQUEST))
    forged = STRANGER.sign(response(PROVIDER, REQUEST, inner))
    assert verify(encoded(forged)) is AssertionFault.BAD_SIGNATURE


@pytest.mark.parametrize("number", range(1, 9))
def test_xsw_a_wrapped_signature_signs_nobody_in(number):
    document = wrapped(number, PROVIDER, REQUEST)
    assert b"admin" in document
    assert isinstance(verify(encoded(document)), AssertionFault)


@pytest.mark.parametrize("number", range(1, 9))
def test_xsw_our_verifier_by_itself_reads_nothing_but_what_was_signed(number):
    document = etree.fromstring(wrapped(number, PROVIDER, REQUEST))
    for found in document.iter(f"{SAML}Assertion"):
        text = etree.tostring(found, with_tail=False)
        claims = verify_assertion(text, PROVIDER.issuer, now(), in_response_to=REQUEST)
        assert isinstance(claims, AssertionFault) or claims.name == "rad1"


def test_an_unsigned_assertion_is_refused():
    text = encoded(response(PROVIDER, REQUEST, assertion(PROVIDER, REQUEST)))
    assert verify(text) is AssertionFault.BAD_SIGNATURE


def test_a_signed_response_around_an_unsigned_assertion_is_refused():
    text = encoded(SIGNER.sign(response(PROVIDER, REQUEST, assertion(PROVIDER, REQUEST))))
    assert verify(text) is AssertionFault.BAD_SIGNATURE


def test_an_assertion_of_another_key_is_refused():
    assert verify(genuine(PROVIDER, REQUEST, STRANGER)) is AssertionFault.BAD_SIGNATURE


def test_a_key_in_the_message_is_not_believed():
    text = genuine(PROVIDER, REQUEST, STRANGER)
    certificate = re.search(rb"<X509Certificate>.*</X509Certificate>", metadata(STRANGER))[0].decode()
    ds = "http://www.w3.org/2000/09/xmldsig#"
    info = f'</ds:SignatureValue><ds:KeyInfo xmlns:ds="{ds}"><X509Data xmlns="{ds}">{certificate}</X509Data></ds:KeyInfo>'
    assert verify(changed("</ds:SignatureValue>", info, text)) is AssertionFault.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("audience", "https://other.example/metadata"),
        ("recipient", "https://gate.example/auth/saml/clinic/acs.evil.example"),
        ("recipient", "https://other.example/auth/saml/clinic/acs"),
        ("in_response_to", "_another"),
    ],
)
def test_an_assertion_for_somebody_else_is_refused(part, value):
    found = verify(genuine(PROVIDER, REQUEST, **{part: value}))
    assert found in {AssertionFault.NOT_FOR_US, AssertionFault.BAD_SIGNATURE}


@pytest.mark.parametrize(
    "destination", ["https://gate.example/auth/saml/clinic/acs2", "https://evil.example", ""]
)
def test_a_response_to_another_address_is_refused(destination):
    inner = SIGNER.sign(assertion(PROVIDER, REQUEST))
    assert (
        verify(encoded(response(PROVIDER, REQUEST, inner, destination=destination)))
        is AssertionFault.NOT_FOR_US
    )


def test_an_answer_to_another_request_is_refused():
    assert verify(genuine(PROVIDER, "_another")) is AssertionFault.NOT_FOR_US
    inner = SIGNER.sign(assertion(PROVIDER, "_another"))
    assert isinstance(verify(encoded(response(PROVIDER, REQUEST, inner))), AssertionFault)


@pytest.mark.parametrize(
    "changes", [{"ends": "2020-01-01T00:00:00Z"}, {"begins": "2099-01-01T00:00:00Z"}, {"ends": "never"}]
)
def test_a_response_that_does_not_hold_now_is_refused(changes):
    assert isinstance(verify(genuine(PROVIDER, REQUEST, **changes)), AssertionFault)


def test_a_name_does_not_end_at_a_comment():
    signed = SIGNER.sign(assertion(PROVIDER, REQUEST, name="admin.evil"))
    truncated = signed.replace("admin.evil", "admin<!-- -->.evil")
    claims = verify(encoded(response(PROVIDER, REQUEST, truncated)))
    assert isinstance(claims, Claims)
    assert claims.name == "admin.evil"


def test_an_old_algorithm_is_refused():
    text = genuine(PROVIDER, REQUEST)
    downgraded = changed("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1", text)
    assert verify(downgraded) is AssertionFault.BAD_SIGNATURE
    once = signed_with_sha1(assertion(PROVIDER, REQUEST))
    assert "rsa-sha1" in once
    assert verify(encoded(response(PROVIDER, REQUEST, once))) is AssertionFault.BAD_SIGNATURE


def test_an_encrypted_assertion_is_read_with_the_key_of_the_gate_alone():
    key = own_key()
    to = provider(own_key=key)
    sealed = encrypted(SIGNER.sign(assertion(to, REQUEST)), key)
    assert "rad1" not in sealed
    assert verify(encoded(response(to, REQUEST, sealed)), to).name == "rad1"
    other = provider(own_key=own_key())
    assert verify(encoded(response(other, REQUEST, sealed)), other) is AssertionFault.BAD_SIGNATURE
    unsigned = encrypted(assertion(to, REQUEST), key)
    assert verify(encoded(response(to, REQUEST, unsigned)), to) is AssertionFault.BAD_SIGNATURE


def test_no_success_is_no_sign_in():
    inner = SIGNER.sign(assertion(PROVIDER, REQUEST))
    failed = response(PROVIDER, REQUEST, inner, status="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed")
    assert verify(encoded(failed)) is AssertionFault.DENIED


def test_a_document_type_or_too_much_is_not_read():
    text = base64.b64decode(genuine(PROVIDER, REQUEST)).decode()
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>{text.replace("rad1", "&e;")}'
    assert verify(encoded(entity)) is AssertionFault.UNREADABLE
    assert verify(encoded(text + " " * LARGEST_RESPONSE)) is AssertionFault.UNREADABLE
    for garbage in ("", "%", encoded("<a/>"), encoded(b"\xff\x00"), encoded("<a>" * 400)):
        assert verify(garbage) is AssertionFault.UNREADABLE


def test_groups_that_the_provider_left_out_are_not_taken_for_none():
    linked = "http://schemas.microsoft.com/claims/groups.link"
    unsigned = assertion(PROVIDER, REQUEST)
    told = SIGNER.sign(unsigned.replace('Name="groups"', f'Name="{linked}"'))
    assert verify(encoded(response(PROVIDER, REQUEST, told))) is AssertionFault.INCOMPLETE


def test_a_transient_name_id_names_nobody_unless_an_attribute_does():
    transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
    assert verify(genuine(PROVIDER, REQUEST, name_format=transient)) is AssertionFault.NAMELESS


def test_two_providers_with_the_same_name_id_are_told_apart_by_their_source():
    other = provider("other")
    one, two = verify(genuine(PROVIDER, REQUEST)), verify(genuine(other, REQUEST), other)
    assert (one.external_id, one.source) != (two.external_id, two.source)
