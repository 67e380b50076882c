"""Codes of authenticator apps: which are right, when, and how often."""

from datetime import UTC, datetime

import pyotp
import pytest

from pacsgate.identity.factors.totp import Totp

SEED = b"12345678901234567890"
"""That of RFC 6238, appendix B."""
VECTORS = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "eight_digits"), VECTORS.items())
def test_codes_are_those_of_rfc_6238(seconds: int, eight_digits: str) -> None:
    """Six digits are the last six of the eight that the standard shows."""
    assert Totp().step_of(SEED, eight_digits[-6:], at(seconds), after=0) == seconds // 30


def test_a_code_is_right_in_its_step_and_in_its_neighbours_alone() -> None:
    code = VECTORS[1234567890][-6:]
    right = [Totp().step_of(SEED, code, at(1234567890 + 30 * steps), after=0) for steps in range(-3, 4)]
    assert right == [None, None, *([1234567890 // 30] * 3), None, None]


def test_no_code_of_a_step_that_was_used_or_of_an_earlier_one_is_right() -> None:
    step, code = 1234567890 // 30, VECTORS[1234567890][-6:]
    assert Totp().step_of(SEED, code, at(1234567890), after=step - 1) == step
    assert Totp().step_of(SEED, code, at(1234567890), after=step) is None


def test_a_code_may_be_typed_with_a_space() -> None:
    code = VECTORS[59][-6:]
    assert Totp().step_of(SEED, f" {code[:3]} {code[3:]} ", at(59), after=0) == 1


@pytest.mark.parametrize(
    "code", ["", "28708", "2870822", "abcdef", "٢٨٧٠٨٢", "28\x007082", "-87082", "2" * 9999]
)
def test_what_is_no_code_is_wrong_and_breaks_nothing(code: str) -> None:
    assert Totp().step_of(SEED, code, at(59), after=0) is None


def test_an_app_reads_the_seed_from_the_uri_and_a_person_can_type_it() -> None:
    totp = Totp()
    seed = totp.new_seed()
    app = pyotp.parse_uri(totp.uri(seed, "ada lovelace@x"))
    assert totp.step_of(seed, app.at(59), at(59), after=0) == 1
    assert pyotp.TOTP(totp.typed(seed).replace(" ", "")).at(59) == app.at(59)
    assert (app.name, app.issuer) == ("ada lovelace@x", "pacsgate")


def test_seeds_have_160_bits_and_differ() -> None:
    seeds = {Totp().new_seed() for _ in range(5)}
    assert len(seeds) == 5
    assert {len(seed) for seed in seeds} == {20}
