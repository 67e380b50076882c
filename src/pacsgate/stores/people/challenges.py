"""What a browser was asked and has not answered yet, under the SHA-256 of a random number.

Called by `identity`, `services` and the pages through `ports.factors.Challenges`; expired ones are
forgotten by the background process.

Invariants:
- a number is worth something once, at one process, for the purpose that it was made for.
"""

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import delete, insert, select

from pacsgate.model.resource import TenantScope
from pacsgate.stores.identity_schema import challenge
from pacsgate.stores.people.table import Family

_NUMBER_BYTES = 32


class SqlChallenges(Family):
    """`ports.factors.Challenges` on a `Database`."""

    def ask(self, scope: TenantScope, purpose: str, data: bytes, *, expires_at: datetime) -> str:
        """Keep `data` under a new random number, which is returned and never kept."""
        number = secrets.token_urlsafe(_NUMBER_BYTES)
        with self._database.writing(scope.tenant) as connection:
            connection.execute(
                insert(challenge).values(
                    tenant=scope.tenant,
                    number_sha256=_sha256(number),
                    purpose=purpose,
                    data=data,
                    expires_at=expires_at,
                )
            )
        return number

    def take(self, scope: TenantScope, purpose: str, number: str, now: datetime) -> bytes | None:
        """What was kept under the number for this purpose, the first time."""
        here = (
            (challenge.c.tenant == scope.tenant)
            & (challenge.c.number_sha256 == _sha256(number))
            & (challenge.c.purpose == purpose)
        )
        with self._database.writing(scope.tenant) as connection:
            row = connection.execute(select(challenge).where(here)).one_or_none()
            # Two processes may read the row; one of them deletes it.
            if row is None or connection.execute(delete(challenge).where(here)).rowcount != 1:
                return None
            kept: bytes = row.data
            return kept if now < row.expires_at else None

    def forget_challenges(self, scope: TenantScope, now: datetime) -> int:
        """Forget those that have expired."""
        return self._forget(
            scope.tenant, challenge, challenge.c.tenant == scope.tenant, challenge.c.expires_at <= now
        )


def _sha256(number: str) -> bytes:
    return hashlib.sha256(number.encode("utf-8", "surrogatepass")).digest()
