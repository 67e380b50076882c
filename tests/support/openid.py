"""An OpenID provider of our own making, in this very process, which can be told to lie in any way.

What it signs, it signs with `tests.support.assertions`: by hand.  The real one is `oidc_provider`.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pacsgate.identity.assertions.issuers import ClaimNames
from pacsgate.identity.assertions.outside import Answer
from pacsgate.identity.federation.federated_accounts import FederatedAccounts
from pacsgate.identity.federation.returning_browsers import DoorParts
from pacsgate.identity.federation.source_policy import AccountsMode, SourcePolicy
from pacsgate.identity.oidc.door import OpenIdDoor
from pacsgate.identity.oidc.logout_tokens import LogoutTokens
from pacsgate.identity.oidc.provider import OpenIdClient, OpenIdProvider
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.stores.database import open_database
from pacsgate.stores.stores import Stores, stores_on
from tests.support.assertions import RsaSigner, base64url, key_set, web_token
from tests.support.databases import sqlite_url
from tests.support.people import SCOPE, People, people_on

ISSUER = "https://idp.example/realms/hospital"
CLIENT_ID = "gate"
API = "gate-api"
SIGNER = RsaSigner("k1")
NAMES = ClaimNames("preferred_username", "groups", {"department": "department"})


@dataclass
class ScriptedProvider:
    """Answers as a provider does; `metadata`, `token_answer` and the rest may be changed to anything."""

    signer: RsaSigner = SIGNER
    published: tuple[RsaSigner, ...] = (SIGNER,)
    metadata: dict[str, Any] = field(
        default_factory=lambda: {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/auth",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "userinfo_endpoint": f"{ISSUER}/me",
            "introspection_endpoint": f"{ISSUER}/introspect",
            "end_session_endpoint": f"{ISSUER}/logout",
            "authorization_response_iss_parameter_supported": True,
        }
    )
    userinfo: dict[str, Any] | None = None
    introspected: dict[str, Any] | None = None
    is_down: bool = False
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What each code is worth: the claims of its ID token, with its challenge under `challenge`."""
    header: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def get(self, url: str, **_headers: str) -> Answer | None:
        self.asked.append(url)
        if self.is_down:
            return None
        if url.endswith("/.well-known/openid-configuration"):
            return Answer(200, json.dumps(self.metadata).encode())
        if url.endswith("/keys"):
            return Answer(200, key_set(*self.published))
        return Answer(404, b"") if self.userinfo is None else Answer(200, json.dumps(self.userinfo).encode())

    def post(self, url: str, fields: dict[str, str], **_headers: str) -> Answer | None:
        self.asked.append(url)
        if self.is_down:
            return None
        if url.endswith("/introspect"):
            return Answer(200, json.dumps(self.introspected).encode())
        claims = self.codes.pop(fields["code"], None)
        verified = base64url(hashlib.sha256(fields["code_verifier"].encode()).digest())
        if claims is None or claims.pop("challenge") != verified:
            return Answer(400, b"")
        answer = {"id_token": web_token(self.signer, claims, **self.header).decode(), "access_token": "at-1"}
        return Answer(200, json.dumps(answer).encode())


@dataclass
class Browser:
    """What a browser was sent with."""

    secret: str
    asked: dict[str, str]

    def answer(self, code: str = "c1", **changed: str | None) -> dict[str, str]:
        """What the provider sends it back with; a change to `None` leaves something out."""
        stated = {"code": code, "state": self.asked["state"], "iss": ISSUER, **changed}
        return {name: value for name, value in stated.items() if value is not None}


@dataclass
class Reception:
    """A gate at which people sign in with the provider."""

    people: People
    stores: Stores
    provider: ScriptedProvider
    door: OpenIdDoor
    accounts: FederatedAccounts
    seen_by_client: OpenIdProvider

    def send(self, secret: str | None = None, return_to: str = "/studies") -> Browser:
        sent = self.door.send(return_to, secret, self.people.context())
        query = parse_qs(urlsplit(sent.url).query)  # type: ignore[union-attr]
        return Browser(sent.browser_secret, {name: values[0] for name, values in query.items()})  # type: ignore[union-attr]

    def receive(
        self, browser: Browser, answer: dict[str, str] | None = None, secret: str | None = None
    ) -> Any:
        return self.door.receive(answer or browser.answer(), secret or browser.secret, self.people.context())

    def code_for(self, browser: Browser, code: str = "c1", **changed: Any) -> None:
        """Have the provider give a code for this browser's question; `changed` claims are what it lies about."""
        now = int(self.people.clock.now().timestamp())
        stated = {
            "iss": ISSUER,
            "aud": CLIENT_ID,
            "sub": "u-1",
            "preferred_username": "anna",
            "name": "Anna Reis",
            "groups": ["radiology"],
            "department": "CT-A",
            "nonce": browser.asked["nonce"],
            "iat": now,
            "auth_time": now - 5,
            "exp": now + 300,
            "sid": "s-1",
            **changed,
        }
        claims = {name: value for name, value in stated.items() if value is not None}
        self.provider.codes[code] = {**claims, "challenge": browser.asked["code_challenge"]}

    def signs_in(self, **changed: Any) -> Any:
        """A whole sign-in."""
        browser = self.send()
        self.code_for(browser, **changed)
        return self.receive(browser)

    def causes(self) -> list[str]:
        return [each.details["cause"] for each in self.people.trail.events if "cause" in each.details]


def open_reception(
    directory: Path, source: SourcePolicy | None = None, *others: SourcePolicy, **changed: Any
) -> Reception:
    stores = stores_on(open_database(sqlite_url(directory)))
    people = people_on(stores)
    scripted = ScriptedProvider()
    source = source or SourcePolicy("idp", AccountsMode.CLAIMS)
    accounts = FederatedAccounts(stores.directory, stores.identity_links, [source, *others])
    client = OpenIdClient(
        name=source.name,
        title="Hospital",
        client_id=CLIENT_ID,
        client_secret="shh",
        redirect_uri="https://gate.example/sign-in/openid/idp/callback",
        after_sign_out_uri="https://gate.example/sign-in?said=out",
        algorithms=frozenset({"RS256"}),
        bearer_audience=API,
        **{"issuer": ISSUER, "names": NAMES, **changed},
    )
    provider = OpenIdProvider(client, scripted, people.clock)  # type: ignore[arg-type]
    parts = DoorParts(SCOPE, accounts, stores.challenges, people.attempts, SignInRecord(people.trail))
    logouts = LogoutTokens(provider, SCOPE, stores.identity_links, stores.used_assertions)
    return Reception(people, stores, scripted, OpenIdDoor(provider, parts, logouts), accounts, provider)
