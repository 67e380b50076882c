"""Sign-in with a real OpenID provider, and its tokens at every door: what comes in sees what it should.

The provider is npm's `oidc-provider` with PKCE required, over TLS of a private authority.  `ida` has there what
the local user `rad1` has here, so the two must see the same.
"""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from pydicom.dataset import Dataset
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as Find

from tests.support.dimse import DICOM_SETTINGS, Dicom, Rejected, dicom_doors, user_identity, with_dicom
from tests.support.hospital import FurnishedHospital, RunningHospital, opened
from tests.support.oidc_provider import Person, PlannedProvider, RealProvider

pytestmark = [pytest.mark.long, pytest.mark.server("npm")]

PUBLIC = "https://gate.example"
CALLBACK = f"{PUBLIC}/sign-in/openid/idp/callback"
VIEWER_CALLBACK = "https://viewer.example/callback"
SECRET = "s" * 43
COOKIE, BROWSER_COOKIE = "__Host-pacsgate", "__Host-pacsgate-sign-in"
SECONDS = 30
IDA = {
    "preferred_username": "ida",
    "name": "Ida Berg",
    "groups": ["radiology"],
    "departments": ["CT-A"],
    "clearance": 2,
}
PEOPLE: dict[str, Any] = {
    "1001": {"amr": ["pwd"], "claims": IDA},
    "1002": {"amr": ["pwd", "otp"], "claims": {"preferred_username": "olga", "groups": ["administrators"]}},
    "1003": {"amr": ["pwd"], "claims": {"preferred_username": "rad2", "groups": ["radiology"]}},
}
SETTINGS = """
public_url: {public}
identity:
  openid:
  - name: idp
    title: Hospital ID
    issuer: {issuer}
    client_id: gate
    client_secret_file: idp.secret
    ca_file: {ca_file}
    claims: {{groups: groups, attributes: {{departments: departments, clearance: clearance}}}}
    accounts: claims
    roles_at_most: [radiologist]
    methods: [pwd, otp]
    bearer: {{audience: gate-api, introspection: true}}
"""


@dataclass
class Site:
    """A gate and a provider that know each other."""

    hospital: RunningHospital
    provider: RealProvider
    dicom: Dicom

    def browser(self, person: str) -> "Browser":
        return Browser(self, Person(self.provider, person))

    def access_token(
        self, person: str, resource: str = "urn:jwt:gate-api", scope: str = "openid profile"
    ) -> str:
        """What a viewer that knows nothing of the gate gets for somebody."""
        return str(self.tokens(person, resource, scope)["access_token"])

    def tokens(self, person: str, resource: str, scope: str = "openid profile") -> dict[str, Any]:
        verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": "viewer",
            "redirect_uri": VIEWER_CALLBACK,
            "scope": scope,
            "resource": resource,
            "state": "s",
            "nonce": "n",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        back = Person(self.provider, person).go(f"{self.provider.issuer}/auth?{urlencode(asked)}")
        fields = {
            "grant_type": "authorization_code",
            "code": parse_qs(urlsplit(back).query)["code"][0],
            "redirect_uri": VIEWER_CALLBACK,
            "code_verifier": verifier,
            "client_id": "viewer",
            "client_secret": SECRET,
        }
        found = self.provider.ask("POST", "/token", fields)
        assert found.status == 200, found.body
        tokens: dict[str, Any] = json.loads(found.body)
        return tokens

    def studies_of(self, **headers: str) -> tuple[int, set[str]]:
        answer = requests.get(
            f"{self.hospital.dicomweb}/studies?limit=1000", headers=headers, timeout=SECONDS
        )
        rows = answer.json() if answer.status_code == 200 else []
        return answer.status_code, {row["0020000D"]["Value"][0] for row in rows}

    def rad1_sees(self) -> set[str]:
        rows = self.hospital.client("rad1").get("/studies?limit=1000").json()
        return {row["0020000D"]["Value"][0] for row in rows}


@dataclass
class Browser:
    """Somebody's browser: its cookies at the gate, and the person at the provider."""

    site: Site
    person: Person
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> requests.Response:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = requests.get(
            self.site.hospital.url + path, headers=headers, timeout=SECONDS, allow_redirects=False
        )
        self.cookies |= {name: value for name, value in answer.cookies.items() if value and value != '""'}
        return answer

    def comes_back(self, return_to: str = "/") -> str:
        """Go to the provider and return with its answer: the address that the browser is sent to."""
        sent = self.get(f"/sign-in/openid/idp?{urlencode({'return_to': return_to})}")
        assert sent.status_code == 303, sent.text
        back = self.person.go(sent.headers["Location"])
        assert back.startswith(CALLBACK)
        return back.removeprefix(PUBLIC)

    def signs_in(self, return_to: str = "/") -> requests.Response:
        return self.get(self.comes_back(return_to))


@pytest.fixture(scope="module")
def site(furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory: Path = tmp_path_factory.mktemp("oidc")
    planned = PlannedProvider(directory / "provider")
    made = with_dicom(furnished.copy_to(directory / "gate"), DICOM_SETTINGS)
    secret = made.config.parent / "idp.secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    with made.config.open("a", encoding="utf-8") as file:
        file.write(SETTINGS.format(public=PUBLIC, issuer=planned.issuer, ca_file=planned.ca_file))
    with opened(made) as hospital:
        logout = f"{hospital.url}/auth/backchannel-logout/idp"
        clients = [
            {
                "client_id": "gate",
                "client_secret": SECRET,
                "redirect_uris": [CALLBACK],
                "backchannel_logout_uri": logout,
                "post_logout_redirect_uris": [f"{PUBLIC}/sign-in?said=out"],
            },
            {"client_id": "viewer", "client_secret": SECRET, "redirect_uris": [VIEWER_CALLBACK]},
            {
                "client_id": "robot",
                "client_secret": SECRET,
                "grant_types": ["client_credentials"],
                "response_types": [],
                "redirect_uris": [],
            },
        ]
        (row,) = hospital.client("rad1").get("/studies").json()
        about = {"1004": row["00100020"]["Value"][0], "1005": "somebody-else"}
        patients = {
            sub: {"amr": ["pwd"], "claims": {**IDA, "preferred_username": f"of-{sub}", "patient": patient}}
            for sub, patient in about.items()
        }
        with planned.running(clients=clients, people=PEOPLE | patients) as provider:
            yield Site(hospital, provider, dicom_doors(hospital)[0])


def test_one_sign_in_serves_the_pages_and_the_archive_until_the_provider_ends_it(site: Site) -> None:
    """Rows I2, I8.  The next request after a back-channel logout is refused."""
    ida = site.browser("1001")
    answer = ida.signs_in("/access")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/access")
    assert BROWSER_COOKIE in answer.headers["Set-Cookie"], "and it is forgotten"
    session = ida.cookies[COOKIE]
    assert site.studies_of(Cookie=f"{COOKIE}={session}") == (200, site.rad1_sees())
    assert "Ida Berg" in ida.get("/access").text
    end_session_of(ida.person)
    assert site.studies_of(Cookie=f"{COOKIE}={session}") == (401, set())
    assert ida.get("/").headers["Location"].startswith("/sign-in")


def end_session_of(person: Person) -> None:
    """What the provider's own sign-out page does."""
    page = person.ask("GET", "/session/end")
    token = re.search(rb'name="xsrf" value="([^"]+)"', page.body)
    assert token is not None, page.body
    ended = person.ask("POST", "/session/end/confirm", {"xsrf": token.group(1).decode(), "logout": "yes"})
    assert ended.status in {302, 303}, ended.body


def test_a_browser_that_was_not_sent_cannot_use_an_answer_nor_anybody_twice(site: Site) -> None:
    """Row I2.  Login CSRF and replay."""
    back = site.browser("1001").comes_back()
    stranger = site.browser("1002")
    assert stranger.get(back).status_code == 403
    assert COOKIE not in stranger.cookies
    own = site.browser("1001")
    back = own.comes_back()
    assert own.get(back).status_code == 303
    assert own.get(back).status_code == 403


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil"],
)
def test_a_sign_in_never_leads_elsewhere(site: Site, elsewhere: str) -> None:
    """Row I2.  Open redirect: ASVS 3.7.2."""
    assert site.browser("1001").signs_in(elsewhere).headers["Location"] == "/"


def test_what_its_source_may_bring_at_most_bounds_whoever_comes_by_it(site: Site) -> None:
    """Row Z5.  The administrators' group of the provider is worth nothing here."""
    olga = site.browser("1002")
    assert olga.signs_in().status_code == 303
    assert site.studies_of(Cookie=f"{COOKIE}={olga.cookies[COOKIE]}")[0] == 403
    token = site.access_token("1002")
    assert site.studies_of(Authorization=f"Bearer {token}")[0] == 403


def test_a_name_that_is_an_account_of_the_gate_is_nobody_from_elsewhere(site: Site) -> None:
    """Row Z5."""
    rad2 = site.browser("1003")
    assert rad2.signs_in().status_code == 403
    assert site.studies_of(Authorization=f"Bearer {site.access_token('1003')}")[0] == 401


@pytest.mark.parametrize("kind", ["jwt", "opaque"])
def test_a_token_of_a_viewer_sees_what_the_person_sees_at_every_door(site: Site, kind: str) -> None:
    """Row I8."""
    token = site.access_token("1001", f"urn:{kind}:gate-api")
    assert site.studies_of(Authorization=f"Bearer {token}") == (200, site.rad1_sees())
    for path in ("/api/v1/study-permissions", "/access/v1/evaluation", "/auth/check"):
        answer = requests.get(
            site.hospital.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=SECONDS
        )
        assert answer.status_code != 401, (path, answer.text)


def test_a_token_for_one_patient_reaches_that_patient_only(site: Site) -> None:
    """Row C7."""
    scope = "openid profile patient/ImagingStudy.rs"
    own = {"Authorization": f"Bearer {site.access_token('1004', scope=scope)}"}
    assert site.studies_of(**own) == (200, site.rad1_sees())
    (uid,) = site.rad1_sees()
    study = f"{site.hospital.dicomweb}/studies/{uid}"
    assert requests.get(f"{study}/metadata", headers=own, timeout=SECONDS).status_code == 200
    other = {"Authorization": f"Bearer {site.access_token('1005', scope=scope)}"}
    assert site.studies_of(**other)[1] == set()
    assert requests.get(f"{study}/metadata", headers=other, timeout=SECONDS).status_code == 404
    for bearer in (own, other):
        stored = requests.post(
            f"{site.hospital.dicomweb}/studies",
            data=b"--x--",
            headers={**bearer, "Content-Type": 'multipart/related; type="application/dicom"; boundary=x'},
            timeout=SECONDS,
        )
        assert stored.status_code == 403
    unbound = {"Authorization": f"Bearer {site.access_token('1005')}"}
    assert site.studies_of(**unbound) == (200, site.rad1_sees())


def test_a_token_counts_in_an_association_too(site: Site) -> None:
    token = site.access_token("1001").encode()
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = "STUDY", ""
    with site.dicom.associated([build_context(Find)], negotiation=[user_identity(5, token)]) as association:
        rows = [row for _, row in association.send_c_find(identifier, Find) if row is not None]
    assert {str(row.StudyInstanceUID) for row in rows} == site.rad1_sees()
    forged = user_identity(5, token[:-4] + b"AAAA")
    with pytest.raises(Rejected), site.dicom.associated([build_context(Find)], negotiation=[forged]):
        pass


def test_a_token_that_is_none_is_told_so(site: Site) -> None:
    """RFC 6750 3.1; nobody else is told more than how to sign in."""
    for header, told in (({"Authorization": f"Bearer {'x' * 40}"}, True), ({}, False)):
        answer = requests.get(f"{site.hospital.dicomweb}/studies", headers=header, timeout=SECONDS)
        assert (
            'Bearer realm="pacsgate", error="invalid_token"' in answer.headers["WWW-Authenticate"]
        ) is told


def test_an_id_token_is_no_access_token(site: Site) -> None:
    tokens = site.tokens("1001", "urn:jwt:gate-api")
    assert site.studies_of(Authorization=f"Bearer {tokens['id_token']}")[0] == 401
    other = site.tokens("1001", "urn:jwt:another-api")["access_token"]
    assert site.studies_of(Authorization=f"Bearer {other}")[0] == 401


def test_a_program_with_a_token_of_its_own_is_a_service(site: Site) -> None:
    """Row I4."""
    for kind in ("jwt", "opaque"):
        token = site.provider.client_token("robot", SECRET, f"urn:{kind}:gate-api")
        assert site.studies_of(Authorization=f"Bearer {token}")[0] == 403, "it is known, and has no role"
    listed = json.loads(site.hospital.cli("user", "list", "--json").stdout)
    (robot,) = [each for each in listed if each["name"] == "robot"]
    assert robot["kind"] == "service"


def test_an_account_that_is_locked_is_out_at_once_whatever_it_holds(site: Site) -> None:
    token = site.access_token("1001")
    ida = site.browser("1001")
    ida.signs_in()
    assert site.studies_of(Authorization=f"Bearer {token}")[0] == 200
    assert site.hospital.cli("lock", "ida", "--reason", "t").returncode == 0
    assert site.studies_of(Authorization=f"Bearer {token}")[0] == 401
    assert site.studies_of(Cookie=f"{COOKIE}={ida.cookies[COOKIE]}")[0] == 401
    assert site.browser("1001").signs_in().status_code == 403
    assert site.hospital.cli("unlock", "ida").returncode == 0
    assert site.studies_of(Authorization=f"Bearer {token}")[0] == 200


def test_the_sign_in_page_offers_the_provider_and_signing_out_there_too(site: Site) -> None:
    page = requests.get(f"{site.hospital.url}/sign-in", timeout=SECONDS).text
    assert "Hospital ID" in page
    assert "/sign-in/openid/idp?" in page
    sent = site.browser("1001").get("/sign-out/openid/idp")
    assert sent.headers["Location"].startswith(f"{site.provider.issuer}/session/end?client_id=gate&")
    for path in ("/sign-in/openid/nobody", "/sign-out/openid/nobody"):
        assert site.browser("1001").get(path).status_code == 404


def test_no_secret_of_a_sign_in_is_in_the_log_or_the_trail(site: Site) -> None:
    token = site.access_token("1001")
    ida = site.browser("1001")
    back = ida.signs_in() and ida.comes_back()
    ida.get(back)
    code = parse_qs(urlsplit(back).query)["code"][0]
    site.studies_of(Authorization=f"Bearer {token}")
    told = site.hospital.log.read_bytes() + b"".join(
        path.read_bytes()
        for path in (site.hospital.config.parent / "data" / "trail").rglob("*")
        if path.is_file()
    )
    for secret in (token, code, SECRET, ida.cookies[BROWSER_COOKIE]):
        assert secret.encode() not in told
