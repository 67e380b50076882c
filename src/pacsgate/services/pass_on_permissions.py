"""People give and take the permissions of single studies, as far as they may.

With `GrantAdminister`, those of any study, known or still to come.  With `GrantOwn`, only what one
may do oneself: to a study that one finds, for actions that one is allowed now on every part of it,
without anything hidden and not by a grant that ends, to roles that one has; with `GrantPropagate`
besides, to anybody.  The same holds for taking back.

Called by the administration API; calls the engine through the resolver, and `study_permissions`.

Invariants:
- nobody gives anybody more than what the giver may do;
- a study that the caller may not find is answered like one that does not exist;
- a refusal is on record before it is answered.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow, Reason, ReasonCode
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.model.study_permission import StudyPermission
from pacsgate.policy.engine import Bound, bind
from pacsgate.ports import Trail
from pacsgate.services.callers import Caller
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.record import Circumstances, actor_of
from pacsgate.services.resolve import Answer, Reach, Refusal, Resolver
from pacsgate.services.study_permissions import Grantee, StudyPermissionAdministration

ORIGIN = "api"
_GIVERS = frozenset({Permission.GRANT_ADMINISTER, Permission.GRANT_OWN})


@dataclass(frozen=True, slots=True)
class Changed:
    """What really came and went."""

    added: tuple[StudyPermission, ...] = ()
    removed: tuple[StudyPermission, ...] = ()


@dataclass(frozen=True, slots=True)
class PassOnPermissions:
    """The use case over one installation."""

    administration: Callable[[], StudyPermissionAdministration]
    policies: LivePolicy
    resolver: Resolver
    trail: Trail

    def listed(
        self, caller: Caller, archive: ArchiveName, study_instance_uid: str
    ) -> tuple[StudyPermission, ...] | Refusal:
        """The permissions of one study."""
        refused = self._refused(caller, archive, study_instance_uid, None, ())
        return refused or self.administration().of_study(caller.scope, study_instance_uid)

    def give(
        self,
        caller: Caller,
        archive: ArchiveName,
        study_instance_uid: str,
        grantee: Grantee,
        actions: frozenset[Action],
    ) -> Changed | Refusal:
        """Permit some actions on a study."""
        refused = self._refused(caller, archive, study_instance_uid, grantee, actions)
        return refused or Changed(added=self._added(caller, archive, study_instance_uid, grantee, actions))

    def take(
        self,
        caller: Caller,
        archive: ArchiveName,
        study_instance_uid: str,
        grantee: Grantee,
        actions: frozenset[Action] | None,
    ) -> Changed | Refusal:
        """Take back some actions, or whatever the grantee is permitted."""
        held = self._held(caller, study_instance_uid, grantee)
        taken = held if actions is None else actions
        refused = self._refused(caller, archive, study_instance_uid, grantee, taken & held)
        return refused or Changed(removed=self._removed(caller, archive, study_instance_uid, grantee, taken))

    def set(
        self,
        caller: Caller,
        archive: ArchiveName,
        study_instance_uid: str,
        grantee: Grantee,
        actions: frozenset[Action],
    ) -> Changed | Refusal:
        """Let a grantee have exactly these actions."""
        held = self._held(caller, study_instance_uid, grantee)
        refused = self._refused(caller, archive, study_instance_uid, grantee, actions ^ held)
        if refused is not None:
            return refused
        fresh, gone = actions - held, held - actions
        return Changed(
            self._added(caller, archive, study_instance_uid, grantee, fresh) if fresh else (),
            self._removed(caller, archive, study_instance_uid, grantee, gone) if gone else (),
        )

    def _held(self, caller: Caller, study_instance_uid: str, grantee: Grantee) -> frozenset[Action]:
        found = self.administration().of_study(caller.scope, study_instance_uid)
        return frozenset(each.action for each in found if (each.grantee_kind, each.grantee) == grantee)

    def _added(
        self, caller: Caller, archive: ArchiveName, uid: str, grantee: Grantee, actions: frozenset[Action]
    ) -> tuple[StudyPermission, ...]:
        change = caller.change(self._bound(caller, archive).roles)
        target = (GrantTarget.STUDY, uid)
        return (
            self.administration()
            .grant(change, grantee=grantee, target=target, actions=actions, origin=ORIGIN)
            .added
        )

    def _removed(
        self, caller: Caller, archive: ArchiveName, uid: str, grantee: Grantee, actions: frozenset[Action]
    ) -> tuple[StudyPermission, ...]:
        change = caller.change(self._bound(caller, archive).roles)
        return self.administration().take_back(change, uid, grantee, actions, origin=ORIGIN)

    def _bound(self, caller: Caller, archive: ArchiveName) -> Bound:
        return self.policies.bind(caller.scope, caller.subject, caller.context, archive)

    def _refused(
        self,
        caller: Caller,
        archive: ArchiveName,
        uid: str,
        grantee: Grantee | None,
        actions: Iterable[Action],
    ) -> Refusal | None:
        """Why the caller may not; what is refused is on record."""
        bound = self._bound(caller, archive)
        refused = self._why_not(caller, archive, uid, grantee, actions, bound)
        if refused is not None:
            circumstances = Circumstances(
                caller.context,
                actor_of(caller.subject, caller.context, bound.roles),
                caller.subject.tenant,
                archive,
                bound.revision,
            )
            self.trail.record(circumstances.denial(refused.reasons, study_instance_uid=uid))
        return refused

    def _why_not(
        self,
        caller: Caller,
        archive: ArchiveName,
        uid: str,
        grantee: Grantee | None,
        actions: Iterable[Action],
        bound: Bound,
    ) -> Refusal | None:
        held = bound.permissions
        if Permission.GRANT_ADMINISTER in held:
            return None
        if not held & _GIVERS:
            return _forbidden(bound, ReasonCode.NO_PERMISSION)
        found = self.resolver.reach(caller.scope, archive, ResourceKey(uid), Action.SEARCH, bound)
        if isinstance(found, Refusal):
            return replace(found, answer=Answer.NOT_FOUND, message=None)
        if grantee is None:
            return None
        kind, name = grantee
        if Permission.GRANT_PROPAGATE not in held and (
            kind is not GranteeKind.ROLE or name not in bound.roles
        ):
            return _forbidden(bound, ReasonCode.NO_PERMISSION)
        return None if _may_all(_lasting(bound), found, actions) else _forbidden(bound, ReasonCode.NO_PERMIT)


def _may_all(bound: Bound, found: Reach, actions: Iterable[Action]) -> bool:
    """Whether all of this is allowed on every part of every study, hidden parts included, in full."""
    every = [study.facts_of(series) for study in found.studies for series in study.series]
    decisions = (bound.decide(action, facts) for action in actions for facts in every)
    return all(isinstance(decision, Allow) and decision.mask.hides_nothing for decision in decisions)


def _lasting(bound: Bound) -> Bound:
    """The same without what ends by itself: what one has for a day is not one's own to give for good."""
    lasting = tuple(grant for grant in bound.grants if grant.expires is None)
    if bound.archive is None or lasting == bound.grants:
        return bound
    return bind(bound.policy, bound.subject, bound.context, bound.archive, lasting)


def _forbidden(bound: Bound, code: ReasonCode) -> Refusal:
    return Refusal(Answer.FORBIDDEN, (Reason(code),), bound.revision)
