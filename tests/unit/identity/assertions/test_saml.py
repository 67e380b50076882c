"""SAML assertions signed by hand: genuine ones, wrapped ones, and every condition that must hold."""

from datetime import timedelta

import pytest

from pacsgate.identity.assertions.issuers import ClaimNames, SamlIssuer
from pacsgate.identity.assertions.saml import SamlAssertions
from pacsgate.ports.assertions import AssertionFault, Claims
from tests.support.assertions import AUDIENCE, ISSUER, RECIPIENT, SamlProvider, assertion_at, zulu
from tests.support.clocks import START

RSA, EC, STRANGER = SamlProvider(START), SamlProvider(START, elliptic=True), SamlProvider(START)
NAMES = ClaimNames("", "groups", {"department": "department"})
EMPTY_ASSERTION = '<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion"'


def verifier(**changed) -> SamlAssertions:
    parts = {
        "recipient": RECIPIENT,
        "certificates": (RSA.certificate, EC.certificate),
        "names": NAMES,
        **changed,
    }
    return SamlAssertions([SamlIssuer(ISSUER, AUDIENCE, **parts)])


def verify(assertion, now=START, **changed):
    return verifier(**changed).verify(assertion.encode() if isinstance(assertion, str) else assertion, now)


def signed(provider=RSA, **changed) -> str:
    return provider.sign(assertion_at(START, **changed))


@pytest.mark.parametrize("provider", [RSA, EC])
def test_a_genuine_assertion_says_who_it_is(provider):
    assert verify(signed(provider)) == Claims(
        ISSUER,
        "rad1",
        START + timedelta(minutes=5),
        source=ISSUER,
        external_id="rad1",
        groups=frozenset({"radiology", "night"}),
        attributes={"department": frozenset({"CT-A"})},
        assertion_id="_a1",
    )


def test_the_name_may_be_an_attribute_of_one_value():
    assert verify(signed(), names=ClaimNames("department")).name == "CT-A"
    assert verify(signed(), names=ClaimNames("groups")) is AssertionFault.NAMELESS
    assert verify(signed(), names=ClaimNames("none")) is AssertionFault.NAMELESS


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"issuer": "https://evil.example"}, AssertionFault.UNKNOWN_ISSUER),
        ({"issuer": ""}, AssertionFault.UNKNOWN_ISSUER),
        ({"audience": ""}, AssertionFault.NOT_FOR_US),
        (
            {"audience": "<AudienceRestriction><Audience>other</Audience></AudienceRestriction>"},
            AssertionFault.NOT_FOR_US,
        ),
        ({"audience": "<AudienceRestriction/>"}, AssertionFault.NOT_FOR_US),
        ({"recipient": "dicom://other.example"}, AssertionFault.NOT_FOR_US),
        ({"method": "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"}, AssertionFault.UNREADABLE),
        ({"version": "1.1"}, AssertionFault.UNREADABLE),
        ({"ends": zulu(START)}, AssertionFault.EXPIRED),
        ({"confirmed_until": zulu(START)}, AssertionFault.EXPIRED),
        ({"ends": "never"}, AssertionFault.UNREADABLE),
        ({"confirmed_until": ""}, AssertionFault.UNREADABLE),
        ({"begins": zulu(START + timedelta(seconds=61))}, AssertionFault.NOT_YET_VALID),
        ({"begins": "soon"}, AssertionFault.NOT_YET_VALID),
        ({"name": ""}, AssertionFault.NAMELESS),
        ({"name": "rad1<x/>"}, AssertionFault.NAMELESS),
        ({"name": "rad1<?x y?>.evil"}, AssertionFault.NAMELESS),
    ],
)
def test_a_signed_assertion_that_is_not_for_us_and_for_now_is_refused(changed, fault):
    assert verify(signed(**changed)) is fault


def test_every_audience_restriction_must_name_us():
    def restriction(*names):
        listed = "".join(f"<Audience>{name}</Audience>" for name in names)
        return f"<AudienceRestriction>{listed}</AudienceRestriction>"

    assert isinstance(verify(signed(audience=restriction("x", AUDIENCE))), Claims)
    both = restriction(AUDIENCE) + restriction("other")
    assert verify(signed(audience=both)) is AssertionFault.NOT_FOR_US


def test_it_ends_with_the_sooner_of_its_ends_and_never_later():
    assertion = signed(confirmed_until=zulu(START + timedelta(minutes=2)))
    assert verify(assertion).expires_at == START + timedelta(minutes=2)
    assert verify(assertion, START + timedelta(minutes=2)) is AssertionFault.EXPIRED


def test_a_recipient_is_compared_where_one_is_configured():
    assertion = signed(recipient="dicom://other.example")
    assert isinstance(verify(assertion, recipient=None), Claims)


def test_an_assertion_of_another_key_is_not_genuine():
    assert verify(signed(STRANGER)) is AssertionFault.BAD_SIGNATURE
    assert verify(assertion_at(START)) is AssertionFault.BAD_SIGNATURE


def test_a_certificate_that_has_expired_signs_for_nobody():
    late = START + timedelta(days=366)
    assertion = RSA.sign(assertion_at(late))
    assert verify(assertion, late) is AssertionFault.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rad1", "admin"),
        ("radiology", "admins"),
        (zulu(START + timedelta(minutes=5)), "2030-01-01T00:00:00Z"),
    ],
)
def test_a_changed_assertion_is_not_genuine(old, new):
    assert verify(signed().replace(old, new)) is AssertionFault.BAD_SIGNATURE


def test_a_comment_does_not_cut_a_name_short():
    """CVE-2017-11427 and its siblings: `admin<!-- -->.evil` was read as `admin`."""
    assertion = signed(name="admin.evil").replace("admin.evil", "admin<!-- -->.evil")
    assert verify(assertion).name == "admin.evil"


# ------------------------------------------------------------------ signature wrapping


def forged(**changed) -> str:
    return assertion_at(START, name="admin", **changed)


def inside(outer: str, wrapped: str, *, before: str = "<Subject>") -> str:
    return outer.replace(before, f"{wrapped}{before}", 1)


def signature_of(assertion: str) -> str:
    begin, end = (
        assertion.index("<ds:Signature "),
        assertion.index("</ds:Signature>") + len("</ds:Signature>"),
    )
    return assertion[begin:end]


GENUINE = signed()
SIGNATURE = signature_of(GENUINE)
BARE = GENUINE.replace(SIGNATURE, "")


@pytest.mark.parametrize(
    "wrapped",
    [
        # the signed one inside a forged one, its signature left where it was
        inside(forged(assertion_id="_evil"), GENUINE),
        # and moved to where it is looked for
        inside(forged(assertion_id="_evil"), SIGNATURE + BARE),
        # with the same ID twice
        inside(forged(), SIGNATURE + BARE),
        inside(forged(), SIGNATURE + BARE, before="</Assertion>"),
        # the signed one hidden inside the signature
        inside(
            forged(assertion_id="_evil"),
            SIGNATURE.replace("</ds:Signature>", f"<ds:Object>{BARE}</ds:Object></ds:Signature>"),
        ),
        inside(
            forged(), SIGNATURE.replace("</ds:Signature>", f"<ds:Object>{BARE}</ds:Object></ds:Signature>")
        ),
        # a forged assertion beside it under a root of somebody's own
        f"<Response>{forged(assertion_id='_evil')}{GENUINE}</Response>",
        f'{EMPTY_ASSERTION} ID="_evil"><Issuer>{ISSUER}</Issuer>{GENUINE}</Assertion>',
        # a signature that signs nothing of the assertion
        inside(forged(), SIGNATURE),
        # no signature of its own, one deeper
        forged().replace("<AttributeStatement>", f"<Advice>{GENUINE}</Advice><AttributeStatement>"),
    ],
)
def test_what_is_wrapped_around_a_genuine_assertion_is_never_read(wrapped):
    found = verify(wrapped)
    assert isinstance(found, AssertionFault), found


def test_a_signature_over_a_part_of_the_assertion_is_none():
    part = RSA.sign(assertion_at(START), reference="")
    assert isinstance(verify(part), Claims)
    attribute = assertion_at(START).replace("<AttributeStatement>", '<AttributeStatement ID="_part">')
    assert verify(RSA.sign(attribute, reference="#_part")) is AssertionFault.BAD_SIGNATURE


def test_a_signature_that_is_no_child_of_the_assertion_is_none():
    """Its content is genuine; where it stands is what tells one signature from another."""
    whole = RSA.sign(assertion_at(START).replace("<Conditions", "<Advice></Advice><Conditions"))
    assert isinstance(verify(whole), Claims)
    signature = signature_of(whole)
    moved = whole.replace(signature, "").replace("<Advice/>", f"<Advice>{signature}</Advice>")
    assert signature in moved
    assert verify(moved) is AssertionFault.BAD_SIGNATURE


def test_two_identifiers_of_one_name_are_not_told_apart_by_guessing():
    twin = assertion_at(START).replace("<Conditions", '<Advice ID="_a1"/><Conditions')
    assert isinstance(verify(RSA.sign(twin)), AssertionFault)


# ------------------------------------------------------------------ hostile XML


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"not xml",
        b"<a",
        b"<Assertion/>",
        b"\xff\xfe",
        f'<!DOCTYPE a [<!ENTITY x "rad1">]>{GENUINE}'.encode(),
        f'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd">{GENUINE}'.encode(),
        f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>{GENUINE}'.encode(),
        b"<a>" * 20_000,
        f"{EMPTY_ASSERTION}/>".encode(),
        f"{EMPTY_ASSERTION}><Issuer>{ISSUER}</Issuer></Assertion>".encode(),
        f"{EMPTY_ASSERTION}><Issuer>{ISSUER}</Issuer><Issuer>{ISSUER}</Issuer></Assertion>".encode(),
    ],
)
def test_hostile_documents_are_refused_and_never_raise(document):
    assert isinstance(verify(document), AssertionFault)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rsa-sha256", "rsa-sha1"),
        ("rsa-sha256", "hmac-sha256"),
        ("xmlenc#sha256", "nonsense"),
        ("exc-c14n#", "nonsense"),
        ("<ds:SignatureValue>", "<ds:SignatureValue>AAAA"),
        ("<ds:DigestValue>", "<ds:DigestValue>AAAA"),
        ("<ds:SignedInfo", "<ds:Other/><ds:SignedInfo"),
        ('URI="#_a1"', 'URI="#_a2"'),
        ('URI="#_a1"', 'URI="http://127.0.0.1:9/x"'),
        ('URI="#_a1"', ""),
        ("<ds:Reference", "<ds:Nothing"),
    ],
)
def test_hostile_signatures_are_refused_and_never_raise(old, new):
    changed = GENUINE.replace(old, new).replace(
        "</ds:Reference", "</ds:Nothing" if "Nothing" in new else "</ds:Reference"
    )
    assert verify(changed) in {AssertionFault.BAD_SIGNATURE, AssertionFault.UNREADABLE}
