"""What directories say of accounts: disabled, over, or still there."""

from datetime import UTC, datetime

import pytest

from pacsgate.identity.ldap.account_status import ends_at, is_active
from pacsgate.identity.ldap.conversation import Entry


def entry(**values: str) -> Entry:
    return Entry("cn=x", {name.lower(): (value.encode(),) for name, value in values.items()})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"userAccountControl": "512"},
        {"userAccountControl": "66048"},
        {"nsAccountLock": "FALSE"},
        {"loginDisabled": "false"},
        {"pwdAccountLockedTime": "20260301090000Z"},
    ],
)
def test_an_account_that_nothing_disables_is_active(values):
    assert is_active(entry(**values))


@pytest.mark.parametrize(
    "values",
    [
        {"userAccountControl": "514"},
        {"userAccountControl": "what?"},
        {"nsAccountLock": "true"},
        {"loginDisabled": "TRUE"},
        {"pwdAccountLockedTime": "000001010000Z"},
    ],
)
def test_an_account_that_is_disabled_in_any_words_is_not(values):
    assert not is_active(entry(**values))


@pytest.mark.parametrize(
    ("values", "end"),
    [
        ({}, None),
        ({"accountExpires": "0"}, None),
        ({"accountExpires": "9223372036854775807"}, None),
        ({"accountExpires": "133485408000000000"}, datetime(2024, 1, 1, tzinfo=UTC)),
        ({"shadowExpire": "-1"}, None),
        ({"shadowExpire": "19723"}, datetime(2024, 1, 1, tzinfo=UTC)),
        ({"shadowExpire": "19723", "accountExpires": "0"}, datetime(2024, 1, 1, tzinfo=UTC)),
        ({"shadowExpire": "99999999999"}, None),
    ],
)
def test_an_account_ends_when_its_directory_says(values, end):
    assert ends_at(entry(**values)) == end


@pytest.mark.parametrize("values", [{"accountExpires": "?"}, {"shadowExpire": "?"}])
def test_an_end_that_cannot_be_read_is_long_over(values):
    assert ends_at(entry(**values)).year < 2000
