import ipaddress

import pytest
from starlette.requests import Request

from pacsgate.gateway.http.client_address import client_address

PROXIES = (ipaddress.ip_network("10.0.0.0/24"),)
CLIENT, PROXY = "203.0.113.9", "10.0.0.1"


def address(peer: str, *forwarded: str) -> str | None:
    headers = [(b"x-forwarded-for", value.encode("ascii")) for value in forwarded]
    return client_address(Request({"type": "http", "client": (peer, 4711), "headers": headers}), PROXIES)


def test_what_a_stranger_says_of_itself_does_not_count() -> None:
    assert address(CLIENT, "10.0.0.7") == CLIENT


@pytest.mark.parametrize("claimed", ["192.0.2.1", "10.0.0.7", "unknown", "10.0.0.7, 192.0.2.1"])
def test_what_a_client_says_before_a_trusted_proxy_does_not_count(claimed: str) -> None:
    assert address(PROXY, f"{claimed}, {CLIENT}") == address(PROXY, claimed, CLIENT) == CLIENT


def test_an_ipv4_client_of_a_listener_on_all_addresses_is_an_ipv4_client() -> None:
    """Else no network of a policy would hold it, and guesses of one would be counted against all of IPv4."""
    assert address(f"::ffff:{CLIENT}") == CLIENT
    assert address(f"::FFFF:{PROXY}", f"::ffff:{CLIENT}") == CLIENT
    assert address("2001:db8::7") == "2001:db8::7"


def test_trusted_proxies_vouch_for_each_other() -> None:
    assert address(PROXY, f"{CLIENT}, 10.0.0.2, 10.0.0.3") == CLIENT


@pytest.mark.parametrize("written", [f"{CLIENT}:4711", "unknown", "_hidden", "", f"{CLIENT}, 10.0.0.300"])
def test_a_client_whose_address_cannot_be_read_is_not_taken_for_the_proxy(written: str) -> None:
    """The proxy stands in the house: its address would open what is open to the house only."""
    assert address(PROXY, written) is None


def test_a_trusted_proxy_that_forwards_nobody_asks_for_itself() -> None:
    assert address(PROXY) == PROXY
