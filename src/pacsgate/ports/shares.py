"""Links to single objects: who minted each, for what, until when.

A link is worth what the account that minted it may read under the live policy, and of that only
what the link names.  So a link never lets anybody see more than that account sees.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pacsgate.audit.events import AuditEvent
from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.model.share import SharedObject


@dataclass(frozen=True, slots=True)
class ShareRecord:
    """A link.  Its secret is never stored, only the SHA-256; `purpose` is the type that Orthanc gave it.

    `account` minted it, and `label` is what whoever asked for it called it.
    """

    share_id: str
    secret_sha256: bytes
    archive: ArchiveName
    account: str
    purpose: str
    label: str
    objects: tuple[SharedObject, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


class ShareStore(Protocol):
    """The links of every tenant.  No cache holds them: each use reads its row."""

    def share(self, share_id: str) -> tuple[TenantName, ShareRecord] | None:
        """The link with this public id, and its tenant."""
        ...

    def shares(self, scope: TenantScope) -> tuple[ShareRecord, ...]:
        """Every link that has not been forgotten, oldest first."""
        ...

    def add_share(self, scope: TenantScope, share: ShareRecord, event: AuditEvent) -> None:
        """Keep a new link."""
        ...

    def revoke_share(self, scope: TenantScope, share_id: str, at: datetime, event: AuditEvent) -> None:
        """End a link.  Raises `NotFoundError`; one that was revoked before stays so."""
        ...

    def forget_shares(self, scope: TenantScope, ended_before: datetime) -> int:
        """Forget links that ended before then; returns how many."""
        ...


@dataclass(frozen=True, slots=True)
class MintedShare:
    """A new link's text, which is shown once, and what is kept of it."""

    text: str
    share_id: str
    secret_sha256: bytes


class ShareMint(Protocol):
    """Where links come from."""

    def mint(self) -> MintedShare:
        """Make one that nobody holds yet."""
        ...
