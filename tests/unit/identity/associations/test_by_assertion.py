"""People whom an issuer vouches for: who they are here, and for how long."""

from datetime import timedelta

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.identity.assertions.issuer_keys import read_key_set
from pacsgate.identity.assertions.issuers import ClaimNames, JwtIssuer, SamlIssuer
from pacsgate.identity.assertions.json_web_tokens import JsonWebTokens
from pacsgate.identity.assertions.saml import SamlAssertions
from pacsgate.identity.federation.source_policy import AccountsMode, SourcePolicy
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.model.subject import Credential, SubjectKind
from pacsgate.ports import AuthenticationFailed, FailureKind, UserRecord
from pacsgate.ports.associations import Admitted, UserIdentity, UserIdentityType
from tests.support.assertions import (
    AUDIENCE,
    ISSUER,
    RECIPIENT,
    RsaSigner,
    SamlProvider,
    assertion_at,
    claims_at,
    key_set,
    web_token,
)
from tests.support.associations import FINGERPRINT, Reception, open_reception, requestor
from tests.support.clocks import START
from tests.support.people import SCOPE

SIGNER, PROVIDER = RsaSigner(), SamlProvider(START)
REFUSED = AuthenticationFailed(FailureKind.REFUSED)


class Keys:
    def keys(self, key_id):  # noqa: ARG002 - the port's
        return read_key_set(key_set(SIGNER))


def reception_of(directory, *, makes_accounts: bool) -> Reception:
    names = ClaimNames("preferred_username", "groups", {"department": "dept"})
    token = JwtIssuer(ISSUER, AUDIENCE, frozenset({"RS256"}), Keys(), names, "tokens")
    saml = SamlIssuer(
        ISSUER, AUDIENCE, RECIPIENT, (PROVIDER.certificate,), ClaimNames("", "groups"), "assertions"
    )
    directory.mkdir(exist_ok=True)
    mode = AccountsMode.CLAIMS if makes_accounts else AccountsMode.LOCAL
    return open_reception(
        directory,
        {UserIdentityType.JWT: JsonWebTokens([token]), UserIdentityType.SAML: SamlAssertions([saml])},
        sources=[SourcePolicy(name, mode) for name in ("tokens", "assertions")],
    )


@pytest.fixture
def reception(tmp_path) -> Reception:
    return reception_of(tmp_path / "local", makes_accounts=False)


@pytest.fixture
def trusting(tmp_path) -> Reception:
    return reception_of(tmp_path / "claims", makes_accounts=True)


def with_token(name="rad1", calling="WS7", **changed):
    token = web_token(SIGNER, claims_at(START, preferred_username=name, **changed))
    return requestor(calling, identity=UserIdentity(5, token))


def with_assertion(name="rad1", assertion_id="_1", *, wants_response=False):
    assertion = PROVIDER.sign(assertion_at(START, name=name, assertion_id=assertion_id)).encode()
    return requestor("WS7", identity=UserIdentity(4, assertion, wants_response=wants_response))


BOTH = pytest.mark.parametrize("of", [with_token(), with_assertion()], ids=["token", "assertion"])


@BOTH
def test_a_local_account_is_who_it_is_with_its_own_groups(reception, of):
    found = reception.admit(of)
    assert isinstance(found, Admitted)
    subject = found.subject
    assert (subject.name, subject.groups) == ("rad1", frozenset({"radiology"}))
    assert (subject.credential, subject.credential_id) == (Credential.ASSERTION, ISSUER)
    (event,) = reception.people.trail.of(EventKind.SIGN_IN)
    assert (event.actor.name, event.actor.verified, event.actor.credential) == ("rad1", True, "assertion")


@BOTH
def test_a_disabled_account_stays_out_whatever_the_issuer_says(reception, of):
    reception.people.users.set_disabled(reception.people.change(), "rad1", disabled=True)
    assert reception.admit(of) == REFUSED
    assert reception.causes() == ["disabled-user"]


@BOTH
def test_an_issuer_that_speaks_for_its_own_people_is_not_believed_about_accounts_of_the_gate(trusting, of):
    assert trusting.admit(of) == REFUSED
    assert trusting.causes() == ["name-of-another-source"]


@pytest.mark.parametrize("ask", [with_token, with_assertion])
def test_people_without_an_account_come_in_only_where_their_issuer_may_speak_for_them(
    reception, trusting, ask
):
    assert reception.admit(ask("guest")) == REFUSED
    assert reception.causes() == ["unknown-user"]
    found = trusting.admit(ask("guest"))
    assert isinstance(found, Admitted)
    assert (found.subject.name, found.subject.kind) == ("guest", SubjectKind.USER)
    assert found.subject.groups == {"radiology", "night"}
    assert found.subject.assignments == ()


def test_attributes_of_who_has_no_account_are_the_tokens(trusting):
    found = trusting.admit(with_token("guest", dept="CT-A"))
    assert isinstance(found, Admitted)
    assert found.subject.attributes == {"department": frozenset({"CT-A"})}


@pytest.mark.parametrize("name", ["store:rad1", "a\nb", "x" * 129])
def test_a_name_that_no_account_could_have_is_nobody(trusting, name):
    assert trusting.admit(with_token(name)) == REFUSED
    assert trusting.causes() == ["assertion-names-nobody"]


def test_an_assertion_is_accepted_once_and_a_token_until_it_ends(reception):
    assert isinstance(reception.admit(with_assertion()), Admitted)
    assert reception.admit(with_assertion()) == REFUSED
    assert isinstance(reception.admit(with_assertion(assertion_id="_2")), Admitted)
    for _ in range(3):
        assert isinstance(reception.admit(with_token()), Admitted)
    assert reception.causes() == ["assertion-used-before"]


def test_a_refused_assertion_is_not_used_up(reception):
    people = reception.people
    people.users.set_disabled(people.change(), "rad1", disabled=True)
    assert reception.admit(with_assertion()) == REFUSED
    people.users.set_disabled(people.change(), "rad1", disabled=False)
    assert isinstance(reception.admit(with_assertion()), Admitted)


def test_a_positive_response_to_an_assertion_is_a_saml_response(reception):
    found = reception.admit(with_assertion(wants_response=True))
    assert isinstance(found, Admitted)
    assert b"status:Success" in (found.response or b"")


@BOTH
def test_an_association_ends_with_what_let_it_in(reception, of):
    found = reception.admit(of)
    assert isinstance(found, Admitted)
    reception.people.clock.advance(minutes=4, seconds=59)
    assert reception.still(found, of) == found.subject
    reception.people.clock.advance(seconds=1)
    assert reception.still(found, of) is None


@BOTH
def test_an_association_ends_when_its_account_is_disabled(reception, of):
    found = reception.admit(of)
    assert isinstance(found, Admitted)
    reception.people.users.set_disabled(reception.people.change(), "rad1", disabled=True)
    assert reception.still(found, of) is None


def test_a_person_goes_when_the_device_that_it_sits_at_goes(reception):
    reception.add_device("WS7", networks=("10.1.0.0/16",))
    of = with_token()
    found = reception.admit(of)
    assert isinstance(found, Admitted)
    assert found.remote is not None
    reception.stores.remote_aes.remove_remote_ae(SCOPE, "WS7", reception.event())
    assert reception.still(found, of) is None
    assert isinstance(reception.admit(of), Admitted)


def test_without_verifiers_nobody_is_believed(tmp_path):
    bare = open_reception(tmp_path)
    assert bare.admit(with_token()) == REFUSED
    assert bare.causes() == ["unknown-issuer"]


def test_nothing_of_an_assertion_is_on_record_but_its_issuer_and_name(reception):
    of = with_token()
    reception.admit(of)
    reception.admit(with_token("nobody"))
    told = repr(reception.people.trail.events)
    assert of.identity is not None
    assert of.identity.primary.decode().rpartition(".")[2] not in told
    assert FINGERPRINT not in told


def test_an_issuer_of_one_tenant_lets_nobody_into_another_and_makes_nobody_there(trusting):
    elsewhere = TenantScope(TenantName("other"))
    of = with_token("guest", exp=int((START + timedelta(hours=1)).timestamp()))
    found = trusting.door.admit(elsewhere, of, trusting.context(of))
    assert found == REFUSED
    assert trusting.stores.directory.users(elsewhere) == ()
    assert trusting.stores.directory.user(SCOPE, "guest") is None


def test_a_namesake_in_another_tenant_is_somebody_else(trusting):
    elsewhere = TenantScope(TenantName("other"))
    trusting.stores.directory.add_user(elsewhere, UserRecord("guest", "user"), trusting.event())
    found = trusting.admit(with_token("guest", exp=int((START + timedelta(hours=1)).timestamp())))
    assert isinstance(found, Admitted)
    assert found.subject.tenant == SCOPE.tenant
