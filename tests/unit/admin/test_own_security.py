"""My security, and what guards every form: whose session it is, which page sent it, how fresh the proof is."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from starlette.routing import Route

from pacsgate.gateway.http.app import HttpDoor
from pacsgate.identity.sessions import ServerSessions
from pacsgate.identity.subjects import subject_of
from pacsgate.model.session_limits import SessionRules
from pacsgate.model.subject import Credential
from pacsgate.ports.identity import SessionOrigin
from tests.support.administered_gate import AdministeredGate

WITHOUT_A_SESSION = re.compile(
    r"/sign-in.*|/setup|/reset|/auth/.*|/(?:api|ais)/.*|/oauth2/.*|/access/v1/.*|/scim/.*"
)
"""Forms of people who are nobody yet, and what is no form."""


def forms(gate: AdministeredGate) -> Iterator[str]:
    """The path of every form of every page that is for people who are signed in."""
    door = gate.opened.app
    assert isinstance(door, HttpDoor)
    for route in door._pages.routes:
        if isinstance(route, Route) and "POST" in (route.methods or ()):
            path = re.sub(r"{[^}]*}", "x", route.path)
            if not WITHOUT_A_SESSION.fullmatch(path):
                yield path


def test_every_form_needs_the_token_of_its_own_session(gate: AdministeredGate) -> None:
    """ASVS 5.0 3.5.1: no form does anything without the token of the session that it is sent in."""
    mine, other = gate.session(gate.user())[1], gate.session(gate.user())[1]
    foreign = ServerSessions(gate.office.directory).csrf_token(other)
    found = list(forms(gate))
    assert {"/sign-out", "/studies", "/security/keys", "/security/password"} <= set(found)
    for path in found:
        for token in ("", foreign or ""):
            answer = gate.browse(mine, path, {"csrf_token": token})
            assert answer.status == 403, f"{path} takes a form of another session"
            assert b"does not belong to your session" in answer.body, path


def test_every_form_of_nobody_leads_to_the_sign_in_page(gate: AdministeredGate) -> None:
    for path in forms(gate):
        if path != "/sign-out":
            assert gate.browse("none", path, {}).headers["location"] == "/sign-in?said=ended", path


def test_nobody_sees_or_ends_a_session_of_somebody_else(gate: AdministeredGate) -> None:
    """ASVS 5.0 7.5.2."""
    mine, somebody = gate.session(gate.user())[1], gate.user()
    public_id, theirs = gate.session(somebody)
    assert public_id.encode() not in gate.browse(mine, "/security").body
    assert gate.browse(mine, "/security/sessions/end", {"id": public_id}).status == 404
    assert gate.browse(mine, "/security/sessions/end-others", {}).status == 303
    assert gate.browse(theirs, "/").status == 200


def test_whoever_ends_all_others_stays(gate: AdministeredGate) -> None:
    name = gate.user()
    here, there = gate.session(name)[1], gate.session(name)[1]
    assert (
        gate.browse(here, "/security/sessions/end-others", {}).headers["location"] == "/security?said=others"
    )
    assert gate.browse(here, "/").status == 200
    assert gate.browse(there, "/").status == 303


def test_a_key_is_shown_once_and_revoked_by_its_owner_alone(gate: AdministeredGate) -> None:
    mine, other = gate.session(gate.user())[1], gate.session(gate.user())[1]
    made = gate.browse(mine, "/security/keys", {"label": "reports", "scope": "read", "days": "7"})
    text = re.search(rb'<code id="secret"[^>]*>([^<]+)</code>', made.body)
    assert text is not None
    page = gate.browse(mine, "/security").body
    assert b"reports" in page
    assert text.group(1) not in page
    token_id = re.search(rb'<code class="soft">(\w+)</code>', page)
    assert token_id is not None
    key = {"id": token_id.group(1).decode()}
    assert gate.browse(other, "/security/keys/revoke", key).status == 404
    assert gate.browse(mine, "/security/keys/revoke", key).status == 303
    assert b"1 key ended or revoked" in gate.browse(mine, "/security").body


@pytest.mark.parametrize("form", [{"label": ""}, {"label": "x" * 300}, {"label": "a\nb"}])
def test_a_key_that_cannot_be_made_says_why(gate: AdministeredGate, form: dict[str, str]) -> None:
    answer = gate.browse(gate.session(gate.user())[1], "/security/keys", form)
    assert answer.status == 400
    assert b'role="alert"' in answer.body


def test_sessions_keys_and_password_change_only_soon_after_a_proof(gate: AdministeredGate) -> None:
    """ASVS 5.0 7.5.1, 7.5.2: who has found an unlocked screen has not found an account."""
    cookie = stale(gate)
    assert gate.browse(cookie, "/security").status == 200
    for path, form in (
        ("/security/sessions/end", {"id": "0"}),
        ("/security/sessions/end-others", {}),
        ("/security/keys", {"label": "mine"}),
        ("/security/password", {"old": "a", "new": "something quite long"}),
    ):
        answer = gate.browse(cookie, path, form)
        assert (answer.status, answer.headers["location"]) == (303, "/step-up?return_to=%2Fsecurity&level=1")
    for path in ("/me/sessions", "/me/sessions/0"):
        answer = gate.ask(None, "DELETE", path, cookie=cookie, headers={"sec-fetch-site": "same-origin"})
        assert (answer.status, answer.body["error"]) == (401, "insufficient_user_authentication")


def stale(gate: AdministeredGate) -> str:
    """The cookie of a session that is in use, and whose owner signed in half an hour ago."""
    record = gate.office.directory.user(gate.change.scope, gate.user())
    assert record is not None
    then = gate.now - timedelta(minutes=30)
    subject = subject_of(record, gate.change.scope.tenant, Credential.PASSWORD, authenticated_at=then)
    started = ServerSessions(gate.office.directory).begin(
        subject,
        gate.now,
        origin=SessionOrigin("127.0.0.1"),
        limits=SessionRules().limits_of(frozenset()),
    )
    return started.cookie


def test_a_reset_code_that_is_none_is_refused_like_any_other(gate: AdministeredGate) -> None:
    name = gate.user()
    answers = [
        gate.browse("none", "/reset", {"name": who, "code": "0" * 20, "password": "four words of mine"})
        for who in (name, "nobody-at-all")
    ]
    assert [answer.status for answer in answers] == [400, 400]
    assert answers[0].body.replace(name.encode(), b"") == answers[1].body.replace(b"nobody-at-all", b"")
