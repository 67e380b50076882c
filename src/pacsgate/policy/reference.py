"""What a policy means, said a second time: slowly, and without any of the engine's means.

Every rule of the policy and every grant is looked at as it is written, with the
subject's and the environment's attributes as further facts beside the
resource's.  There is no binding, no simplification, no branch and no closure
here, and nothing of them is imported; when the engine and this page disagree,
one of them is wrong, and this one can be read.

Called by tests alone: whatever decides is held against it.

Invariants:
- `decide` equals `engine.bind(...).decide`, reasons and mask included, when no
  keys are given; with keys it is an `Allow` exactly where `constraint` admits.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow, Decision, Deny, Effect, Reason, ReasonCode
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment
from pacsgate.model.strength import Strength
from pacsgate.model.subject import EMERGENCY, Attributes, Credential, Subject, Values
from pacsgate.policy.environment import environment_attributes, user_attributes
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import Attribute, Scope, Truth, ValueType
from pacsgate.policy.policy import Policy, Rule, StrengthRule
from pacsgate.policy.reference_truth import agreed, all_true, any_true, truth_of


def decide(
    policy: Policy,
    subject: Subject,
    context: Context,
    archive: ArchiveName,
    grants: Sequence[Grant],
    action: Action,
    facts: ResourceFacts,
    keys: frozenset[str] = frozenset(),
) -> Decision:
    """Weigh every rule and every grant: a forbid wins, then a permit, and otherwise it is no."""
    question = _Question(policy, subject, context, archive, facts)
    decision = _decide_one(question, grants, action, keys)
    if action is Action.EXPORT and isinstance(decision, Allow):
        retrieving = _decide_one(question, grants, Action.RETRIEVE, keys)
        if isinstance(retrieving, Deny):
            return retrieving
        further = tuple(reason for reason in retrieving.reasons if reason not in decision.reasons)
        return replace(
            decision, reasons=decision.reasons + further, mask=_hidden([decision.mask, retrieving.mask], any)
        )
    return decision


@dataclass(frozen=True, slots=True)
class _Question:
    policy: Policy
    subject: Subject
    context: Context
    archive: ArchiveName
    facts: ResourceFacts

    def values(self, attribute: Attribute) -> Values | None:
        scopes: dict[Scope, Attributes] = {
            Scope.STUDY: self.facts.study,
            Scope.SERIES: self.facts.series or {},
            Scope.USER: user_attributes(self.subject),
            Scope.ENV: environment_attributes(self.subject, self.context, self.policy),
        }
        return scopes[attribute.scope].get(attribute.name)

    def having(self, role: str) -> Truth:
        """Whether the subject has the role for this study."""
        held = any_true(
            self._in_scope(given) for given in self._assignments() if self._amounts_to(given.role, role)
        )
        return all_true([held, self._is_of_patient])

    @property
    def _is_of_patient(self) -> Truth:
        """Whether it is a study of the patient that the token is bound to."""
        bound = self.subject.token_patient
        if bound is None:
            return Truth.TRUE
        return agreed([value == bound for value in self.facts.study.get("patient_id") or ()])

    def _amounts_to(self, given: str, role: str) -> bool:
        """Whether one role is another or extends it."""
        return self._may_have(role) and (given == role or role in self.policy.roles[given].extends)

    def _may_have(self, role: str) -> bool:
        """Whether the source of the subject may bring the role at all."""
        ceiling = self.subject.role_ceiling
        return ceiling is None or any(
            role == most or role in self.policy.roles[most].extends
            for most in ceiling
            if most in self.policy.roles
        )

    def _assignments(self, *, anywhere: bool = False) -> Iterator[Assignment]:
        everything = [
            *self.subject.assignments,
            *(
                given.assignment
                for given in self.policy.assignments
                if self.subject.name in given.users or not self.subject.groups.isdisjoint(given.groups)
            ),
        ]
        for given in everything:
            started = given.starts is None or self.context.now >= given.starts
            ended = given.until is not None and self.context.now >= given.until
            here = anywhere or given.scope.archive in (None, self.archive)
            if not started or ended or not here or given.role not in self.policy.roles:
                continue
            if any(map(self._may_have, (given.role, *self.policy.roles[given.role].extends))):
                yield given

    def _in_scope(self, given: Assignment) -> Truth:
        if given.scope.collection is None:
            return Truth.TRUE
        return self.is_in_collection(given.scope.collection)

    def is_in_collection(self, collection: str) -> Truth:
        collections = self.facts.study.get("collections")
        if collections is None:
            return Truth.UNKNOWN
        return Truth.TRUE if collection in collections else Truth.FALSE

    def has_somewhere(self, role: str) -> bool:
        """Whether the subject has the role at all, be it in another archive."""
        return any(self._amounts_to(given.role, role) for given in self._assignments(anywhere=True))

    def lacks(self, wanted: Strength) -> bool:
        """Whether the subject has not proven itself so strongly, or too long ago."""
        if self.subject.credential is Credential.LOCAL or self.subject.source == EMERGENCY:
            return False
        if self.subject.assurance_level < wanted.level:
            return True
        if wanted.within is None:
            return False
        first = wanted.level == 1
        proven = self.subject.authenticated_at if first else self.subject.second_factor_at
        return proven is None or self.context.asked_at - proven >= wanted.within

    @property
    def has_no_role(self) -> bool:
        return next(self._assignments(), None) is None


def _decide_one(
    question: _Question, grants: Sequence[Grant], action: Action, keys: frozenset[str]
) -> Decision:
    revision = question.policy.revision
    narrowed = question.subject.token_actions
    if narrowed is not None and action not in narrowed:
        return Deny((Reason(ReasonCode.TOKEN_SCOPE),), revision)
    if question.has_no_role:
        return Deny((Reason(ReasonCode.NO_ROLE),), revision)
    wanted = [Strength(2)] if question.subject.owes_factor else []
    wanted += [rule.strength for rule in question.policy.authentication if _demands(rule, action, question)]
    if any(question.lacks(strength) for strength in wanted):
        spans = [strength.within for strength in wanted if strength.within is not None]
        strength = Strength(max(each.level for each in wanted), min(spans) if spans else None)
        return Deny((Reason(ReasonCode.STEP_UP_REQUIRED, strength=strength),), revision)

    rules = sorted(question.policy.rules, key=lambda rule: rule.rule_id)
    forbids = [
        rule
        for rule in rules
        if rule.effect is Effect.FORBID and _applies(rule, action, question) is not Truth.FALSE
    ]
    if forbids:
        messages = [rule.message for rule in forbids if rule.message is not None]
        reasons = tuple(Reason(ReasonCode.FORBIDDEN, rule_id=rule.rule_id) for rule in forbids)
        return Deny(reasons, revision, messages[0] if messages else None)

    permits = [
        rule
        for rule in rules
        if rule.effect is Effect.PERMIT and _applies(rule, action, question) is Truth.TRUE
    ]
    gives_reason = question.context.reason is not None
    usable = [
        rule
        for rule in permits
        if not rule.unsupported
        and (gives_reason or not rule.needs_reason)
        and (rule.step_up is None or not question.lacks(rule.step_up))
    ]
    granted = sorted(
        grant.grant_id for grant in grants if _grant_applies(grant, action, question) is Truth.TRUE
    )
    masks = [rule.mask for rule in usable] + [NO_MASK for _ in granted]
    if not masks and permits:
        return Deny(tuple(_unmet(rule, gives_reason=gives_reason) for rule in permits), revision)
    if not masks:
        return Deny((Reason(ReasonCode.NO_PERMIT),), revision)
    if any(all(mask.hides(key) for mask in masks) for key in keys):
        return Deny((Reason(ReasonCode.MASKED_KEY),), revision)
    return Allow(
        (
            *(Reason(ReasonCode.PERMITTED_BY_RULE, rule_id=rule.rule_id) for rule in usable),
            *(Reason(ReasonCode.PERMITTED_BY_GRANT, grant_id=grant_id) for grant_id in granted),
        ),
        revision,
        _hidden(masks, all),
    )


def _unmet(permit: Rule, *, gives_reason: bool) -> Reason:
    if permit.unsupported:
        return Reason(ReasonCode.OBLIGATION_UNSUPPORTED, rule_id=permit.rule_id)
    if permit.needs_reason and not gives_reason:
        return Reason(ReasonCode.REASON_REQUIRED, rule_id=permit.rule_id)
    return Reason(ReasonCode.STEP_UP_REQUIRED, rule_id=permit.rule_id, strength=permit.step_up)


def _demands(rule: StrengthRule, action: Action, question: _Question) -> bool:
    """Whether a rule about strength is about this subject and action."""
    if rule.actions | rule.permissions and action not in rule.actions:
        return False
    if rule.networks and question.context.network not in rule.networks:
        return False
    if rule.groups and not any(group in rule.groups for group in question.subject.groups):
        return False
    return not rule.roles or any(question.has_somewhere(role) for role in rule.roles)


def _hidden(masks: Sequence[Mask], by: Callable[[Iterable[bool]], bool]) -> Mask:
    """What all masks hide, or any, from the definition: ask of each name, and of a name that none knows."""
    named = frozenset().union(*(mask.keywords for mask in masks))
    otherwise = by(mask.all_but for mask in masks)
    exceptions = frozenset(key for key in named if by(mask.hides(key) for mask in masks) is not otherwise)
    return Mask(exceptions, all_but=otherwise)


def _applies(rule: Rule, action: Action, question: _Question) -> Truth:
    if rule.actions is not None and action not in rule.actions:
        return Truth.FALSE
    if rule.groups and rule.groups.isdisjoint(question.subject.groups):
        return Truth.FALSE
    if rule.users and question.subject.name not in rule.users:
        return Truth.FALSE
    if rule.archives and question.archive not in rule.archives:
        return Truth.FALSE
    condition = truth_of(rule.condition, question.values, of_series=question.facts.series is not None)
    if rule.effect is Effect.FORBID:
        return all_true(
            [condition, *([any_true(question.having(role) for role in rule.roles)] if rule.roles else [])]
        )
    roles = [role for role in rule.roles if action in question.policy.roles[role].may]
    return all_true([condition, any_true(question.having(role) for role in roles)])


def _grant_applies(grant: Grant, action: Action, question: _Question) -> Truth:
    if action not in grant.actions or (grant.expires is not None and question.context.now >= grant.expires):
        return Truth.FALSE
    if grant.archive is not None and grant.archive != question.archive:
        return Truth.FALSE
    able = [name for name, role in question.policy.roles.items() if action in role.may]
    if grant.grantee_kind is GranteeKind.ROLE:
        able = [name for name in able if name == grant.grantee]
    if grant.grantee_kind is GranteeKind.USER and grant.grantee != question.subject.name:
        return Truth.FALSE
    if grant.grantee_kind is GranteeKind.GROUP and grant.grantee not in question.subject.groups:
        return Truth.FALSE
    return all_true([any_true(question.having(role) for role in able), _is_target(grant, question)])


def _is_target(grant: Grant, question: _Question) -> Truth:
    if grant.target is GrantTarget.COLLECTION:
        return question.is_in_collection(grant.target_id)
    if grant.target is GrantTarget.STUDY_PERMISSION:
        kept = "permitted_users" if grant.grantee_kind is GranteeKind.USER else "permitted"
        return Truth.TRUE if grant.target_id in question.facts.study.get(kept, ()) else Truth.FALSE
    if grant.target is GrantTarget.DEPARTMENT:
        return _is_of_department(grant.target_id, question)
    held: dict[GrantTarget, Values | None] = {
        GrantTarget.PATIENT: question.facts.study.get("patient_id"),
        GrantTarget.STUDY: question.facts.study.get("uid"),
        GrantTarget.SERIES: (question.facts.series or {}).get("uid"),
    }
    return agreed([value == grant.target_id for value in held[grant.target] or ()])


def _is_of_department(name: str, question: _Question) -> Truth:
    declared = question.policy.declarations.get("study.department")
    values = question.facts.study.get("department")
    if declared is None or declared.attribute.type not in {ValueType.STRING, ValueType.SET}:
        return Truth.FALSE
    if declared.attribute.type is ValueType.SET:
        return Truth.UNKNOWN if values is None else Truth.TRUE if name in values else Truth.FALSE
    return agreed([value == name for value in values or ()])
