"""The console's pages without a browser: signed in as a persona, everything looked at for canaries, forms sent as a page would."""

import re
from dataclasses import dataclass
from html import unescape

import requests

from tests.support.hospital import RecordingSession, RunningHospital

COOKIE = "__Host-pacsgate"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_STUDY = re.compile(r'href="/studies/([0-9.]+)"')


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages as one persona meets them."""

    session: RecordingSession

    def get(self, path: str) -> requests.Response:
        return self.session.get(path)

    def post(self, path: str, page: str, **fields: str) -> requests.Response:
        """Send a form that stands on a page, with the token that it has there."""
        return self.session.post(path, data={"csrf_token": token_of(self.get(page).text), **fields})

    def search(self, **fields: str) -> requests.Response:
        """The list that a search leads to."""
        sent = self.post("/studies", "/studies", **fields)
        assert sent.status_code == 303, sent.text
        return self.get(sent.headers["Location"])


def pages_of(hospital: RunningHospital, persona: str) -> Pages:
    """Sign a persona in."""
    session = RecordingSession(hospital.url, persona, None, hospital.recorder)
    session.auth = None
    fields = {"name": hospital.prefix + persona, "password": hospital.passwords[persona]}
    answer = session.post("/sign-in", data=fields)
    assert answer.status_code == 303, answer.text
    session.headers["Cookie"] = f"{COOKIE}={answer.cookies[COOKIE]}"
    session.cookies.clear()
    return Pages(session)


def token_of(page: str) -> str:
    """The token that a form of this page sends back."""
    found = _TOKEN.search(page)
    assert found is not None, "the page has no form"
    return found.group(1)


def studies_on(page: str) -> set[str]:
    """The UIDs of the studies to which a page leads."""
    return set(_STUDY.findall(page))


def text_of(page: str) -> str:
    """What a page says, without its markup."""
    main = page[page.index("<main") : page.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())
