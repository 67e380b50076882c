"""Accounts that come over from another system, and the passwords that do not."""

from pacsgate.services.import_accounts import ImportAccounts
from tests.support.people import PASSWORD, SCOPE

KNOWN = {"printed-in-the-guide"}


def test_an_account_comes_with_its_password(people):
    importer = ImportAccounts(people.users, KNOWN)
    passwords = {"ann": "a-password-of-her-own"}
    plan = importer.plan(SCOPE, passwords)
    assert [(each.name, each.is_made, each.has_password, each.why) for each in plan] == [
        ("ann", True, True, None)
    ]
    assert "ann" not in {user.name for user in people.users.users(SCOPE)}
    importer.make(people.change(), plan, passwords)
    encoded = people.users.user(SCOPE, "ann").password_hash
    assert encoded.startswith("$argon2id$")
    assert people.passwords.matches(encoded, "a-password-of-her-own")
    assert "a-password-of-her-own" not in repr(people.trail.events)


def test_a_password_that_everybody_knows_or_guesses_does_not_come_over(people):
    importer = ImportAccounts(people.users, KNOWN)
    passwords = {"ann": "printed-in-the-guide", "ben": "short", "carol": "password123"}
    plan = importer.plan(SCOPE, passwords)
    importer.make(people.change(), plan, passwords)
    assert all(each.is_made and not each.has_password for each in plan)
    assert "printed in the guide" in plan[0].why
    assert "at least 8 characters" in plan[1].why
    assert "most common" in plan[2].why
    for name in passwords:
        assert people.users.user(SCOPE, name).password_hash is None


def test_an_account_that_exists_stays_as_it_is(people):
    people.users.add(people.change(), "ann", password=PASSWORD)
    before = people.users.user(SCOPE, "ann")
    importer = ImportAccounts(people.users, KNOWN)
    for _ in range(2):
        plan = importer.plan(SCOPE, {"ann": "another-password-of-hers"})
        importer.make(people.change(), plan, {"ann": "another-password-of-hers"})
        assert (plan[0].is_made, "exists already" in plan[0].why) == (False, True)
    assert people.users.user(SCOPE, "ann") == before


def test_a_name_that_cannot_be_one_here_is_said(people):
    (planned,) = ImportAccounts(people.users, KNOWN).plan(SCOPE, {"dr. ann": "a-password-of-her-own"})
    assert not planned.is_made
    assert "`dr. ann` cannot be a user name" in planned.why
