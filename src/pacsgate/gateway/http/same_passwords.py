"""Requests with one name and password, of which the first has them checked and the others wait for that.

A client that fetches with HTTP Basic sends its password with a dozen requests at once.  Checked one by one
they would be more than the gate checks at a time, and the right password would be told to come back.
Whoever waits here holds no thread; what was right is in memory then, and what was not is checked
for each by itself, as ever.

Called by `edge`.

Invariants:
- nobody is let in by another's check: each request looks for itself at what is remembered of its own
  name and password.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from pacsgate.identity.credentials import Credentials, PasswordCredential


class SamePasswords:
    """What one event loop has under way."""

    def __init__(self) -> None:
        self._under_way: dict[PasswordCredential, asyncio.Event] = {}

    async def wait_for(self, credentials: Credentials | None) -> bool:
        """Wait while another request has the same name and password checked; whether there was one."""
        if not isinstance(credentials, PasswordCredential):
            return False
        ended = self._under_way.get(credentials)
        if ended is None:
            return False
        await ended.wait()
        return True

    @contextmanager
    def check(self, credentials: Credentials | None) -> Iterator[None]:
        """Let others wait for what is done inside, unless they wait for somebody already."""
        if not isinstance(credentials, PasswordCredential) or credentials in self._under_way:
            yield
            return
        ended = self._under_way[credentials] = asyncio.Event()
        try:
            yield
        finally:
            del self._under_way[credentials]
            ended.set()
