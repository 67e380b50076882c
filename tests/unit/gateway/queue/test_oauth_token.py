import asyncio
import base64
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.errors import RequestError
from pacsgate.model.subject import SubjectKind
from pacsgate.ports.directory import TokenPurpose
from pacsgate.services.administer_tokens import TokenAdministration
from tests.support.open_gate import ask
from tests.support.queued_gate import PLACE, SCOPE, QueuedGate

FORM = (b"content-type", b"application/x-www-form-urlencoded")


def secret_of(q: QueuedGate, who: str, days: int = 300) -> str:
    tokens = TokenAdministration(q.gate.office, RandomTokens())
    until = q.gate.now + timedelta(days=days)
    issued = tokens.issue(
        q.gate.change, who, label="agent", expires_at=until, purpose=TokenPurpose.CLIENT_SECRET
    )
    return issued.text


def asked(
    q: QueuedGate, form: Mapping[str, str] | bytes, authorization: str | None = None
) -> tuple[int, dict[str, str], dict[str, Any]]:
    headers = [FORM, *([] if authorization is None else [(b"authorization", authorization.encode())])]
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    told = asyncio.run(ask(q.gate.opened.app, "/oauth2/token", headers, "POST", body=body))
    return told.status, told.headers, json.loads(told.body)


def basic(client_id: str, secret: str) -> str:
    return (
        "Basic " + base64.b64encode(f"{quote(client_id, safe='')}:{quote(secret, safe='')}".encode()).decode()
    )


GRANT = {"grant_type": "client_credentials"}


@pytest.mark.parametrize("prefix", ["", "default/"])
@pytest.mark.parametrize("way", ["header", "body"])
def test_a_client_gets_an_access_token_for_an_hour_which_lets_it_in(
    q: QueuedGate, prefix: str, way: str
) -> None:
    client_id, secret = prefix + q.agent, secret_of(q, q.agent)
    if way == "header":
        status, headers, told = asked(q, GRANT, basic(client_id, secret))
    else:
        status, headers, told = asked(q, {**GRANT, "client_id": client_id, "client_secret": secret})
    assert (status, told["token_type"], told["expires_in"]) == (200, "Bearer", 3600)
    assert (headers["cache-control"], headers["pragma"]) == ("no-store", "no-cache")
    q.gate.tokens["by-oauth"] = told["access_token"]
    q.submit()
    assert q.run(lambda: q.send("by-oauth", f"{PLACE}/agent/messages")).status == 200


def test_a_client_secret_is_no_token_to_come_in_with(q: QueuedGate) -> None:
    q.gate.tokens["by-secret"] = secret_of(q, q.agent)
    assert q.run(lambda: q.send("by-secret", f"{PLACE}/agent/messages")).status == 401


def test_a_token_to_come_in_with_is_no_client_secret(q: QueuedGate) -> None:
    assert asked(q, GRANT, basic(q.agent, q.gate.tokens[q.agent]))[0] == 401


def test_whatever_is_wrong_with_a_client_it_is_told_the_same(q: QueuedGate) -> None:
    secret, other = secret_of(q, q.agent), q.gate.user(kind=SubjectKind.SERVICE)
    disabled = q.gate.user(kind=SubjectKind.SERVICE)
    of_disabled = secret_of(q, disabled)
    q.gate.users.set_disabled(q.gate.change, disabled, disabled=True)
    answers = [
        asked(q, GRANT, basic(client_id, tried))
        for client_id, tried in (
            ("nobody", secret),
            (other, secret),
            (f"north/{q.agent}", secret),
            (f"nowhere/{q.agent}", secret),
            (q.agent, secret[:-1] + ("0" if secret[-1] != "0" else "1")),
            (q.agent, "pgt_wrong"),
            (q.agent, ""),
            (disabled, of_disabled),
        )
    ]
    assert {status for status, _, _ in answers} == {401}
    assert {json.dumps(told) for _, _, told in answers} == {
        json.dumps({"error": "invalid_client", "error_description": "no such client, or not this secret"})
    }
    assert {headers["www-authenticate"] for _, headers, _ in answers} == {'Basic realm="pacsgate"'}


def test_whoever_revokes_a_client_secret_revokes_the_tokens_that_were_made_with_it(q: QueuedGate) -> None:
    secret = secret_of(q, q.agent)
    q.gate.tokens["by-oauth"] = asked(q, GRANT, basic(q.agent, secret))[2]["access_token"]
    q.submit()
    assert q.run(lambda: q.send("by-oauth", f"{PLACE}/agent/messages")).status == 200
    q.revoke(secret.split("_")[1])
    assert q.run(lambda: q.send("by-oauth", f"{PLACE}/agent/messages")).status == 401
    assert asked(q, GRANT, basic(q.agent, secret))[0] == 401


def test_an_access_token_ends_no_later_than_its_secret(q: QueuedGate) -> None:
    tokens = TokenAdministration(q.gate.office, RandomTokens())
    until = q.gate.now + timedelta(minutes=5)
    issued = tokens.issue(
        q.gate.change, q.agent, label="short", expires_at=until, purpose=TokenPurpose.CLIENT_SECRET
    )
    assert 200 <= asked(q, GRANT, basic(q.agent, issued.text))[2]["expires_in"] <= 300


def test_access_tokens_are_in_no_list_and_forgotten_when_they_have_ended(q: QueuedGate) -> None:
    service = q.gate.user(kind=SubjectKind.SERVICE)
    secret = secret_of(q, service)
    asked(q, GRANT, basic(service, secret))
    tokens = TokenAdministration(q.gate.office, RandomTokens())
    assert [each.purpose for each in tokens.tokens(SCOPE, service)] == [TokenPurpose.CLIENT_SECRET]
    directory = q.gate.office.directory
    assert len(directory.tokens(SCOPE, service)) == 2
    directory.forget_access_tokens(SCOPE, q.gate.now)
    assert len(directory.tokens(SCOPE, service)) == 2
    directory.forget_access_tokens(SCOPE, q.gate.now + timedelta(hours=2))
    assert [each.purpose for each in directory.tokens(SCOPE, service)] == [TokenPurpose.CLIENT_SECRET]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (b"", "invalid_request"),
        (b"\xff=1", "invalid_request"),
        (b"grant_type", "invalid_request"),
        (b"client_id=x", "invalid_request"),
        (b"grant_type=password", "unsupported_grant_type"),
        (b"grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        (b"&".join(b"a%d=1" % number for number in range(50)), "invalid_request"),
    ],
)
def test_a_request_that_cannot_be_read_is_told_so_in_the_standards_word(
    q: QueuedGate, form: bytes, error: str
) -> None:
    status, _, told = asked(q, form)
    assert (status, told["error"]) == (400, error)


@pytest.mark.parametrize("authorization", ["Bearer x", "Basic !", "Basic " + "eA==", "Digest a"])
def test_a_header_that_is_no_client_is_not_one(q: QueuedGate, authorization: str) -> None:
    status, _, told = asked(q, GRANT, authorization)
    assert (status, told["error"]) == (401, "invalid_client")


def test_a_client_says_who_it_is_in_one_way(q: QueuedGate) -> None:
    secret = secret_of(q, q.agent)
    status, _, told = asked(q, {**GRANT, "client_secret": secret}, basic(q.agent, secret))
    assert (status, told["error"]) == (400, "invalid_request")


def test_only_services_have_client_secrets(q: QueuedGate) -> None:
    with pytest.raises(RequestError, match="a service's"):
        secret_of(q, q.gate.user())
    with pytest.raises(RequestError, match="366 days"):
        secret_of(q, q.agent, days=367)


def test_tokens_are_on_record_and_refusals_too(q: QueuedGate) -> None:
    secret = secret_of(q, q.agent)
    asked(q, GRANT, basic(q.agent, secret))
    asked(q, GRANT, basic(q.agent, "wrong"))
    taken, refused = q.gate.events(EventKind.SIGN_IN)[-2:]
    assert (taken.actor.name, taken.actor.verified, taken.actor.credential_id) == (
        q.agent,
        True,
        secret.split("_")[1],
    )
    assert (refused.actor.name, refused.actor.verified) == (q.agent, False)
    assert refused.details["cause"] == "no-client-secret-of-this-client"
    assert secret not in repr((taken, refused))


def test_an_address_that_goes_on_guessing_is_slowed_down_and_no_client_is_locked_out(q: QueuedGate) -> None:
    service = q.gate.user(kind=SubjectKind.SERVICE)
    secret = secret_of(q, service)
    for _ in range(10):
        assert asked(q, GRANT, basic(service, "wrong"))[0] == 401
    assert asked(q, GRANT, basic(service, secret))[0] == 200


def test_the_metadata_says_where_tokens_are(q: QueuedGate) -> None:
    told = asyncio.run(ask(q.gate.opened.app, "/.well-known/oauth-authorization-server"))
    assert json.loads(told.body) == {
        "issuer": "http://gate",
        "token_endpoint": "http://gate/oauth2/token",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }
