import time
from statistics import median

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type
from hypothesis import given, settings
from hypothesis import strategies as st
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from pacsgate.identity.passwords import PARAMETERS, Argon2Passwords
from pacsgate.model.errors import RequestError
from tests.support.people import CHEAP

passwords = Argon2Passwords(CHEAP)


@pytest.mark.parametrize(
    "password",
    [
        "sevench",  # ASVS 6.2.1
        "password123",  # I5
        "PassWord123",
        "qwertyuiop",
        "x" * 1025,
    ],
)
def test_short_common_and_endless_passwords_are_refused(password):
    with pytest.raises(RequestError) as refused:
        passwords.refuse_weak(password, "rad1")
    assert password not in refused.value.public


@pytest.mark.parametrize("password", ["maryjones", "xMaryJones7", "MARYJONESmaryjones"])
def test_the_users_own_name_adds_nothing_to_the_length(password):
    with pytest.raises(RequestError, match="own name"):
        passwords.refuse_weak(password, "maryjones")


@pytest.mark.parametrize(
    "password",
    [
        "zwölf Boxkämpfer jagen",
        " leading and trailing ",
        "x" * 32 + " " + "y" * 31,  # 64 characters with a space: I5
        "aaaaaaaaaaaaaaaaaaaaaaab",  # no composition rules
        "山田太郎の合言葉は秘密",
        "maryjones and then some",
    ],
)
def test_long_passwords_of_any_composition_are_accepted(password):
    passwords.refuse_weak(password, "maryjones")
    assert passwords.matches(passwords.hash(password), password)


@given(st.text(min_size=1, max_size=80), st.text(max_size=80))
@settings(max_examples=60, deadline=None)
def test_a_password_matches_itself_exactly_as_received_and_nothing_else(password, other):
    encoded = passwords.hash(password)
    assert passwords.matches(encoded, password)
    assert passwords.matches(encoded, other) == (password == other)


def test_a_lone_surrogate_from_a_form_is_just_a_wrong_password():
    assert not passwords.matches(passwords.hash("longenough"), "\udc80")


def test_case_and_surrounding_spaces_count():
    encoded = passwords.hash("Correct Horse ")
    assert not passwords.matches(encoded, "correct horse ")
    assert not passwords.matches(encoded, "Correct Horse")


def test_nothing_matches_where_no_password_is_kept():
    assert not passwords.matches(None, "")
    assert not passwords.matches(None, "anything at all")
    assert not passwords.matches("not a hash", "anything at all")


def test_passwords_are_kept_as_argon2id_with_the_second_recommendation_of_rfc_9106():
    kept = extract_parameters(Argon2Passwords().hash("any old password"))
    assert kept == PARAMETERS
    assert (kept.type, kept.time_cost, kept.memory_cost, kept.parallelism) == (Type.ID, 3, 64 * 1024, 4)


@pytest.mark.alone
def test_checking_against_nothing_costs_as_much_as_checking_against_a_hash():
    real = Argon2Passwords()
    encoded = real.hash("the right password")

    def cost(kept):
        began = time.perf_counter()
        real.matches(kept, "the wrong password")
        return time.perf_counter() - began

    pairs = [(cost(None), cost(encoded)) for _ in range(7)]
    nothing, something = (median(column) for column in zip(*pairs, strict=True))
    assert 0.6 < nothing / something < 1.7


def test_generated_passwords_are_never_weak_and_never_repeat():
    made = {passwords.generate() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        passwords.refuse_weak(password, "rad1")


@pytest.mark.parametrize(
    "password", ["pacsgate-1234", "MercyGeneral1", "mercyrad1mercy7", "general-PACSGATE"]
)
def test_what_the_place_is_called_adds_nothing_to_the_length(password):
    """ASVS 6.2.11: context words."""
    here = Argon2Passwords(CHEAP, context_words=["Mercy", "General"])
    with pytest.raises(RequestError, match="apart from"):
        here.refuse_weak(password, "rad1")
    here.refuse_weak(password + " and 8 more", "rad1")


def test_the_three_thousand_most_common_passwords_are_refused():
    """ASVS 6.2.4; the list that is shipped is in the order of frequency."""
    common = FREQUENCY_LISTS["passwords"]
    assert len(common) >= 3000
    for password in common[:3000]:
        for spelled in (password, password.upper()):
            with pytest.raises(RequestError):
                passwords.refuse_weak(spelled, "somebody")
