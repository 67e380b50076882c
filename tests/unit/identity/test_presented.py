"""A credential that another system hands on, with or without its scheme."""

import base64

from pacsgate.identity.credentials import (
    AssertionCredential,
    PasswordCredential,
    TokenCredential,
    UnreadableCredential,
)
from pacsgate.identity.presented import read_presented
from pacsgate.identity.shares import RandomShares, ShareText
from pacsgate.identity.tokens import RandomTokens


def test_tokens_and_links_are_read_with_and_without_a_scheme() -> None:
    token, link = RandomTokens().mint().text, RandomShares().mint().text
    for before in ("", "Bearer ", "bearer ", " Bearer  "):
        assert isinstance(read_presented(before + token), TokenCredential)
        assert isinstance(read_presented(before + link), ShareText)


def test_a_name_and_a_password_come_with_their_scheme() -> None:
    basic = base64.b64encode(b"ann:secret").decode()
    assert read_presented(f"Basic {basic}") == PasswordCredential("ann", "secret")
    assert read_presented(basic) == UnreadableCredential()


def test_nothing_is_nobody_and_anything_else_is_unreadable() -> None:
    assert read_presented("") is None
    assert read_presented("  ") is None
    assert read_presented("Bearer ") == UnreadableCredential()
    assert read_presented("eyJhbGciOiJIUzI1NiJ9.e30") == UnreadableCredential()


def test_a_token_of_an_issuer_is_one_with_its_scheme_and_without():
    token = "eyJhbGciOiJIUzI1NiJ9.e30.x"
    for value in (token, f"Bearer {token}", f" bearer  {token} "):
        assert read_presented(value) == AssertionCredential(token)
