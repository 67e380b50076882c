"""Sign-in by SAML with a real provider: npm's `samlify`, which asks for signed requests, signs everything and
encrypts what it says, and a real browser.

`ida` has there what the local user `rad1` has here, so the two must see the same.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests

from tests.support.browser import chromium
from tests.support.hospital import FurnishedHospital, RunningHospital, opened
from tests.support.ports import free_port
from tests.support.saml_idp import MFA_CONTEXT, PASSWORD_CONTEXT, own_key
from tests.support.saml_provider import PlannedSamlProvider

pytestmark = [pytest.mark.long, pytest.mark.server("npm")]

COOKIE, BROWSER_COOKIE = "__Host-pacsgate", "__Host-pacsgate-saml"
SECONDS = 30
PEOPLE = {
    "ida": {
        "context": PASSWORD_CONTEXT,
        "attributes": {
            "uid": ["ida"],
            "name": ["Ida Berg"],
            "groups": ["radiology"],
            "departments": ["CT-A"],
            "clearance": ["2"],
        },
    },
    "olga": {"context": MFA_CONTEXT, "attributes": {"uid": ["olga"], "groups": ["administrators"]}},
    "rad2": {"context": PASSWORD_CONTEXT, "attributes": {"uid": ["rad2"], "groups": ["radiology"]}},
}
SETTINGS = """
public_url: {public}
identity:
  saml:
  - name: idp
    title: Hospital ID
    metadata_file: {metadata}
    certificate_file: saml.pem
    key_file: saml.key
    claims: {{name: uid, groups: groups, attributes: {{departments: departments, clearance: clearance}}}}
    numbers: [clearance]
    accounts: claims
    roles_at_most: [radiologist]
    acr: {{"{mfa}": [mfa]}}
"""


@dataclass
class Site:
    hospital: RunningHospital
    provider: str

    def sees(self, cookie: str) -> tuple[int, set[str]]:
        return studies(self.hospital, headers={"Cookie": f"{COOKIE}={cookie}"})

    def rad1_sees(self) -> set[str]:
        rows = self.hospital.client("rad1").get("/studies?limit=1000").json()
        return {row["0020000D"]["Value"][0] for row in rows}


def studies(hospital: RunningHospital, **options) -> tuple[int, set[str]]:
    answer = requests.get(f"{hospital.dicomweb}/studies?limit=1000", timeout=SECONDS, **options)
    rows = answer.json() if answer.status_code == 200 else []
    return answer.status_code, {row["0020000D"]["Value"][0] for row in rows}


@dataclass
class Browser:
    """Somebody's browser, which sends with a form of another site only the cookies that say it may."""

    site: Site
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> requests.Response:
        return self._keep(
            requests.get(self._url(path), headers=self._sent(), timeout=SECONDS, allow_redirects=False)
        )

    def answer_as(self, person: str, return_to: str = "/") -> dict[str, str]:
        """The form that the provider shows to this browser for somebody."""
        sent = self.get(f"/sign-in/saml/idp?{urlencode({'return_to': return_to})}")
        assert sent.status_code == 303, sent.text
        page = requests.get(sent.headers["Location"], timeout=SECONDS)
        assert page.status_code == 200, page.text
        form = next(part for part in page.text.split("<form")[1:] if f"I am {person}<" in part)
        return {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}

    def post(self, answer: dict[str, str]) -> requests.Response:
        kept = {name: value for name, value in self.cookies.items() if name == BROWSER_COOKIE}
        return self._keep(
            requests.post(
                self._url("/auth/saml/idp/acs"),
                data=answer,
                headers={
                    "Cookie": "; ".join(f"{name}={value}" for name, value in kept.items()),
                    "Origin": self.site.provider,
                    "Sec-Fetch-Site": "cross-site",
                },
                timeout=SECONDS,
                allow_redirects=False,
            )
        )

    def _url(self, path: str) -> str:
        return self.site.hospital.url + path

    def _sent(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def _keep(self, answer: requests.Response) -> requests.Response:
        self.cookies |= {name: value for name, value in answer.cookies.items() if value and value != '""'}
        return answer


@pytest.fixture(scope="module")
def site(furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory: Path = tmp_path_factory.mktemp("saml")
    planned = PlannedSamlProvider(directory / "provider")
    made = furnished.copy_to(directory / "gate")
    port = free_port()
    key = own_key()
    (made.config.parent / "saml.pem").write_text(key.certificate)
    (made.config.parent / "saml.key").write_text(key.key)
    public = f"http://127.0.0.1:{port}"
    text = made.config.read_text("utf-8").replace("port: 0", f"port: {port}", 1)
    settings = SETTINGS.format(public=public, metadata=planned.metadata_file, mfa=MFA_CONTEXT)
    made.config.write_text(text + settings, "utf-8")
    with (
        opened(made) as hospital,
        planned.running(f"{public}/auth/saml/idp/metadata", PEOPLE, encrypts=True) as provider,
    ):
        yield Site(hospital, provider)


def test_i3_somebody_whom_the_provider_vouches_for_sees_what_a_local_colleague_sees(site: Site) -> None:
    """A signed assertion signs in; the provider's logout ends what it began."""
    ida = Browser(site)
    answer = ida.post(ida.answer_as("ida", "/access"))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/access"), answer.text
    session = ida.cookies[COOKIE]
    assert site.sees(session) == (200, site.rad1_sees())
    out = requests.get(f"{site.provider}/sign-out?person=ida", timeout=SECONDS, allow_redirects=False)
    assert out.headers["Location"].startswith(f"{site.hospital.url}/auth/saml/idp/logout?"), out.text
    back = ida.get(out.headers["Location"].removeprefix(site.hospital.url))
    assert back.headers["Location"].startswith(f"{site.provider}/signed-out?SAMLResponse="), back.text
    assert site.sees(session) == (401, set())


def test_i3_an_answer_counts_once_and_in_its_own_browser(site: Site) -> None:
    """Login CSRF and replay."""
    victim, attacker = Browser(site), Browser(site)
    answer = attacker.answer_as("ida")
    victim.answer_as("ida")
    assert victim.post(answer).status_code == 403
    assert COOKIE not in victim.cookies
    own = attacker.answer_as("ida")
    assert attacker.post(own).status_code == 303
    assert attacker.post(own).status_code == 403


def test_a_new_sign_in_ends_the_session_that_the_browser_had(site: Site) -> None:
    ida = Browser(site)
    ida.post(ida.answer_as("ida"))
    before = ida.cookies[COOKIE]
    ida.post(ida.answer_as("ida"))
    assert ida.cookies[COOKIE] != before
    assert site.sees(before)[0] == 401
    assert site.sees(ida.cookies[COOKIE])[0] == 200


def test_z5_what_the_provider_may_bring_at_most_bounds_whoever_comes_by_it(site: Site) -> None:
    """The administrators' group of the provider is worth nothing here."""
    olga = Browser(site)
    assert olga.post(olga.answer_as("olga")).status_code == 303
    assert site.sees(olga.cookies[COOKIE])[0] == 403


def test_a_name_that_is_an_account_of_the_gate_is_nobody_from_elsewhere(site: Site) -> None:
    rad2 = Browser(site)
    assert rad2.post(rad2.answer_as("rad2")).status_code == 403


def test_a_sign_in_never_leads_elsewhere(site: Site) -> None:
    for elsewhere in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        ida = Browser(site)
        assert ida.post(ida.answer_as("ida", elsewhere)).headers["Location"] == "/"


@pytest.mark.server("chromium")
def test_a_real_browser_goes_there_and_back(site: Site) -> None:
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{site.hospital.url}/sign-in?return_to=/access")
        page.get_by_role("link", name="Hospital ID").click()
        page.get_by_role("button", name="I am ida").click()
        page.wait_for_url(f"{site.hospital.url}/access")
        assert "ida" in page.content()
        names = {cookie["name"] for cookie in page.context.cookies()}
        assert COOKIE in names
        assert BROWSER_COOKIE not in names
