"""Identities, visits, credentials and access units of a picture archive: what they open, by every door."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from time import sleep
from typing import Any

import pytest

from pacsgate.bootstrap.executors import end_visits
from pacsgate.bootstrap.installation import open_installation
from pacsgate.config import read_settings
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.model.access import VisitState
from pacsgate.model.built_in_roles import PACS_ADMINISTRATOR
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.services.administer_users import UserAdministration
from tests.support.access_gate import ANNEX, LARGE, MAIN, STROKE, AccessGate, access_gate
from tests.support.open_gate import ask, desk

pytestmark = pytest.mark.long

RADIOLOGY = ["1.2.3.1", "1.2.3.2"]
HOUR = timedelta(hours=1)
_numbers = count(1)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccessGate]:
    with access_gate(tmp_path_factory.mktemp("access")) as opened:
        yield opened


def planned(gate: AccessGate, **more: Any) -> str:
    number = next(_numbers)
    body = {
        "visitId": f"v-{number}",
        "visitor": f"p-{number}",
        "name": "Bo Lund",
        "validFrom": (gate.now - HOUR).isoformat(),
        "validTo": (gate.now + HOUR).isoformat(),
    }
    assert gate.do("VisitCreate", body | more).status == 201
    return f"v-{number}"


def a_token(gate: AccessGate, kind: str = "Visit", **ids: str) -> str:
    made = gate.do(f"{kind}CredentialCreate", {"credentialId": "t-1", "format": "token"}, **ids)
    assert made.status == 201, made.body
    return str(made.body["secret"])


def an_identity(gate: AccessGate, **more: Any) -> str:
    identity = f"e-{next(_numbers)}"
    assert gate.do("IdentityCreate", {"identityId": identity, "name": "Ada Reis"} | more).status == 201
    return identity


def opened(gate: AccessGate, unit: str = "department:Radiology", **ids: str) -> Outcome:
    kind = "Visit" if "visit" in ids else "Identity"
    return gate.do(f"{kind}AccessUnitAssign", unit=unit, **ids)


def test_a_visit_opens_its_units_from_check_in_to_check_out_and_nothing_else(gate: AccessGate) -> None:
    visit = planned(gate)
    token = a_token(gate, visit=visit)
    opened(gate, visit=visit)
    assert gate.sees(token) == 401

    gate.do("VisitCheckIn", visit=visit)
    assert gate.sees(token) == RADIOLOGY
    assert gate.sees(token, ANNEX) == 403

    opened(gate, "collection:stroke", visit=visit)
    assert gate.sees(token) == [*RADIOLOGY, STROKE]
    gate.do("VisitAccessUnitRemove", visit=visit, unit="department:Radiology")
    assert gate.sees(token) == [STROKE]

    gate.do("VisitCheckOut", visit=visit)
    assert gate.sees(token) == 401


def test_a_transfer_that_is_running_ends_with_the_visit(gate: AccessGate) -> None:
    visit = planned(gate)
    token = a_token(gate, visit=visit)
    opened(gate, visit=visit)
    gate.do("VisitCheckIn", visit=visit)
    path = f"/archives/{MAIN}/dicom-web/studies/{LARGE}/series/{LARGE}.1/instances/{LARGE}.1.1"
    headers = ((b"authorization", f"Bearer {token}".encode()), (b"accept", b"application/dicom"))

    def check_out() -> float:
        if gate.do("VisitGet", visit=visit).body["state"] == "checkedIn":
            assert gate.do("VisitCheckOut", visit=visit).status == 200
        return 1.1

    whole = asyncio.run(ask(gate.app, path, headers))
    cut = asyncio.run(ask(gate.app, path, headers, while_sending=check_out))

    assert whole.is_whole
    assert (cut.status, cut.is_whole) == (200, False)
    assert len(cut.body) < len(whole.body)


def test_a_forbid_holds_against_a_unit_that_is_open(gate: AccessGate) -> None:
    identity = an_identity(gate)
    token = a_token(gate, "Identity", identity=identity)
    opened(gate, identity=identity)
    gate.label(RADIOLOGY[0], labels=frozenset({"SEALED"}))
    try:
        assert gate.sees(token) == [RADIOLOGY[1]]
    finally:
        gate.label(RADIOLOGY[0], labels=frozenset())


def test_the_units_of_an_archive_are_its_departments_and_collections(gate: AccessGate) -> None:
    told = gate.do("AccessUnitList").body["accessUnits"]

    assert [(each["accessUnitId"], each["name"]) for each in told] == [
        ("collection:stroke", "stroke"),
        ("department:Cardiology", "Cardiology"),
        ("department:Nose~2fThroat", "Nose/Throat"),
        ("department:Radiology", "Radiology"),
    ]
    assert gate.do("AccessUnitGet", unit="department:Dermatology").status == 404
    assert opened(gate, "department:Dermatology", identity=an_identity(gate)).status == 404


def test_grants_come_and_go_on_record_with_their_visit_and_message(gate: AccessGate) -> None:
    visit = planned(gate)
    opened(gate, visit=visit)
    gate.do("VisitCheckIn", visit=visit, message_id=f"in-{visit}")
    gate.do("VisitCheckOut", visit=visit, message_id=f"out-{visit}")

    about = [each for each in gate.events() if each.get("holder") == f"visit/{visit}"]
    grants = {each["change"]: each for each in about if each["change"].startswith("grant ")}
    assert grants["grant granted"]["message"] == f"in-{visit}"
    assert grants["grant revoked"]["message"] == f"out-{visit}"
    assert grants["grant granted"]["on"] == "department:Radiology"
    assert {each["pacs"] for each in about} == {MAIN}


def test_a_token_can_be_made_worthless_for_a_while(gate: AccessGate) -> None:
    identity = an_identity(gate)
    token = a_token(gate, "Identity", identity=identity)
    opened(gate, identity=identity)
    ids = {"identity": identity, "credential": "t-1"}
    assert gate.sees(token) == RADIOLOGY

    gate.do("IdentityCredentialDeactivate", **ids)
    assert gate.sees(token) == 401
    gate.do("IdentityCredentialActivate", **ids)
    assert gate.sees(token) == RADIOLOGY
    gate.do("IdentityCredentialRemove", **ids)
    assert gate.sees(token) == 401


def test_a_secret_is_told_once_however_often_the_command_is_shown(gate: AccessGate) -> None:
    identity = an_identity(gate)
    body = {"format": "token"}
    first, again = (
        gate.do("IdentityCredentialCreate", body, message_id=f"once-{identity}", identity=identity)
        for _ in range(2)
    )

    assert "secret" in first.body
    assert again.body == {name: first.body[name] for name in again.body}
    assert "secret" not in again.body
    assert len(gate.do("IdentityCredentialList", identity=identity).body["credentials"]) == 1


def test_with_an_identity_goes_its_account(gate: AccessGate) -> None:
    identity = an_identity(gate)
    token = a_token(gate, "Identity", identity=identity)
    opened(gate, identity=identity)
    account = gate.do("IdentityGet", identity=identity).body["account"]

    assert gate.do("IdentityRemove", identity=identity).status == 204
    assert gate.sees(token) == 401
    directory = gate.installation.stores.directory
    assert directory.user(gate.installation.scope, account) is None
    assert all(grant.grantee != account for grant in directory.grants(gate.installation.scope))


def test_an_account_that_was_there_gets_units_and_keeps_everything_else(gate: AccessGate) -> None:
    name = f"rad{next(_numbers)}"
    gate.add_user(name)
    visit = planned(gate, account=name)
    opened(gate, visit=visit)
    gate.do("VisitCheckIn", visit=visit)
    assert gate.sees(gate.tokens[name]) == RADIOLOGY

    gate.do("VisitCheckOut", visit=visit)
    assert gate.sees(gate.tokens[name]) == 403


def test_nobody_comes_by_an_account_that_was_there(gate: AccessGate) -> None:
    """Who looks after identities of one archive is no way into the account of an administrator."""
    identity = an_identity(gate, account="warden")

    for form in ("login", "token"):
        assert gate.do("IdentityCredentialCreate", {"format": form}, identity=identity).status == 409
    assert gate.do("IdentityCreate", {"name": "Eve", "account": "nobody-here"}).status == 409


def test_two_that_share_an_account_lose_nothing_by_each_other(gate: AccessGate) -> None:
    name = f"rad{next(_numbers)}"
    gate.add_user(name)
    identity = an_identity(gate, account=name)
    opened(gate, "collection:stroke", identity=identity)
    visit = planned(gate, account=name)
    opened(gate, visit=visit)

    gate.do("VisitCheckIn", visit=visit)
    assert gate.sees(gate.tokens[name]) == [*RADIOLOGY, STROKE]
    gate.do("VisitCheckOut", visit=visit)
    assert gate.sees(gate.tokens[name]) == [STROKE]
    gate.do("IdentityRemove", identity=identity)
    assert gate.sees(gate.tokens[name]) == 403


def test_a_login_is_a_code_for_a_password_and_can_be_laid_aside(gate: AccessGate) -> None:
    identity = an_identity(gate)
    made = gate.do("IdentityCredentialCreate", {"credentialId": "l-1", "format": "login"}, identity=identity)
    scope, directory = gate.installation.scope, gate.installation.stores.directory

    def kept() -> str | None:
        found = directory.user(scope, made.body["account"])
        assert found is not None
        return found.password_hash

    first = kept()
    assert made.body["secret"]
    assert first is not None
    ids = {"identity": identity, "credential": "l-1"}
    gate.do("IdentityCredentialDeactivate", **ids)
    assert kept() is None
    gate.do("IdentityCredentialActivate", **ids)
    assert kept() == first
    assert gate.do("IdentityCredentialCreate", {"format": "login"}, identity=identity).status == 409


def test_what_an_archive_cannot_do_leaves_nothing_behind(gate: AccessGate) -> None:
    """The account is made and refused within one transaction."""
    directory, scope = gate.installation.stores.directory, gate.installation.scope
    before = {user.name for user in directory.users(scope)}
    identity = f"e-{next(_numbers)}"
    gate.add_user(f"identity.{identity}@{MAIN}")

    refused = gate.do("IdentityCreate", {"identityId": identity, "name": "Ada Reis"})

    assert refused.status == 409
    assert gate.do("IdentityGet", identity=identity).status == 404
    assert {user.name for user in directory.users(scope)} == before | {f"identity.{identity}@{MAIN}"}


def test_the_clock_checks_out_and_the_trail_says_so(gate: AccessGate) -> None:
    visit = planned(gate, validTo=(gate.now + timedelta(seconds=0.2)).isoformat())
    token = a_token(gate, visit=visit)
    opened(gate, visit=visit)
    gate.do("VisitCheckIn", visit=visit)
    while gate.do("VisitGet", visit=visit).body["state"] != "checkedOut":
        pass
    assert gate.sees(token) == 401
    about = [each for each in gate.events() if each.get("holder") == f"visit/{visit}"]
    assert [each["change"] for each in about if each["change"].startswith("grant ")][-1] == "grant revoked"


def test_whoever_governs_one_archive_comes_by_nothing_that_its_account_was_given_in_another(
    gate: AccessGate,
) -> None:
    identity = an_identity(gate)
    login = {"format": "login"}
    assert gate.do("IdentityCredentialCreate", login, identity=identity).status == 201
    token = a_token(gate, "Identity", identity=identity)
    assert gate.do("IdentityCredentialDeactivate", identity=identity, credential="t-1").status == 200
    account = {"identityId": identity, "name": "Ada Reis", "account": f"identity.{identity}@main"}
    assert gate.do("IdentityCreate", account, ANNEX).status == 201
    opening = {"identity": identity, "unit": "department:Radiology"}
    assert gate.do("IdentityAccessUnitAssign", None, ANNEX, **opening).status == 200
    refused = gate.do("IdentityCredentialCreate", {"format": "token"}, identity=identity)
    assert (refused.status, "of this archive" in refused.body["message"]) == (409, True)
    assert gate.do("IdentityCredentialActivate", identity=identity, credential="t-1").status == 409
    assert gate.sees(token, ANNEX) == 401


def test_the_token_of_a_holder_carries_what_units_open_and_nothing_that_is_given_later(
    gate: AccessGate,
) -> None:
    identity = an_identity(gate)
    token = a_token(gate, "Identity", identity=identity)
    office, change = desk(gate.installation)
    account = f"identity.{identity}@main"
    UserAdministration(office, Argon2Passwords()).assign(
        change, account, Assignment(PACS_ADMINISTRATOR, AssignmentScope(MAIN))
    )
    path = "/api/v1/tenants/default/pacs/main"
    assert gate.ask("warden", "GET", path).status == 200
    assert gate.ask(None, "GET", path, token=token).status == 403


def test_visits_end_by_the_clock_in_an_archive_that_is_configured_no_more(gate: AccessGate) -> None:
    until = gate.now + timedelta(seconds=0.2)
    body = {
        "visitId": "v-annex",
        "visitor": "p-annex",
        "name": "Bo Lund",
        "validFrom": (gate.now - HOUR).isoformat(),
        "validTo": until.isoformat(),
    }
    assert gate.do("VisitCreate", body, ANNEX).status == 201
    gate.do("VisitAccessUnitAssign", None, ANNEX, visit="v-annex", unit="department:Radiology")
    assert gate.do("VisitCheckIn", None, ANNEX, visit="v-annex").status == 200
    grants = gate.installation.stores.directory.grants
    assert [each.archive for each in grants(gate.installation.scope) if "annex" in each.grantee] == [ANNEX]
    while gate.now < until:
        sleep(0.05)

    without = gate.config.with_name("without.yaml")
    text = gate.config.read_text("utf-8")
    without.write_text(text.replace("  annex: {kind: folder, path: annex}\n", ""), "utf-8")
    with open_installation(read_settings(without), "without") as installation:
        assert ANNEX not in installation.tenant_archives.owners
        assert end_visits(installation) == 1
        visit = installation.stores.access.visit(gate.place(ANNEX), "v-annex")
        assert visit is not None
        assert visit.state is VisitState.CHECKED_OUT
        account = installation.stores.directory.user(installation.scope, visit.account)
        assert account is not None
        assert account.disabled
        assert end_visits(installation) == 0
    assert not [each for each in grants(gate.installation.scope) if "annex" in each.grantee]
