"""One client, one password, many requests at once: it is checked once, and nobody is let in by another's."""

import asyncio

import pytest

from pacsgate.gateway.http.same_passwords import SamePasswords
from pacsgate.identity.credentials import PasswordCredential, TokenCredential

PAIR = PasswordCredential("ann", "a right one")


async def checked(
    same: SamePasswords, credentials: PasswordCredential | TokenCredential, checks: list[object]
) -> bool:
    """What a request does: whether it waited."""
    waited = await same.wait_for(credentials)
    if not waited:
        with same.check(credentials):
            checks.append(credentials)
            await asyncio.sleep(0.01)
    return waited


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ([PasswordCredential("ann", "a right one") for _ in range(40)], 1),
        ([PasswordCredential("ann", str(number)) for number in range(40)], 40),
        ([TokenCredential("one") for _ in range(40)], 40),
    ],
)
def test_the_first_checks_and_whoever_brings_the_same_pair_waits(asked: list, count: int) -> None:
    same, checks = SamePasswords(), []

    async def all_at_once() -> list[bool]:
        return await asyncio.gather(*(checked(same, each, checks) for each in asked))

    waited = asyncio.run(all_at_once())
    assert (len(checks), sum(waited)) == (count, len(asked) - count)


def test_whoever_waits_goes_on_however_the_check_ends() -> None:
    same = SamePasswords()

    async def breaks() -> None:
        with same.check(PAIR):
            await asyncio.sleep(0.01)
            raise KeyError

    async def scene() -> list[object]:
        return await asyncio.gather(breaks(), same.wait_for(PAIR), return_exceptions=True)

    broken, waited = asyncio.run(scene())
    assert isinstance(broken, KeyError)
    assert waited is True
    assert asyncio.run(same.wait_for(PAIR)) is False
