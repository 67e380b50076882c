"""What access means in a picture archive: accounts, credentials of the gate, and grants of the policy engine.

An identity or visit is an account; a unit that is open to it is a grant of search, view and retrieve on the
studies of a department or collection, in this archive; check-in makes the grants of a visit, with its end,
and check-out takes them back.  Forbids hold against them as against every grant.

Made for one command, with the policy that was live before its transaction began: what a transaction has not
committed yet must be in nobody's memory.

Called by `desk`; calls what administers accounts, tokens and grants.

Invariants:
- a unit is open to an account only while an identity or a checked-in visit has it, and never beyond its end;
- every grant, role and account that comes and goes is on record with its holder and message.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pacsgate.audit.events import Actor
from pacsgate.model.access import AccessUnit, Holder, PacsPlace
from pacsgate.model.built_in_roles import UNIT_ACTIONS
from pacsgate.model.grant import Grant, GranteeKind
from pacsgate.policy.policy import Policy
from pacsgate.ports import Directory, StudyIndex
from pacsgate.ports.access import CredentialFormat, Held, Order, Settled
from pacsgate.services.access.image_accounts import ImageAccounts, may_be_in
from pacsgate.services.access.image_credentials import ImageCredentials
from pacsgate.services.access.image_units import target_of, units_of
from pacsgate.services.administer_grants import grant_event
from pacsgate.services.administration import Change


@dataclass(frozen=True, slots=True)
class ImagingEffects:
    """`ports.access.Effects` of the archives of one tenant."""

    directory: Directory
    index: StudyIndex
    accounts: ImageAccounts
    made: ImageCredentials
    policy: Policy
    publish: Callable[[], None]

    def formats(self, place: PacsPlace) -> Mapping[str, CredentialFormat]:  # noqa: ARG002 - the same in all
        """Logins, tokens, certificates."""
        return self.made.formats()

    def units(self, place: PacsPlace) -> Sequence[AccessUnit]:
        """Departments and collections."""
        return tuple(self._units(place).values())

    def unit(self, place: PacsPlace, unit_id: str) -> AccessUnit | None:
        """One of them."""
        return self._units(place).get(unit_id)

    def settle(self, place: PacsPlace, before: Held | None, after: Held | None, order: Order) -> Settled:
        """Bring accounts, credentials and grants to what is held now."""
        about = after or before
        if about is None:
            raise TypeError("nobody to settle with")
        change = Change(
            place.scope,
            Actor(order.requested_by, verified=True),
            order.at,
            on_behalf={"pacs": place.pacs, "holder": str(about.holder.key), "message": order.message_id},
        )
        if after is None:
            self._take_back(change, place, about)
        account = self.accounts.settle(change, place, before, after)
        if after is None or account is None:
            return Settled({}, {})
        self._give(change, place, after, account, frozenset() if before is None else before.units)
        once, references = self.made.settle(change, place, before, after)
        return Settled(once, references, account)

    def settled(self) -> None:
        """Bring into the trail what was committed."""
        self.publish()

    def _units(self, place: PacsPlace) -> Mapping[str, AccessUnit]:
        grants = self.directory.grants(place.scope)
        return units_of(self.policy, grants, self.index.kinds(place.scope, place.pacs))

    def _give(
        self, change: Change, place: PacsPlace, held: Held, account: str, stood: frozenset[str]
    ) -> None:
        units = held.units if may_be_in(held.holder, change.at) else frozenset[str]()
        wanted = {
            grant.grant_id: grant
            for unit in sorted(units)
            if (grant := _grant(change, place, held.holder, account, unit)) is not None
        }
        ours = {_grant_id(place, held.holder, unit) for unit in held.units | stood}
        known = {each.grant_id: each for each in self.directory.grants(change.scope) if each.grant_id in ours}
        for grant_id, grant in known.items():
            if grant_id not in wanted or grant.expires != wanted[grant_id].expires:
                self._revoke(change, grant)
        for grant_id, grant in wanted.items():
            if grant_id not in known or known[grant_id].expires != grant.expires:
                self.directory.add_grant(change.scope, grant, grant_event(change, "granted", grant))

    def _take_back(self, change: Change, place: PacsPlace, held: Held) -> None:
        ours = {_grant_id(place, held.holder, unit) for unit in held.units}
        for grant in self.directory.grants(change.scope):
            if grant.grant_id in ours:
                self._revoke(change, grant)

    def _revoke(self, change: Change, grant: Grant) -> None:
        self.directory.revoke_grant(change.scope, grant.grant_id, grant_event(change, "revoked", grant))


def _grant_id(place: PacsPlace, holder: Holder, unit: str) -> str:
    """The grant of this unit to this holder: there is never another."""
    return hashlib.sha256("\0".join((place.pacs, str(holder.key), unit)).encode()).hexdigest()[:16]


def _grant(change: Change, place: PacsPlace, holder: Holder, account: str, unit: str) -> Grant | None:
    found = target_of(unit)
    if found is None:
        return None
    return Grant(
        grant_id=_grant_id(place, holder, unit),
        grantee_kind=GranteeKind.USER,
        grantee=account,
        target=found[0],
        target_id=found[1],
        actions=UNIT_ACTIONS,
        granted_by=change.actor.name,
        granted_at=change.at,
        expires=holder.valid_to,
        archive=place.pacs,
    )
