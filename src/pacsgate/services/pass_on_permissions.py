"""People give and take the permissions of single studies, as far as they may.

With `GrantAdminister` in the whole tenant, those of any study, known or still to come.  With `GrantOwn`,
only what one may do oneself: to a study that one finds, for actions that one is allowed now on every part
of it, without anything hidden and not by a grant that ends or for a reason that one states, to roles that
one has; with `GrantPropagate` besides, to anybody.  A permission holds in every archive that has the study,
so all this must hold in each of them.  The same goes for taking back.

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
from pacsgate.model.resource import ResourceKey
from pacsgate.model.study_permission import StudyPermission
from pacsgate.model.tenant_archives import TenantArchives
from pacsgate.policy.engine import Bound, bind
from pacsgate.ports import StudyEntry, StudyIndex, Trail
from pacsgate.services.callers import Caller
from pacsgate.services.lasting import lasting_policy, lasting_subject
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.other_subjects import TREATMENT
from pacsgate.services.record import Circumstances, actor_of
from pacsgate.services.resolve import Answer, Refusal, Resolver
from pacsgate.services.study_permissions import Grantee, StudyPermissionAdministration

ORIGIN = "api"


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
    index: StudyIndex
    archives: TenantArchives
    trail: Trail

    def listed(self, caller: Caller, study_instance_uid: str) -> tuple[StudyPermission, ...] | Refusal:
        """The permissions of one study."""
        refused = self._refused(caller, study_instance_uid, None, ())
        return refused or self.administration().of_study(caller.scope, study_instance_uid)

    def give(
        self,
        caller: Caller,
        study_instance_uid: str,
        grantee: Grantee,
        actions: frozenset[Action],
    ) -> Changed | Refusal:
        """Permit some actions on a study."""
        refused = self._refused(caller, study_instance_uid, grantee, actions)
        return refused or Changed(added=self._added(caller, study_instance_uid, grantee, actions))

    def take(
        self,
        caller: Caller,
        study_instance_uid: str,
        grantee: Grantee,
        actions: frozenset[Action] | None,
    ) -> Changed | Refusal:
        """Take back some actions, or whatever the grantee is permitted."""
        held = self._held(caller, study_instance_uid, grantee)
        taken = held if actions is None else actions & held
        refused = self._refused(caller, study_instance_uid, grantee, taken)
        return refused or Changed(removed=self._removed(caller, study_instance_uid, grantee, taken))

    def set(
        self,
        caller: Caller,
        study_instance_uid: str,
        grantee: Grantee,
        actions: frozenset[Action],
    ) -> Changed | Refusal:
        """Let a grantee have exactly these actions."""
        held = self._held(caller, study_instance_uid, grantee)
        refused = self._refused(caller, study_instance_uid, grantee, actions ^ held)
        if refused is not None:
            return refused
        fresh, gone = actions - held, held - actions
        return Changed(
            self._added(caller, study_instance_uid, grantee, fresh) if fresh else (),
            self._removed(caller, study_instance_uid, grantee, gone) if gone else (),
        )

    def _held(self, caller: Caller, study_instance_uid: str, grantee: Grantee) -> frozenset[Action]:
        found = self.administration().of_study(caller.scope, study_instance_uid)
        return frozenset(each.action for each in found if (each.grantee_kind, each.grantee) == grantee)

    def _added(
        self, caller: Caller, uid: str, grantee: Grantee, actions: frozenset[Action]
    ) -> tuple[StudyPermission, ...]:
        target = (GrantTarget.STUDY, uid)
        given = self.administration().grant(
            caller.change(), grantee=grantee, target=target, actions=actions, origin=ORIGIN
        )
        return given.added

    def _removed(
        self, caller: Caller, uid: str, grantee: Grantee, actions: frozenset[Action]
    ) -> tuple[StudyPermission, ...]:
        return self.administration().take_back(caller.change(), uid, grantee, actions, origin=ORIGIN)

    def _refused(
        self, caller: Caller, uid: str, grantee: Grantee | None, actions: Iterable[Action]
    ) -> Refusal | None:
        """Why the caller may not; what is refused is on record."""
        refused = self._why_not(caller, uid, grantee, frozenset(actions))
        if refused is not None:
            actor = actor_of(caller.subject, caller.context)
            circumstances = Circumstances(
                caller.context, actor, caller.subject.tenant, revision=refused.revision
            )
            self.trail.record(circumstances.denial(refused.reasons, study_instance_uid=uid))
        return refused

    def _why_not(
        self, caller: Caller, uid: str, grantee: Grantee | None, actions: frozenset[Action]
    ) -> Refusal | None:
        policy = self.policies.current(caller.scope)
        everywhere = bind(policy, caller.subject, caller.context, None, ())
        if Permission.GRANT_ADMINISTER in everywhere.permissions:
            return None
        bounds = {
            archive: self.policies.bind(caller.scope, caller.subject, caller.context, archive)
            for archive in self.archives.of(caller.scope)
        }
        if not any(_owns(bound) for bound in bounds.values()):
            return _refusal(Answer.FORBIDDEN, ReasonCode.NO_PERMISSION, everywhere)
        if not any(_owns(bound) and self._finds(caller, uid, bound) for bound in bounds.values()):
            return _refusal(Answer.NOT_FOUND, ReasonCode.NOT_VISIBLE, everywhere)
        for archive, bound in bounds.items():
            studies = self.index.studies(caller.scope, archive, uid)
            if studies and grantee is not None and not _may_pass_on(bound, studies, grantee, actions):
                return _refusal(Answer.FORBIDDEN, ReasonCode.NO_PERMIT, everywhere)
        return None

    def _finds(self, caller: Caller, uid: str, bound: Bound) -> bool:
        """Whether the caller may search the study in the archive for which this was bound."""
        if bound.archive is None:
            return False
        key = ResourceKey(uid)
        found = self.resolver.reach(caller.scope, bound.archive, key, Action.SEARCH, bound)
        return not isinstance(found, Refusal)


def _owns(bound: Bound) -> bool:
    return Permission.GRANT_OWN in bound.permissions


def _may_pass_on(
    bound: Bound, studies: Iterable[StudyEntry], grantee: Grantee, actions: frozenset[Action]
) -> bool:
    """Whether all of this is one's own to give here: each action on every part, hidden parts too, in full."""
    kind, name = grantee
    to_anybody = Permission.GRANT_PROPAGATE in bound.permissions
    if not _owns(bound) or not (to_anybody or (kind is GranteeKind.ROLE and name in bound.roles)):
        return False
    every = [study.facts_of(series) for study in studies for series in study.series]
    decisions = (
        having.decide(action, facts)
        for having in (bound, _lasting(bound))
        for action in actions
        for facts in every
    )
    return all(isinstance(decision, Allow) and decision.mask.hides_nothing for decision in decisions)


def _lasting(bound: Bound) -> Bound:
    """The same without what ends by itself: what one has for a day is not one's own to give for good.

    Nor is what one has for this one request, by saying why or what for.
    """
    grants = tuple(grant for grant in bound.grants if grant.expires is None)
    context = replace(bound.context, purpose=TREATMENT, reason=None)
    policy, subject = lasting_policy(bound.policy), lasting_subject(bound.subject)
    return bind(policy, subject, context, bound.archive, grants)


def _refusal(answer: Answer, code: ReasonCode, bound: Bound) -> Refusal:
    return Refusal(answer, (Reason(code),), bound.revision)
