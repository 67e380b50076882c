"""What the sub-item says, for every type and for bytes that say nothing."""

import pytest

from pacsgate.identity.associations.user_identity import (
    NamedPerson,
    PresentedAssertion,
    PresentedToken,
    read_user_identity,
)
from pacsgate.identity.credentials import PasswordCredential
from pacsgate.identity.refusals import Cause
from pacsgate.identity.tokens import RandomTokens, TokenText
from pacsgate.ports.associations import UserIdentity, UserIdentityType

TOKEN = RandomTokens().mint().text


def test_a_name_and_a_passcode_are_a_password_as_received():
    found = read_user_identity(UserIdentity(2, "Müller".encode(), " päss \0".encode()))
    assert found == PasswordCredential("Müller", " päss \0")


def test_an_empty_passcode_is_still_a_password_to_be_checked():
    assert read_user_identity(UserIdentity(2, b"rad1")) == PasswordCredential("rad1", "")


def test_a_passcode_may_be_a_token_of_the_named_person():
    assert read_user_identity(UserIdentity(2, b"rad1", TOKEN.encode())) == PresentedToken(
        TokenText.parse(TOKEN), "rad1"
    )


def test_a_token_may_stand_where_a_json_web_token_would():
    assert read_user_identity(UserIdentity(5, TOKEN.encode())) == PresentedToken(TokenText.parse(TOKEN))


@pytest.mark.parametrize("kind", [UserIdentityType.SAML, UserIdentityType.JWT])
def test_assertions_are_left_as_they_are(kind):
    assert read_user_identity(UserIdentity(kind, b"\xff<a/>")) == PresentedAssertion(kind, b"\xff<a/>")


def test_a_name_alone_is_only_a_name():
    assert read_user_identity(UserIdentity(1, b"rad1", b"ignored")) == NamedPerson("rad1")


@pytest.mark.parametrize("kind", [0, 3, 6, 255])
def test_types_that_are_not_spoken_are_refused(kind):
    assert read_user_identity(UserIdentity(kind, b"rad1", b"x")) is Cause.UNSUPPORTED_IDENTITY


@pytest.mark.parametrize(
    "identity",
    [
        UserIdentity(1, b"\xff"),
        UserIdentity(2, b"\xff", b"x"),
        UserIdentity(2, b"rad1", b"\xff"),
        UserIdentity(2, b""),
    ],
)
def test_what_is_not_utf_8_is_nobody(identity):
    assert read_user_identity(identity) is Cause.UNREADABLE_IDENTITY


def test_no_passcode_token_or_assertion_is_ever_printed():
    secrets = [(2, b"rad1", b"secret-1"), (5, TOKEN.encode(), b""), (4, b"secret-2", b"")]
    for kind, primary, secondary in secrets:
        shown = repr(read_user_identity(UserIdentity(kind, primary, secondary)))
        assert "secret" not in shown.replace("secret=", "")
        assert TOKEN[-64:] not in shown
