"""Codes on paper: how hard they are to guess, and how they may be typed."""

from math import log2

from pacsgate.services.recovery_codes import CODES, digest_of, new_codes


def test_a_code_is_too_long_to_guess_and_no_two_are_alike() -> None:
    """ASVS 5.0 6.5.2 to 6.5.4: with 112 bits and more a plain hash keeps them."""
    made = [code for _ in range(100) for code in new_codes()]
    assert len(set(made)) == len(made) == 100 * CODES
    signs = [code.replace("-", "") for code in made]
    alphabet = set("".join(signs))
    assert {len(each) for each in signs} == {24}
    assert 24 * log2(len(alphabet)) >= 112


def test_a_code_is_known_however_it_is_typed() -> None:
    (code, *_) = new_codes()
    typed = (code.upper(), code.replace("-", " "), code.replace("-", ""))
    assert {digest_of(each) for each in typed} == {digest_of(code)}
    assert digest_of(code[:-1]) is None
