"""The pages of SAML sign-in, on a gate in this process: cookies, forms of another site, and where a browser goes."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from tests.support.gate_browser import ORIGIN, BrowsedGate, browsed_gate
from tests.support.saml_idp import SIGN_IN, genuine, metadata, provider

POLICY = """\
version: 1
roles:
  radiologist: {may: [search, view]}
rules:
  - {id: all, effect: permit, roles: [radiologist]}
assignments:
  - {groups: [radiology], roles: [radiologist]}
"""
SETTINGS = """\
identity:
  saml:
  - {{name: clinic, title: The clinic, metadata_file: "{file}", claims: {{groups: groups}}, accounts: claims}}
"""
ACS = "/auth/saml/clinic/acs"
COOKIE, SESSION = "__Host-pacsgate-saml", "__Host-pacsgate"
PROVIDER = provider()
"""The provider as the gate is configured with it, to make answers for."""
CROSS_SITE = {"Origin": "https://idp.example", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowsedGate]:
    directory = tmp_path_factory.mktemp("saml")
    file = directory / "idp.xml"
    file.write_bytes(metadata())
    with browsed_gate(directory, POLICY, SETTINGS.format(file=file)) as running:
        yield running


class Browser:
    """A browser that keeps cookies as browsers do, and sends another site's form with those that say it may."""

    def __init__(self, gate: BrowsedGate) -> None:
        self.client = gate.browser()
        self.kept: dict[str, str] = {}

    def get(self, path: str):
        return self._keep(self.client.get(path, headers={"Cookie": self._cookies(self.kept)}))

    def sent(self, return_to: str = "/studies"):
        """Where the browser is sent, and the answer that the provider would give."""
        away = self.get(f"/sign-in/saml/clinic?return_to={return_to}")
        query = parse_qs(urlsplit(away.headers["location"]).query)
        asked = OneLogin_Saml2_Utils.decode_base64_and_inflate(query["SAMLRequest"][0]).decode()
        request_id = asked.split('ID="')[1].split('"')[0]
        response = genuine(PROVIDER, request_id, id=f"_of{request_id}")
        return away, {"SAMLResponse": response, "RelayState": query["RelayState"][0]}

    def post(self, content: object, **headers: str):
        cookies = self._cookies({name: value for name, value in self.kept.items() if name == COOKIE})
        sent = {**self.client.headers, **CROSS_SITE, "Cookie": cookies, **headers}
        how = {"data": content} if isinstance(content, dict) else {"content": content}
        self.client.client.cookies.clear()
        return self._keep(self.client.client.post(ACS, headers=sent, **how))

    def _keep(self, answer):
        self.client.client.cookies.clear()
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.kept[name] = value.strip('"')
        return answer

    def _cookies(self, chosen: dict[str, str]) -> str:
        return "; ".join(f"{name}={value}" for name, value in chosen.items() if value)


@pytest.fixture
def browser(gate) -> Browser:
    return Browser(gate)


def test_a_browser_leaves_with_a_secret_and_comes_back_with_a_session(browser):
    away, answer = browser.sent()
    assert (away.status_code, away.headers["location"].split("?")[0]) == (303, SIGN_IN)
    (line,) = away.headers.get_list("set-cookie")
    assert line.startswith(f"{COOKIE}=")
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=none", "Max-Age=600"} <= set(line.split("; "))
    back = browser.post(answer)
    assert (back.status_code, back.headers["location"]) == (303, "/studies"), back.text
    assert not browser.kept[COOKIE]
    assert browser.get("/dicom-web/studies").status_code == 200


def test_the_session_that_the_browser_had_ends_with_the_next_sign_in(browser, gate):
    browser.post(browser.sent()[1])
    before = browser.kept[SESSION]
    browser.post(browser.sent()[1])
    assert browser.kept[SESSION] != before
    other = Browser(gate)
    other.kept = {SESSION: before}
    assert other.get("/dicom-web/studies").status_code == 401


def test_an_answer_in_a_browser_without_the_cookie_signs_nobody_in(browser, gate):
    _, answer = browser.sent()
    refused = Browser(gate).post(answer)
    assert refused.status_code == 403
    assert SESSION not in str(refused.headers)


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/%5Cevil.example"])
def test_a_sign_in_never_leads_elsewhere(browser, elsewhere):
    assert browser.post(browser.sent(elsewhere)[1]).headers["location"] == "/"


@pytest.mark.parametrize(
    "sent_by",
    [
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image", "Sec-Fetch-User": "?1"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "iframe"},
    ],
)
def test_nobody_is_sent_to_sign_in_without_having_chosen_to(gate, sent_by):
    """ASVS 5.0 7.6.2: a page elsewhere begins no session for who reads it; a link that somebody follows does."""
    asked = "/sign-in/saml/clinic?return_to=/studies"
    away = gate.browser().get(asked, headers=sent_by)
    assert (away.status_code, away.headers["location"]) == (303, "/sign-in?return_to=%2Fstudies")
    assert "set-cookie" not in away.headers
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document", "Sec-Fetch-User": "?1"}
    assert gate.browser().get(asked, headers=followed).headers["location"].startswith(SIGN_IN)


def test_an_answer_that_says_something_twice_or_is_no_form_is_refused(browser):
    twice = "SAMLResponse=a&SAMLResponse=b&RelayState=c"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.post(twice, **form).status_code == 400
    assert browser.post(b"\xff\xfe", **form).status_code == 400
    assert browser.post("&".join("a=b" for _ in range(20)), **form).status_code == 400
    assert browser.post("x" * (600 * 1024), **form).status_code == 413


def test_a_logout_request_without_a_signature_ends_nothing(browser):
    browser.post(browser.sent()[1])
    assert browser.get("/auth/saml/clinic/logout?SAMLRequest=x").status_code == 400
    assert browser.get("/dicom-web/studies").status_code == 200


def test_the_metadata_is_public_and_other_providers_are_not_there(browser):
    found = browser.get("/auth/saml/clinic/metadata")
    assert found.headers["content-type"].startswith("application/samlmetadata+xml")
    assert f'Location="{ORIGIN}{ACS}"' in found.text
    assert browser.get("/auth/saml/other/metadata").status_code == 404
    assert browser.get("/sign-in/saml/other").status_code == 404


def test_the_sign_in_page_has_a_button(browser):
    page = browser.get("/sign-in?return_to=/studies").text
    assert "The clinic" in page
    assert "/sign-in/saml/clinic?return_to=" in page


def test_a_session_does_not_outlast_the_one_at_the_provider(browser, gate):
    """ASVS 5.0 7.6.1: `SessionNotOnOrAfter`, here in eight hours.  The last test: the clock of the gate does not go back."""
    browser.post(browser.sent()[1])
    for _ in range(39):
        gate.clock.moved += timedelta(minutes=12)
        assert browser.get("/dicom-web/studies").status_code == 200
    gate.clock.moved += timedelta(minutes=13)
    assert browser.get("/dicom-web/studies").status_code == 401
