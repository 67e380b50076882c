"""Acceptance checks I5 to I7 and I10 to I12, L5: passwords, lockout, sessions, the first account, API tokens, accounts
for a time and the sealed credential, over DICOMweb, the pages and the CLI.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from pacsgate.audit.events import EventKind
from tests.e2e.asking import events
from tests.support.hospital import RunningHospital, cli, cli_here, serving
from tests.support.waiting import wait_until

SIGN_IN_FAILED = {401, 429}


@pytest.mark.parametrize(
    ("password", "accepted"),
    [
        ("7 chars", False),
        ("password123", False),
        ("correct horse battery staple, with spaces and 64 characters, yes", True),
        (" spaces count ", True),
    ],
)
def test_i5_a_password_is_long_enough_and_not_a_common_one(
    own_hospital: RunningHospital, password: str, accepted: bool
) -> None:
    name = f"i5-{len(password)}"
    added = own_hospital.cli("user", "add", name, "--group", "heads", "--password-stdin", stdin=password)
    assert (added.returncode == 0) is accepted, added.stderr
    answer = requests.get(own_hospital.dicomweb + "/studies", auth=(name, password), timeout=30)
    assert answer.status_code == (200 if accepted else 401)
    assert password not in added.stdout + added.stderr + own_hospital.log.read_text("utf-8")


def _try(hospital: RunningHospital, name: str, password: str) -> requests.Response:
    return requests.get(hospital.dicomweb + "/studies", auth=(name, password), timeout=30)


def test_i6_five_failures_lock_a_name_even_for_the_right_password_and_nobody_else(
    own_hospital: RunningHospital,
) -> None:
    assert [_try(own_hospital, "rad3", f"wrong {n}").status_code for n in range(5)] == [401] * 5
    locked = _try(own_hospital, "rad3", "wrong again")
    with_right = _try(own_hospital, "rad3", own_hospital.passwords["rad3"])
    for answer in (locked, with_right):
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert locked.content == with_right.content
    assert _try(own_hospital, "rad2", own_hospital.passwords["rad2"]).status_code == 200
    (alert,) = events(own_hospital, kind=EventKind.LOCKED_OUT)
    assert (alert["actor.name"], alert["event.code"]) == ("rad3", "110113")


def test_i6_an_unknown_name_is_answered_and_locked_like_a_known_one(own_hospital: RunningHospital) -> None:
    unknown = [_try(own_hospital, "nobody-here", f"wrong {n}") for n in range(6)]
    known = [_try(own_hospital, "mgr1", f"wrong {n}") for n in range(6)]
    for one, other in zip(unknown, known, strict=True):
        assert (one.status_code, one.content) == (other.status_code, other.content)
        assert set(one.headers) == set(other.headers)


@pytest.mark.long
def test_i6_a_lock_ends_by_itself(own_hospital: RunningHospital) -> None:
    for number in range(5):
        _try(own_hospital, "ref1", f"wrong {number}")
    wait = int(_try(own_hospital, "ref1", own_hospital.passwords["ref1"]).headers["Retry-After"])
    time.sleep(wait + 1)
    assert _try(own_hospital, "ref1", own_hospital.passwords["ref1"]).status_code == 200


def test_i11_a_fresh_installation_has_a_set_up_code_and_no_account(tmp_path) -> None:
    made = cli("init", str(tmp_path / "gate"))
    assert made.returncode == 0, made.stderr
    config = tmp_path / "gate" / "pacsgate.yaml"
    config.write_text(config.read_text("utf-8").replace("port: 8042", "port: 0"), "utf-8")
    with serving(config) as (url, _, log):
        for name in ("admin", "root", "pacsgate", "orthanc"):
            for password in (name, "password", ""):
                answer = requests.get(f"{url}/dicom-web/studies", auth=(name, password), timeout=30)
                assert answer.status_code in SIGN_IN_FAILED
        code = log.read_text("utf-8").rpartition("/setup: ")[2].strip().splitlines()[0]
        # The code of `init` is worth nothing any more: the start of the gate printed another.
        assert code not in made.stdout
        assert len(code) == 32
        assert code not in config.read_text("utf-8")
    listed = json.loads(cli_here("user", "list", "--json", "-c", str(config)).stdout)
    assert listed == []


def test_i12_a_token_has_an_owner_a_scope_an_end_and_a_last_use_and_ends_when_revoked(
    own_hospital: RunningHospital,
) -> None:
    own = own_hospital
    issue = ("token", "issue", "rad1", "--label", "I12", "--action", "search", "--json")
    assert own.cli(*issue, "--until", "91d").returncode == 2
    issued = json.loads(own.cli(*issue, "--until", "89d").stdout)
    assert (issued["user"], issued["actions"], issued["last_used_at"]) == ("rad1", ["search"], None)
    assert datetime.fromisoformat(issued["expires_at"]) < datetime.now(UTC) + timedelta(days=90)  # noqa: TID251 - the gate's clock is this one

    client = own.bearer("rad1", issued["token"])
    assert client.get("/studies").status_code == 200
    assert client.get(f"{own.study('S1')}/metadata").status_code == 403
    (listed,) = json.loads(own.cli("token", "list", "--user", "rad1", "--json").stdout)
    assert listed["last_used_at"] is not None
    assert "token" not in listed
    database = b"".join(path.read_bytes() for path in (own.config.parent / "data").glob("pacsgate.db*"))
    assert issued["token"].encode() not in database
    assert issued["token"].rpartition("_")[2].encode() not in database
    assert own.passwords["rad1"].encode() not in database

    assert own.cli("token", "revoke", issued["token_id"]).returncode == 0
    refused = client.get("/studies")
    assert refused.status_code == 401
    assert "WWW-Authenticate" in refused.headers


# ------------------------------------------------------------------ sessions


class _From(HTTPAdapter):
    """Connections from another address of this machine: another network, as the gate sees it."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, source_address=(self._address, 0))


def _browser(hospital: RunningHospital, name: str, address: str = "127.0.0.1") -> requests.Session:
    """Somebody who has signed in at the page."""
    browser = requests.Session()
    browser.mount("http://", _From(address))
    _sign_in(hospital, browser, name, hospital.passwords[name])
    return browser


def _sign_in(
    hospital: RunningHospital, browser: requests.Session, name: str, password: str
) -> requests.Response:
    answer = browser.post(
        f"{hospital.url}/sign-in",
        data={"name": name, "password": password},
        headers={"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"},
        allow_redirects=False,
        timeout=30,
    )
    if answer.status_code == 303:
        # The cookie is for HTTPS only, and requests would keep it back here.
        browser.headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
    return answer


def _studies(hospital: RunningHospital, browser: requests.Session) -> int:
    return browser.get(f"{hospital.dicomweb}/studies", timeout=30).status_code


def test_i7_sessions_are_listed_with_where_they_began_and_end_at_the_next_request(
    own_hospital: RunningHospital,
) -> None:
    """A forged `X-Forwarded-For` changes nothing: the gate has no trusted proxy here."""
    own = own_hospital
    one, other = _browser(own, "rad1"), _browser(own, "rad1")
    assert [_studies(own, each) for each in (one, other)] == [200, 200]
    listed = json.loads(own.cli("session", "list", "--user", "rad1", "--json").stdout)
    assert [row["client_address"] for row in listed] == ["127.0.0.1", "127.0.0.1"]
    assert own.cli("session", "end", listed[0]["session_id"]).returncode == 0
    assert sorted(_studies(own, each) for each in (one, other)) == [200, 401]
    assert own.cli("session", "end", "--user", "rad1").returncode == 0
    assert [_studies(own, each) for each in (one, other)] == [401, 401]


def test_i10_one_account_in_two_networks_at_once_is_an_alert_that_names_both(
    own_hospital: RunningHospital,
) -> None:
    own = own_hospital
    for address in ("127.0.0.1", "127.0.9.1"):
        browser = _browser(own, "rad2", address)
        assert [_studies(own, browser) for _ in range(5)] == [200] * 5
    found = events(own, kind=EventKind.CREDENTIAL_SHARED)
    assert {event["actor.name"] for event in found} == {"rad2"}
    (alert,) = found
    assert {alert["details.place"].split()[1], alert["details.other_place"].split()[1]} == {
        "127.0.0.0/24",
        "127.0.9.0/24",
    }


@pytest.mark.long
def test_l5_an_account_for_a_time_ends_by_itself_at_every_door(own_hospital: RunningHospital) -> None:
    own = own_hospital
    issued = json.loads(own.cli("token", "issue", "rad2", "--label", "L5", "--until", "1d", "--json").stdout)
    browser, bearer = _browser(own, "rad2"), own.bearer("rad2", issued["token"])
    until = (datetime.now(UTC) + timedelta(seconds=4)).isoformat()  # noqa: TID251 - the gate's clock is this one
    assert own.cli("user", "validity", "rad2", "--until", until).returncode == 0
    doors = (
        lambda: _try(own, "rad2", own.passwords["rad2"]).status_code,
        lambda: bearer.get("/studies").status_code,
        lambda: _studies(own, browser),
    )
    assert [door() for door in doors] == [200, 200, 200]
    time.sleep(4)
    assert [door() for door in doors] == [401, 401, 401]
    assert own.cli("user", "validity", "rad2").returncode == 0
    assert [door() for door in doors[:2]] == [200, 200]


def _sealed(hospital: RunningHospital) -> dict[str, str]:
    made = hospital.cli("user", "emergency", "--seal", "--role", "system-administrator", "--json")
    assert made.returncode == 0, made.stderr
    sealed: dict[str, str] = json.loads(made.stdout)
    return sealed


@pytest.mark.long
def test_the_sealed_credential_lets_somebody_in_once_with_an_alarm(own_hospital: RunningHospital) -> None:
    own = own_hospital
    sealed = _sealed(own)
    assert _try(own, sealed["name"], sealed["code"]).status_code == 401  # Basic would use it up unseen
    rescuer = requests.Session()
    assert _sign_in(own, rescuer, sealed["name"], sealed["code"]).status_code == 303
    assert _sign_in(own, requests.Session(), sealed["name"], sealed["code"]).status_code == 401

    def alarms() -> list[dict[str, Any]]:
        found = events(own, kind=EventKind.EMERGENCY_ACCESS)
        return [alarm for alarm in found if alarm["actor.name"] == sealed["name"]]

    wait_until(lambda: len(alarms()) == 1)  # it was kept in the database with the use
    assert own.cli("user", "emergency", "--seal", "--role", "system-administrator").returncode == 1
    assert own.cli("user", "emergency", "--void").returncode == 0
    assert sealed["code"] not in own.log.read_text("utf-8")


@pytest.mark.long
def test_an_invited_user_chooses_a_password_that_nobody_else_knows(own_hospital: RunningHospital) -> None:
    own, chosen = own_hospital, "a password of my own choice"
    made = own.cli("user", "add", "invited1", "--group", "heads", "--invite", "--json")
    code = json.loads(made.stdout)["code"]

    def choose(password: str, name: str = "invited1") -> int:
        fields = {"name": name, "code": code, "password": password}
        return requests.post(f"{own.url}/reset", data=fields, allow_redirects=False, timeout=30).status_code

    assert choose("password123") == 400
    assert choose(chosen, name="rad1") == 400
    assert choose(chosen) == 303
    assert choose("another one, later") == 400
    assert _try(own, "invited1", chosen).status_code == 200
    for secret in (code, chosen):
        assert secret not in own.log.read_text("utf-8")
        assert not any(secret in str(event) for event in events(own, kind=EventKind.USER_CHANGED))
