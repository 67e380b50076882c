"""What somebody who administers may do to others: one way to demand a permission, and how far it reaches.

A mandate is a permission that the caller holds here and now, in the whole tenant.  It reaches accounts
that hold no permission besides those that the caller holds for good, and never the caller's own: so nobody
grows by administering, and whatever permission somebody holds who may be called upon, somebody still
holds afterwards, the last administrator included.

Called by the administration API and its pages, which hand the mandate to the use case.

Invariants:
- a permission is demanded before anything is looked up;
- a refusal is on record before it is answered;
- nobody gives, takes or takes over a system permission that they do not hold for good.

Standard: OWASP ASVS 5.0 8.2.1, 8.3.1 (function-level access control), 8.4.2; NIST SP 800-53 AC-6.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pacsgate.model.built_in_roles import AGENT_INSTANCE, BUILT_IN_ROLES
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import RequestError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import TenantScope
from pacsgate.policy.engine import bind
from pacsgate.policy.policy import Policy
from pacsgate.policy.standing import assignments_of
from pacsgate.ports import Directory, Trail, UserRecord
from pacsgate.services.administration import Change, words
from pacsgate.services.callers import Caller
from pacsgate.services.lasting import lasting_policy, lasting_subject
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.proofs import Proofs
from pacsgate.services.record import Circumstances, actor_of


@dataclass(frozen=True, slots=True)
class Mandate:
    """One caller with one permission, under the policy that is live."""

    caller: Caller
    permission: Permission
    policy: Policy
    trail: Trail = field(repr=False)
    lasts: bool
    """Whether the caller's account has no end: what an account holds that ends, it holds for a time."""

    @property
    def scope(self) -> TenantScope:
        """The tenant in which it holds."""
        return self.caller.scope

    def change(self) -> Change:
        """An order by this mandate."""
        return self.caller.change()

    def over(self, user: UserRecord) -> UserRecord:
        """The account, if the mandate reaches it.  Raises `RequestError` (403)."""
        if self._is_own(user):
            raise self.refused("nobody administers their own account: ask somebody else")
        beyond = self._beyond(user)
        if beyond:
            raise self.refused(
                f"`{user.name}` holds, or may come to hold, what you do not hold for good: {words(beyond)}"
            )
        return user

    def reaches(self, user: UserRecord) -> bool:
        """Whether the mandate reaches the account: for pages, which show only what could be done."""
        return not self._is_own(user) and not self._beyond(user)

    def to_give(self, roles: Iterable[str]) -> None:
        """Raise `RequestError` (403) for roles that carry more than the caller holds for good."""
        self.to_carry(_permissions(self.policy, roles))

    def to_carry(self, permissions: frozenset[Permission]) -> None:
        """Raise `RequestError` (403) for permissions that the caller does not hold for good."""
        beyond = permissions - self._held_for_good()
        if beyond:
            raise self.refused(f"this carries permissions that you do not hold for good: {words(beyond)}")

    def _is_own(self, user: UserRecord) -> bool:
        return user.name == self.caller.subject.name

    def _beyond(self, user: UserRecord) -> frozenset[Permission]:
        return _permissions(self.policy, roles_within_reach(self.policy, user)) - self._held_for_good()

    def _held_for_good(self) -> frozenset[Permission]:
        if not self.lasts:
            return frozenset()
        policy, subject = lasting_policy(self.policy), lasting_subject(self.caller.subject)
        held = bind(policy, subject, self.caller.context, None, ()).permissions_held
        if Permission.PACS_REGISTER in held:
            # Whoever registers PACSes makes any account an agent, and so is not kept from those that are.
            held |= BUILT_IN_ROLES[AGENT_INSTANCE].permissions
        return held

    def refused(self, why: str) -> RequestError:
        """No, on record, with the sentence that says why."""
        return _refusal(self.caller, self.policy, self.trail, why)


@dataclass(frozen=True, slots=True)
class Mandates:
    """Hands out mandates."""

    policies: LivePolicy
    directory: Directory
    trail: Trail
    proofs: Proofs

    def need(self, caller: Caller, permission: Permission) -> Mandate:
        """The caller's mandate.

        Raises `RequestError` (403) unless the permission is held everywhere, and `StepUpError` where more
        must be proven before it is used.
        """
        policy = self.policies.current(caller.scope)
        if permission not in self.held(caller):
            raise _refusal(caller, policy, self.trail, f"this needs the permission `{permission}`")
        self.proofs.need(caller.subject, caller.context, permission)
        account = self.directory.user(caller.scope, caller.subject.name)
        lasts = account is not None and account.until is None
        return Mandate(caller, permission, policy, self.trail, lasts)

    def held(self, caller: Caller) -> frozenset[Permission]:
        """The permissions that the caller holds in the whole tenant, whatever is still to be proven."""
        return held_in_tenant(self.policies, caller)


def held_in_tenant(policies: LivePolicy, caller: Caller) -> frozenset[Permission]:
    """The permissions that a caller holds in the whole tenant, whatever is still to be proven."""
    policy = policies.current(caller.scope)
    return bind(policy, caller.subject, caller.context, None, ()).permissions_held


def roles_within_reach(policy: Policy, user: UserRecord) -> frozenset[str]:
    """The roles that an account has somewhere or may come to have, also while disabled or locked."""
    own = frozenset(given.role for given in user.assignments)
    return own | {
        given.assignment.role
        for given in policy.assignments
        if user.name in given.users or user.groups & given.groups
    }


def roles_of_groups(policy: Policy, groups: frozenset[str]) -> frozenset[str]:
    """The roles that the policy gives to who is in these groups."""
    return frozenset(given.assignment.role for given in policy.assignments if groups & given.groups)


def own_roles(policy: Policy, caller: Caller) -> frozenset[str]:
    """The roles that the caller has or will have, somewhere, with all that they extend."""
    assigned = {given.role for given in assignments_of(policy, caller.subject)}
    extended = (policy.roles[name].extends for name in assigned if name in policy.roles)
    return frozenset(assigned).union(*extended)


def _refusal(caller: Caller, policy: Policy, trail: Trail, why: str) -> RequestError:
    """No, on record, for somebody who may know why."""
    circumstances = Circumstances(
        caller.context,
        actor_of(caller.subject, caller.context),
        caller.subject.tenant,
        revision=policy.revision,
    )
    trail.record(circumstances.denial((Reason(ReasonCode.NO_PERMISSION),)))
    return RequestError(why, status=403)


def _permissions(policy: Policy, roles: Iterable[str]) -> frozenset[Permission]:
    found = (policy.roles[name].permissions for name in roles if name in policy.roles)
    return frozenset().union(*found)
