"""Grants as those who administer them see and change them.

Called by the administration API and its pages; calls `administer_grants`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pacsgate.model.actions import Action
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.resource import ArchiveName
from pacsgate.services.administer_grants import GrantAdministration
from pacsgate.services.mandates import Mandate


@dataclass(frozen=True, slots=True)
class GrantsAsked:
    """Which grants; what is `None` is any."""

    grantee_kind: GranteeKind | None = None
    grantee: str | None = None
    target: GrantTarget | None = None
    target_id: str | None = None
    live: bool | None = None

    def takes(self, grant: Grant, now: datetime) -> bool:
        """Whether this is one of them."""
        pairs = (
            (self.grantee_kind, grant.grantee_kind),
            (self.grantee, grant.grantee),
            (self.target, grant.target),
            (self.target_id, grant.target_id),
            (self.live, grant.is_live(now)),
        )
        return all(asked is None or asked == is_so for asked, is_so in pairs)


@dataclass(frozen=True, slots=True)
class ManagedGrants:
    """The use case over one installation."""

    administration: Callable[[], GrantAdministration]

    def grants(self, mandate: Mandate, asked: GrantsAsked) -> tuple[Grant, ...]:
        """The grants that are asked for."""
        now = mandate.caller.context.now
        every = self.administration().grants(mandate.scope)
        return tuple(grant for grant in every if asked.takes(grant, now))

    def give(
        self,
        mandate: Mandate,
        grantee: tuple[GranteeKind, str],
        target: tuple[GrantTarget, str],
        actions: frozenset[Action],
        expires: datetime | None,
        archive: ArchiveName | None = None,
    ) -> Grant:
        """Grant some actions on one thing, until some time, in every archive or in one."""
        return self.administration().add(
            mandate.change(),
            grantee=grantee,
            target=target,
            actions=actions,
            expires=expires,
            archive=archive,
        )

    def revoke(self, mandate: Mandate, grant_id: str) -> None:
        """Take a grant back, from the next request on."""
        self.administration().revoke(mandate.change(), grant_id)
