"""What every identity source promises, whatever it speaks: one set of rules for whose word counts how far.

A row of `KINDS` says how somebody comes in by one kind of source.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pacsgate.identity.assertions.issuer_keys import read_key_set
from pacsgate.identity.assertions.issuers import ACCESS_TOKEN, JwtIssuer
from pacsgate.identity.assertions.json_web_tokens import JsonWebTokens
from pacsgate.identity.federation.bearer_door import BearerDoor, NoIntrospection
from pacsgate.identity.federation.source_policy import AccountsMode, SourcePolicy
from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.oidc.introspection import ProviderIntrospection
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.model.subject import Subject
from pacsgate.ports import AuthenticationFailed
from pacsgate.ports.browser_sources import CameBack
from tests.support.assertions import key_set, web_token
from tests.support.openid import API, ISSUER, NAMES, SIGNER, Reception, open_reception
from tests.support.people import SCOPE

SOURCE = SourcePolicy("idp", AccountsMode.CLAIMS, role_ceiling=frozenset({"viewer"}))

ComesIn = Callable[[Reception, str, str, frozenset[str]], Subject | None]
"""Somebody comes in: what they are called there, the id, the groups; `None` is refused."""


def by_browser(reception: Reception, name: str, external_id: str, groups: frozenset[str]) -> Subject | None:
    if reception.seen_by_client.metadata() is None:
        assert isinstance(reception.door.send("/", None, reception.people.context()), AuthenticationFailed)
        return None
    found = reception.signs_in(preferred_username=name, sub=external_id, groups=sorted(groups))
    return found.subject if isinstance(found, CameBack) else None


def by_token(reception: Reception, name: str, external_id: str, groups: frozenset[str]) -> Subject | None:
    people = reception.people
    now = int(people.clock.now().timestamp())
    stated = {
        "iss": ISSUER,
        "aud": API,
        "sub": external_id,
        "preferred_username": name,
        "groups": sorted(groups),
    }
    token = web_token(SIGNER, {**stated, "iat": now, "exp": now + 300}, typ="at+jwt").decode()
    return _presented(reception, token)


def by_opaque_token(
    reception: Reception, name: str, external_id: str, groups: frozenset[str]
) -> Subject | None:
    told = {"active": True, "aud": API, "sub": external_id, "username": name, "groups": sorted(groups)}
    reception.provider.introspected = told
    return _presented(reception, f"opaque-{name}-{external_id}-{len(groups)}")


def _presented(reception: Reception, token: str) -> Subject | None:
    people = reception.people
    issuer = JwtIssuer(
        ISSUER, API, frozenset({"RS256"}), _Keys(reception), NAMES, "idp", types=frozenset({ACCESS_TOKEN})
    )
    asked = NoIntrospection() if token.count(".") == 2 else ProviderIntrospection(reception.seen_by_client)
    door = BearerDoor(
        accounts=reception.accounts,
        tokens=JsonWebTokens([issuer]),
        introspection=asked,
        record=SignInRecord(people.trail),
        clock=people.clock,
        latest=LatestTime(people.clock.now()),
    )
    found = door.authenticate(token, 0, people.context())
    return found if isinstance(found, Subject) else None


@dataclass
class _Keys:
    reception: Reception

    def keys(self, key_id: str | None):  # noqa: ARG002 - the port's
        return None if self.reception.provider.is_down else read_key_set(key_set(SIGNER))


KINDS: dict[str, ComesIn] = {
    "openid": by_browser,
    "signed token": by_token,
    "opaque token": by_opaque_token,
}
EVERY_KIND = pytest.mark.parametrize("comes_in", KINDS.values(), ids=KINDS.keys())
RADIOLOGY = frozenset({"radiology"})


@pytest.fixture
def reception(tmp_path: Path) -> Reception:
    return open_reception(tmp_path, SOURCE)


@EVERY_KIND
def test_people_of_the_source_come_in_with_what_it_says_and_no_more_than_it_may(
    reception: Reception, comes_in: ComesIn
) -> None:
    subject = comes_in(reception, "anna", "1", RADIOLOGY)
    assert subject is not None
    assert (subject.name, subject.source, subject.groups) == ("anna", "idp", RADIOLOGY)
    assert subject.role_ceiling == {"viewer"}
    assert subject.valid_until is not None
    account = reception.stores.directory.user(SCOPE, "anna")
    assert account is not None
    assert (account.source, account.password_hash) == ("idp", None)


@EVERY_KIND
def test_whoever_is_called_otherwise_now_is_who_they_were(reception: Reception, comes_in: ComesIn) -> None:
    comes_in(reception, "anna", "1", RADIOLOGY)
    again = comes_in(reception, "anna.married", "1", RADIOLOGY)
    assert again is not None
    assert again.name == "anna"


@EVERY_KIND
def test_nobody_takes_a_name_that_is_somebody_elses(reception: Reception, comes_in: ComesIn) -> None:
    reception.people.users.add(reception.people.change(), "boss")
    assert comes_in(reception, "boss", "1", RADIOLOGY) is None
    comes_in(reception, "anna", "1", RADIOLOGY)
    assert comes_in(reception, "anna", "2", RADIOLOGY) is None


@EVERY_KIND
def test_who_is_disabled_or_locked_here_stays_out(reception: Reception, comes_in: ComesIn) -> None:
    assert comes_in(reception, "anna", "1", RADIOLOGY) is not None
    people = reception.people
    people.users.set_disabled(people.change(), "anna", disabled=True)
    assert comes_in(reception, "anna", "1", RADIOLOGY) is None
    people.users.set_disabled(people.change(), "anna", disabled=False)
    assert comes_in(reception, "anna", "1", RADIOLOGY) is not None


@EVERY_KIND
def test_while_the_source_cannot_be_asked_nobody_comes_in(reception: Reception, comes_in: ComesIn) -> None:
    reception.provider.is_down = True
    assert comes_in(reception, "anna", "1", RADIOLOGY) is None


@EVERY_KIND
@pytest.mark.parametrize("name", ["", "a:b", "an\u200bna", "x" * 200, " anna"])
def test_a_name_that_no_account_could_have_is_nobody(
    reception: Reception, comes_in: ComesIn, name: str
) -> None:
    assert comes_in(reception, name, "1", RADIOLOGY) is None
    assert reception.stores.directory.users(SCOPE) == ()
