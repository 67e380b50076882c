"""The attributes of the user and of the environment that exist without being declared.

| attribute | type | value |
| --- | --- | --- |
| `user.name` | string | the subject's name |
| `user.groups` | set | its groups |
| `user.kind` | string | `user`, `device` or `service` |
| `user.on_site` | boolean | whether door systems say that it is in some zone; missing if none knows |
| `user.zone` | set | the zones that it is in, one for each door system that knows; missing if none does |
| `env.network` | string | the name of the zone the request came from |
| `env.purpose` | string | the purpose of use |
| `env.credential` | string | `password`, `token`, `session` or `local` |
| `env.authentication` | number | how strongly the subject was authenticated: 1 by one factor, 2, 3 |
| `env.authentication_age` | number | whole minutes since it was |
| `env.risk` | number | what an assessment of the request came to; missing until there is one |
| `env.request` | set | the policy's request patterns that mean the request; missing at doors without paths |

`calendar` adds what the clock says.

Called by `engine`, `explain` and `reference`; the names by the language.

Invariants:
- what an identity source calls as one of these never shadows it, also while it is missing.

Standard: purposes are codes of HL7 v3 PurposeOfUse; assurance levels those of NIST SP 800-63B.
"""

from datetime import datetime, timedelta

from pacsgate.model.context import Context
from pacsgate.model.subject import Attributes, Subject, Values
from pacsgate.policy.calendar import (
    DATE,
    HOUR,
    TIME,
    WEEKDAY,
    calendar_attributes,
    compared_with,
    next_change,
)
from pacsgate.policy.ir import BUILT_IN_FACTS, KEY_ATTRIBUTES, Attribute, Scope, ValueType
from pacsgate.policy.policy import Policy
from pacsgate.policy.request_patterns import REQUEST

USER_NAME = Attribute(Scope.USER, "name", ValueType.STRING)
USER_GROUPS = Attribute(Scope.USER, "groups", ValueType.SET)
USER_KIND = Attribute(Scope.USER, "kind", ValueType.STRING)
ON_SITE = Attribute(Scope.USER, "on_site", ValueType.BOOLEAN)
ZONE = Attribute(Scope.USER, "zone", ValueType.SET)
NETWORK = Attribute(Scope.ENV, "network", ValueType.STRING)
PURPOSE = Attribute(Scope.ENV, "purpose", ValueType.STRING)
CREDENTIAL = Attribute(Scope.ENV, "credential", ValueType.STRING)
AUTHENTICATION = Attribute(Scope.ENV, "authentication", ValueType.NUMBER)
AUTHENTICATION_AGE = Attribute(Scope.ENV, "authentication_age", ValueType.NUMBER)
RISK = Attribute(Scope.ENV, "risk", ValueType.NUMBER)
CALLING_AE = Attribute(Scope.ENV, "calling_ae_title", ValueType.STRING)
"""AE title of the peer that asks over DIMSE; missing at every other door."""
CALLED_AE = Attribute(Scope.ENV, "called_ae_title", ValueType.STRING)
"""AE title of ours that it asks; likewise."""

BUILT_INS: tuple[Attribute, ...] = (
    *sorted(KEY_ATTRIBUTES),
    *BUILT_IN_FACTS,
    USER_NAME,
    USER_GROUPS,
    USER_KIND,
    ON_SITE,
    ZONE,
    NETWORK,
    PURPOSE,
    HOUR,
    TIME,
    WEEKDAY,
    DATE,
    CREDENTIAL,
    AUTHENTICATION,
    AUTHENTICATION_AGE,
    RISK,
    REQUEST,
    CALLING_AE,
    CALLED_AE,
)
"""Every attribute that a condition may name without declaring it."""

_MINUTE = timedelta(minutes=1)


def user_attributes(subject: Subject) -> Attributes:
    """What conditions see of the subject: its attributes and the built-in ones."""
    values: dict[str, Values] = {
        **subject.attributes,
        USER_NAME.name: frozenset({subject.name}),
        USER_GROUPS.name: frozenset(subject.groups),
        USER_KIND.name: frozenset({subject.kind.value}),
    }
    if subject.zones is None:
        values.pop(ON_SITE.name, None)
        values.pop(ZONE.name, None)
    else:
        values[ON_SITE.name] = frozenset({bool(subject.zones)})
        values[ZONE.name] = frozenset(subject.zones)
    return values


def environment_attributes(subject: Subject, context: Context, policy: Policy) -> Attributes:
    """What conditions see of the request's circumstances."""
    values: dict[str, Values] = {
        NETWORK.name: frozenset({context.network}),
        PURPOSE.name: frozenset({context.purpose}),
        CREDENTIAL.name: frozenset({subject.credential.value}),
        AUTHENTICATION.name: frozenset({subject.assurance_level}),
        **calendar_attributes(context.now, policy.timezone, policy.named),
    }
    if subject.authenticated_at is not None:
        values[AUTHENTICATION_AGE.name] = frozenset({(context.now - subject.authenticated_at) // _MINUTE})
    matching = policy.request_patterns.matching(context.request)
    if matching is not None:
        values[REQUEST.name] = matching
    if context.risk is not None:
        values[RISK.name] = frozenset({context.risk})
    if context.calling_ae_title is not None:
        values[CALLING_AE.name] = frozenset({context.calling_ae_title})
    if context.called_ae_title is not None:
        values[CALLED_AE.name] = frozenset({context.called_ae_title})
    return values


def environment_changes(subject: Subject, context: Context, policy: Policy) -> datetime | None:
    """The first moment at which a rule may read something else of the clock; `None` if none reads it."""
    edges = [next_change(context.now, policy.timezone, policy.named, _compared(policy, TIME))]
    if AUTHENTICATION_AGE in policy.named and subject.authenticated_at is not None:
        ages = _compared(policy, AUTHENTICATION_AGE)
        edges += _ages_ahead(subject.authenticated_at, context.now, ages)
    return min((edge for edge in edges if edge is not None), default=None)


def _compared(policy: Policy, attribute: Attribute) -> frozenset[int] | None:
    """The numbers with which rules compare an attribute, worked out once."""
    if attribute not in policy.named:
        return frozenset()
    known = policy.memory.get(attribute)
    if known is None:
        known = policy.memory[attribute] = (
            compared_with(attribute, (rule.condition for rule in policy.rules)),
        )
    found: tuple[frozenset[int] | None] = known
    return found[0]


def _ages_ahead(since: datetime, now: datetime, ages: frozenset[int] | None) -> list[datetime]:
    """When so many minutes will have gone by, and one more; every minute if it is not known how many."""
    passed = (now - since) // _MINUTE
    if ages is None:
        return [since + (passed + 1) * _MINUTE]
    return [since + age * _MINUTE for each in ages for age in (each, each + 1) if age > passed]
