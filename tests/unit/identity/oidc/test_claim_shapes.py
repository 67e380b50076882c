"""Tokens as Keycloak, Entra ID and Google make them, read as docs/identity.md says to configure each."""

from datetime import timedelta

import pytest

from pacsgate.identity.assertions.issuers import ClaimNames
from pacsgate.identity.assertions.reading_claims import read_claims
from pacsgate.model.subject import SubjectKind
from pacsgate.ports.assertions import AssertionFault, Claims
from tests.support.clocks import START

KEYCLOAK = ClaimNames("preferred_username", "realm_access.roles", {"department": "department"})
ENTRA = ClaimNames("preferred_username", "roles", external_id="oid", required={"tid": frozenset({"t-1"})})
ENTRA_GROUPS = ClaimNames("preferred_username", "groups", external_id="oid")
GOOGLE = ClaimNames("email", None, required={"hd": frozenset({"hospital.example"})})

OF_KEYCLOAK = {
    "exp": 1772356200,
    "iat": 1772355900,
    "auth_time": 1772355899,
    "jti": "onrtac:5f2f1f0c-7f0f-4a55-9f43-2f1d0b4e6c11",
    "iss": "https://keycloak.example/realms/hospital",
    "aud": ["pacsgate", "account"],
    "sub": "f2f5c2f4-6a0c-4a2e-8a5e-1f7d0a1b2c3d",
    "typ": "Bearer",
    "azp": "ohif",
    "sid": "3f1c7c3e-8f0b-4a3d-9a51-2f0e7f6e5d4c",
    "acr": "1",
    "realm_access": {"roles": ["radiologist", "offline_access", "default-roles-hospital"]},
    "resource_access": {"account": {"roles": ["view-profile"]}},
    "scope": "openid profile email",
    "name": "Ada Reis",
    "preferred_username": "areis",
    "department": "CT-A",
}
OF_ENTRA = {
    "aud": "api://pacsgate",
    "iss": "https://login.microsoftonline.com/t-1/v2.0",
    "iat": 1772355900,
    "nbf": 1772355900,
    "exp": 1772360000,
    "azp": "6e74172b-be56-4843-9ff4-e66a39bb12e3",
    "azpacr": "0",
    "name": "Ada Reis",
    "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474",
    "preferred_username": "areis@hospital.example",
    "rh": "0.ARwA",
    "roles": ["radiologist"],
    "scp": "access_as_user",
    "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
    "tid": "t-1",
    "uti": "fqiBqXLPj0eQa82S-IYFAA",
    "ver": "2.0",
}
OF_ENTRA_APP = {
    **{name: OF_ENTRA[name] for name in ("aud", "iss", "iat", "nbf", "exp", "tid", "ver")},
    "azp": "9a1b-app",
    "azpacr": "1",
    "idtyp": "app",
    "oid": "0b2c-principal",
    "roles": ["Archive.Read"],
    "sub": "0b2c-principal",
}
OF_GOOGLE = {
    "iss": "https://accounts.google.com",
    "azp": "1234987819200.apps.googleusercontent.com",
    "aud": "1234987819200.apps.googleusercontent.com",
    "sub": "10769150350006150715113082367",
    "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q",
    "hd": "hospital.example",
    "email": "areis@hospital.example",
    "email_verified": True,
    "iat": 1772355900,
    "exp": 1772360000,
    "nonce": "0394852-3190485-2490358",
}


def read(payload, names):
    return read_claims(
        payload, names, issuer=payload["iss"], source="idp", expires_at=START + timedelta(minutes=5)
    )


def test_keycloak_has_roles_of_the_realm_inside_a_claim():
    found = read(OF_KEYCLOAK, KEYCLOAK)
    assert isinstance(found, Claims)
    assert (found.name, found.external_id, found.display_name) == ("areis", OF_KEYCLOAK["sub"], "Ada Reis")
    assert found.groups == {"radiologist", "offline_access", "default-roles-hospital"}
    assert found.attributes == {"department": frozenset({"CT-A"})}
    assert (found.session_id, found.acr, found.kind) == (OF_KEYCLOAK["sid"], "1", SubjectKind.USER)
    assert found.scopes == {"openid", "profile", "email"}


def test_a_service_account_of_keycloak_is_a_service():
    service = {**OF_KEYCLOAK, "preferred_username": "service-account-etl", "azp": "etl", "client_id": "etl"}
    found = read(service, KEYCLOAK)
    assert isinstance(found, Claims)
    assert (found.name, found.kind) == ("service-account-etl", SubjectKind.SERVICE)


def test_entra_knows_people_by_their_object_id_and_says_their_app_roles():
    found = read(OF_ENTRA, ENTRA)
    assert isinstance(found, Claims)
    assert (found.name, found.external_id) == ("areis@hospital.example", OF_ENTRA["oid"])
    assert (found.groups, found.scopes) == ({"radiologist"}, {"access_as_user"})


def test_a_person_without_the_id_that_lasts_is_nobody_whatever_they_are_called():
    """A name may be chosen: whoever calls themselves by the id of somebody else must not become them."""
    for names, payload, missing in ((ENTRA, OF_ENTRA, "oid"), (KEYCLOAK, OF_KEYCLOAK, "sub")):
        called = {**payload, "preferred_username": payload[missing]}
        for value in (None, ""):
            assert read({**called, missing: value}, names) is AssertionFault.NAMELESS


def test_another_tenant_of_entra_is_refused():
    for changed in ({"tid": "t-2"}, {"tid": None}, {"tid": ["t-2"]}):
        assert read({**OF_ENTRA, **changed}, ENTRA) is AssertionFault.UNWANTED


def test_an_application_of_entra_is_a_service_that_is_called_by_its_client():
    found = read(OF_ENTRA_APP, ENTRA)
    assert isinstance(found, Claims)
    assert (found.name, found.kind, found.groups) == ("9a1b-app", SubjectKind.SERVICE, {"Archive.Read"})


@pytest.mark.parametrize(
    "overage",
    [
        {
            "_claim_names": {"groups": "src1"},
            "_claim_sources": {"src1": {"endpoint": "https://graph.example/x"}},
        },
        {"hasgroups": True},
        {"hasgroups": "true"},
    ],
)
def test_too_many_groups_for_a_token_let_nobody_in_since_a_rule_may_forbid_by_group(overage):
    assert read({**OF_ENTRA, **overage}, ENTRA_GROUPS) is AssertionFault.INCOMPLETE
    assert isinstance(read({**OF_ENTRA, **overage}, ENTRA), Claims), "it is not asked for groups"


def test_google_is_believed_about_verified_addresses_of_the_hospital_only():
    found = read(OF_GOOGLE, GOOGLE)
    assert isinstance(found, Claims)
    assert (found.name, found.external_id, found.groups) == ("areis@hospital.example", OF_GOOGLE["sub"], None)
    for changed in ({"email_verified": False}, {"email_verified": None}, {"email_verified": "true"}):
        assert read({**OF_GOOGLE, **changed}, GOOGLE) is AssertionFault.NAMELESS
    for changed in ({"hd": "evil.example"}, {"hd": None}):
        assert read({**OF_GOOGLE, **changed}, GOOGLE) is AssertionFault.UNWANTED
