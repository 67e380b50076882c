import re

from hypothesis import given
from hypothesis import strategies as st

from pacsgate.identity.tokens import RandomTokens, TokenText


def test_a_token_is_a_public_id_and_256_random_bits_and_never_repeats():
    minted = [RandomTokens().mint() for _ in range(100)]
    assert len({token.text for token in minted}) == 100
    for token in minted:
        assert re.fullmatch(r"pgt_[0-9a-f]{16}_[0-9a-f]{64}", token.text)
        assert token.text.split("_")[1] == token.token_id


def test_only_the_token_itself_is_its_secret():
    one, two = RandomTokens().mint(), RandomTokens().mint()
    assert TokenText.parse(one.text).is_secret_of(one.secret_sha256)
    assert not TokenText.parse(two.text).is_secret_of(one.secret_sha256)


@given(st.text(max_size=100))
def test_whatever_is_not_exactly_a_token_is_not_one(text):
    token = RandomTokens().mint().text
    assert TokenText.parse(text) is None
    assert TokenText.parse(token + "\n") is None
    assert TokenText.parse(token.upper()) is None
    assert TokenText.parse(token[:-1]) is None
