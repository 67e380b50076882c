"""Links to single objects: `pgs_<public id>_<secret>`, shown once and kept as a hash.

Whoever presents a link stands for the account that minted it, narrowed to reading; which
objects the link is good for, its record says.  The account may have lost its rights, or been
disabled, since: then the link is worth nothing, until it has them again.

Called by the door of Orthanc's authorization plugin; minted for `pacsgate.services.share_objects`;
`sweep` by the background process.

Invariants:
- the secret leaves this module only in `MintedShare.text`, and as its holder presented it;
- a link that was revoked, has expired or is of a disabled account admits nobody.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Self

from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.subjects import NO_SOURCES, RoleCeilings, subject_of
from pacsgate.model.actions import Action
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import Directory
from pacsgate.ports.shares import MintedShare, ShareRecord, ShareStore

READING = frozenset({Action.SEARCH, Action.VIEW, Action.RETRIEVE, Action.EXPORT})
"""All that a link can be used for, whatever its account may do besides."""

FORGOTTEN_AFTER = timedelta(days=90)

_SHARE_ID_BYTES = 8
_SECRET_BYTES = 32
_SHARE = re.compile(r"pgs_([0-9a-f]{16})_([0-9a-f]{64})")
_NO_HASH = bytes(32)
"""Compared with when the id is unknown, so that the comparison is made all the same."""


@dataclass(frozen=True, slots=True)
class ShareText:
    """A well-formed link as somebody presented it, not yet verified."""

    share_id: str
    secret: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a link, or `None` if it is not one of ours."""
        found = _SHARE.fullmatch(text)
        return None if found is None else cls(found[1], found[2])

    @property
    def text(self) -> str:
        """The link as it was presented, for the address that its holder is sent to."""
        return f"pgs_{self.share_id}_{self.secret}"


class RandomShares:
    """Mints links from the operating system's randomness."""

    def mint(self) -> MintedShare:
        """Make a new link."""
        share = ShareText(secrets.token_hex(_SHARE_ID_BYTES), secrets.token_hex(_SECRET_BYTES))
        return MintedShare(share.text, share.share_id, _sha256(share.secret))


class DeadShare(Enum):
    """Why a presented link admits nobody: as much as its holder may know."""

    INVALID = "invalid"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class LiveShare:
    """A verified link: whom it stands for, and for which objects."""

    subject: Subject
    record: ShareRecord


class ShareDoor:
    """Verifies links."""

    def __init__(
        self,
        *,
        shares: ShareStore,
        directory: Directory,
        latest: LatestTime,
        ceilings: RoleCeilings = NO_SOURCES,
    ) -> None:
        self._ceilings = ceilings
        self._shares = shares
        self._directory = directory
        self._latest = latest

    def verify(self, scope: TenantScope, share: ShareText, now: datetime) -> LiveShare | DeadShare:
        """A link of one tenant as it stands now; another's is none."""
        found = self._shares.share(share.share_id)
        kept = _NO_HASH if found is None else found[1].secret_sha256
        if not hmac.compare_digest(_sha256(share.secret), kept) or found is None:
            return DeadShare.INVALID
        tenant, record = found
        if tenant != scope.tenant:
            return DeadShare.INVALID
        if record.revoked_at is not None or self._latest.at(now) >= record.expires_at:
            return DeadShare.EXPIRED
        account = self._directory.user(TenantScope(tenant), record.account)
        if account is None or not account.is_live(self._latest.at(now)):
            return DeadShare.EXPIRED
        subject = subject_of(
            account,
            tenant,
            Credential.TOKEN,
            credential_id=record.share_id,
            authenticated_at=record.created_at,
            token_actions=READING,
            ceilings=self._ceilings,
        )
        return LiveShare(subject, record)


def sweep(shares: ShareStore, scope: TenantScope, now: datetime) -> None:
    """Forget links that ended long ago; until then a list shows them."""
    shares.forget_shares(scope, now - FORGOTTEN_AFTER)


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("ascii")).digest()
