"""A real OpenLDAP as identity source: who is let in, as whom, and who is not."""

import socket
import ssl
import threading
import time

import pytest

from pacsgate.identity.ldap.conversation import AT_ONCE
from pacsgate.identity.ldap.description import GroupSearch, LdapServer, NestedGroups, ServiceAccount
from pacsgate.identity.ldap.source import HOLDS_FOR, LdapSource
from pacsgate.model.errors import UnavailableError
from pacsgate.ports.assertions import AssertionFault, Claims
from tests.support.clocks import START
from tests.support.directories import (
    GUID,
    LDAP_PASSWORD,
    RAD2_PASSWORD,
    directory,
    like_active_directory,
    source,
)
from tests.support.ports import free_port
from tests.support.slapd import GROUPS, PEOPLE, SERVICE, SUFFIX, cn
from tests.support.tls import CertificateAuthority

pytestmark = pytest.mark.server("slapd")


def verify(slapd, name="rad1", password=LDAP_PASSWORD, **changed):
    return source(slapd, **changed).verify(name, password, START)


@pytest.mark.parametrize("start_tls", [False, True], ids=["ldaps", "starttls"])
def test_the_right_password_says_who_it_is(slapd, start_tls):
    claims = verify(slapd, start_tls=start_tls)
    assert isinstance(claims, Claims)
    assert (claims.name, claims.source, claims.display_name) == ("rad1", "clinic", "rad1")
    assert len(claims.external_id) == 36
    assert claims.groups == {"Radiologists", "Night", "Staff"}
    assert claims.attributes == {"department": {"CT-A", "MR-B"}}
    assert claims.expires_at == START + HOLDS_FOR


@pytest.mark.parametrize("nested", [NestedGroups.SEARCH, NestedGroups.MEMBER_OF])
def test_groups_of_groups_count_once_also_in_a_circle(slapd, nested):
    groups = {"Radiologists", "Night", "Staff"}
    assert verify(slapd, groups=GroupSearch(GROUPS, nested)).groups == groups
    by_dn = verify(slapd, groups=GroupSearch(GROUPS, nested, by_dn=True)).groups
    assert by_dn == {cn(name) for name in groups}


def test_a_group_outside_the_base_is_nobodys(slapd):
    assert "Administrators" not in verify(slapd).groups
    assert "Administrators" in verify(slapd, groups=GroupSearch(SUFFIX, NestedGroups.SEARCH)).groups


def test_groups_may_not_be_asked_for_at_all(slapd):
    assert verify(slapd, groups=None).groups is None


@pytest.mark.parametrize(
    "password", ["", "wrong", LDAP_PASSWORD + " ", LDAP_PASSWORD.replace("  ", " "), "\0"]
)
def test_another_password_is_refused_as_it_was_typed(slapd, password):
    assert verify(slapd, password=password) is AssertionFault.WRONG_PASSWORD


def test_an_empty_password_never_reaches_a_server(slapd):
    nowhere = (LdapServer("127.0.0.1", free_port()),)
    assert verify(slapd, password="", servers=nowhere) is AssertionFault.WRONG_PASSWORD
    assert verify(slapd, servers=nowhere) is AssertionFault.UNAVAILABLE


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "rad*",
        "*)(uid=*",
        "rad1)(|(uid=*",
        "rad1\0",
        "\\72ad1",
        " rad1",
        "rad1 ",
        "rad1)",
        "(",
        "rád1",
        f"rad1,{PEOPLE}",
    ],
)
def test_a_name_is_a_name_and_no_part_of_a_filter(slapd, name):
    assert verify(slapd, name) is AssertionFault.UNKNOWN_PERSON


@pytest.mark.parametrize("name", ["RAD1", "Rad1"])
def test_the_case_of_letters_makes_no_other_person(slapd, name):
    assert verify(slapd, name).name == "rad1"


def test_a_name_with_a_comma_is_its_own(slapd):
    assert verify(slapd, "o,brien").name == "o,brien"


def test_somebody_without_a_password_has_no_right_one(slapd):
    assert verify(slapd, "keyless") is AssertionFault.WRONG_PASSWORD


def test_a_filter_that_finds_several_people_finds_nobody(slapd):
    both = "(|(uid={name})(uid=rad2))"
    assert verify(slapd, people_filter=both) is AssertionFault.UNKNOWN_PERSON


def test_without_a_service_account_people_find_themselves(slapd):
    alone = {"service": None, "bind_as": f"uid={{name}},{PEOPLE}"}
    assert verify(slapd, **alone).name == "rad1"
    assert verify(slapd, password="wrong", **alone) is AssertionFault.WRONG_PASSWORD
    assert verify(slapd, f"rad2,{PEOPLE}", **alone) is AssertionFault.WRONG_PASSWORD


def test_binding_as_oneself_proves_nobody_else(slapd):
    astray = {"service": None, "bind_as": f"uid=rad2,{PEOPLE}"}
    assert verify(slapd, "rad2", RAD2_PASSWORD, **astray).name == "rad2"
    assert verify(slapd, "rad1", RAD2_PASSWORD, **astray) is AssertionFault.WRONG_PASSWORD


def test_active_directorys_words_are_understood(slapd):
    claims = LdapSource(like_active_directory(slapd)).verify("RAD1", LDAP_PASSWORD, START)
    assert (claims.name, claims.external_id) == ("rad1", str(GUID))
    assert claims.groups == {"Radiologists", "Night", "Staff"}


@pytest.mark.parametrize("name", ["left", "guest"])
def test_a_disabled_or_expired_account_of_the_directory_is_refused(slapd, name):
    assert verify(slapd, name) is AssertionFault.DISABLED
    assert verify(slapd, name, password="wrong") is AssertionFault.WRONG_PASSWORD


def test_everybody_is_listed_with_groups_and_status(slapd):
    listed = {one.name: one for one in source(slapd).accounts()}
    assert set(listed) == {"rad1", "rad2", "left", "guest", "o,brien", "keyless"}
    assert {name for name, one in listed.items() if not one.active} == {"left"}
    assert listed["guest"].until.year == 2021
    assert listed["rad1"].groups == verify(slapd).groups
    assert listed["rad1"].external_id == verify(slapd).external_id
    with pytest.raises(UnavailableError):
        list(source(slapd, service=None, bind_as=f"uid={{name}},{PEOPLE}").accounts())


def test_a_list_is_had_page_by_page(slapd, monkeypatch):
    monkeypatch.setattr("pacsgate.identity.ldap.conversation.PAGE", 2)
    assert len(list(source(slapd).accounts())) == 6


def test_a_service_account_that_is_not_let_in_lets_nobody_in(slapd):
    wrong = ServiceAccount(SERVICE, "not its password")
    assert verify(slapd, service=wrong) is AssertionFault.UNAVAILABLE
    with pytest.raises(UnavailableError):
        list(source(slapd, service=wrong).accounts())


def test_a_server_of_another_authority_or_name_is_never_told_a_password(slapd, tmp_path):
    other = ssl.create_default_context(cafile=CertificateAuthority(tmp_path).ca_file)
    for start_tls in (False, True):
        assert verify(slapd, trust=other, start_tls=start_tls) is AssertionFault.UNAVAILABLE
    misnamed = (LdapServer("127.0.0.2", slapd.tls),)
    socket.create_connection((misnamed[0].host, slapd.tls)).close()
    assert verify(slapd, servers=misnamed) is AssertionFault.UNAVAILABLE


def test_the_next_server_is_asked_when_one_does_not_answer(slapd):
    servers = (LdapServer("127.0.0.1", free_port()), LdapServer("127.0.0.1", slapd.tls))
    assert verify(slapd, servers=servers).name == "rad1"


def test_servers_that_did_not_answer_are_left_alone_for_a_moment(slapd, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        tried = []

        def hang_up():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                tried.append(connection)
                connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        asked = source(slapd, servers=(LdapServer("127.0.0.1", server.getsockname()[1]),))
        for _ in range(3):
            assert asked.verify("rad1", LDAP_PASSWORD, START) is AssertionFault.UNAVAILABLE
        assert len(tried) == 1
        monkeypatch.setattr(asked._conversations, "_rests_until", 0.0)
        asked.verify("rad1", LDAP_PASSWORD, START)
        assert len(tried) == 2


@pytest.mark.long
def test_a_silent_server_is_given_up(slapd):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        servers = (LdapServer("127.0.0.1", silent.getsockname()[1]),)
        assert verify(slapd, servers=servers, timeout_seconds=1) is AssertionFault.UNAVAILABLE
        assert time.monotonic() - began < 5


def test_no_more_conversations_than_a_few_at_a_time(slapd):
    crowd = source(slapd)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(crowd.verify("rad1", LDAP_PASSWORD, START)))
        for _ in range(AT_ONCE * 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.name for one in found] == ["rad1"] * AT_ONCE * 2
    assert directory(slapd).timeout_seconds == 5
