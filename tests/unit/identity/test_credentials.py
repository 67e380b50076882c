import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pacsgate.identity.credentials import (
    PasswordCredential,
    SessionCredential,
    TokenCredential,
    UnreadableCredential,
    read_credentials,
)
from pacsgate.identity.tokens import RandomTokens


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("text", "name", "password"),
    [
        ("rad1:secret", "rad1", "secret"),
        ("rad1:with:colons:", "rad1", "with:colons:"),
        ("rad1: spaces kept ", "rad1", " spaces kept "),
        ("müller:пароль", "müller", "пароль"),
        ("rad1:", "rad1", ""),
    ],
)
def test_basic_is_read_as_utf8_up_to_the_first_colon(text, name, password):
    assert read_credentials(basic(text), None) == PasswordCredential(name, password)


def test_a_bearer_token_is_read_whatever_the_case_of_the_scheme():
    minted = RandomTokens().mint()
    for scheme in ("Bearer", "bearer", "BEARER"):
        credential = read_credentials(f"{scheme} {minted.text}", None)
        assert isinstance(credential, TokenCredential)
        assert credential.token.token_id == minted.token_id
        assert credential.token.is_secret_of(minted.secret_sha256)


def test_an_authorization_header_wins_over_a_cookie_even_if_it_cannot_be_read():
    assert read_credentials("Digest x", "a-cookie") == UnreadableCredential()
    assert read_credentials(None, "a-cookie") == SessionCredential("a-cookie")
    assert read_credentials(None, "") is None
    assert read_credentials(None, None) is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff:x").decode(),
        basic("nocolon"),
        basic(":x"),
        "Bearer",
        "Bearer pgt_",
        "Bearer PGT_0_0",
        "Negotiate abc",
    ],
)
def test_what_cannot_be_read_is_not_nobody(header):
    assert read_credentials(header, None) == UnreadableCredential()


@given(st.text())
@example("Basic \ud800")
@example("Bearer pgt_\u0660")
def test_no_header_raises(header):
    assert read_credentials(header, None) is not None


def test_secrets_do_not_show_when_a_credential_is_printed():
    minted = RandomTokens().mint()
    shown = (
        repr(read_credentials(f"Bearer {minted.text}", None))
        + repr(PasswordCredential("rad1", "hush"))
        + repr(SessionCredential("hush"))
    )
    assert minted.text.rpartition("_")[2] not in shown
    assert "hush" not in shown
