"""The attributes of the user and of the environment that exist without being declared.

| attribute | type | value |
| --- | --- | --- |
| `user.name` | string | the subject's name |
| `user.groups` | set | its groups |
| `user.kind` | string | `user`, `device` or `service` |
| `env.network` | string | the name of the zone the request came from |
| `env.purpose` | string | the purpose of use |
| `env.hour` | number | 0 to 23, UTC |
| `env.weekday` | string | `mon` to `sun`, UTC |
| `env.credential` | string | `password`, `token`, `session` or `local` |

Called by `binding` and `reference`; the names by the language.

Invariants:
- what an identity source calls `name`, `groups` or `kind` never shadows these.

Standard: purposes are codes of HL7 v3 PurposeOfUse.
"""

from datetime import UTC

from pacsgate.model.context import Context
from pacsgate.model.subject import Attributes, Subject
from pacsgate.policy.ir import BUILT_IN_FACTS, KEY_ATTRIBUTES, Attribute, Scope, ValueType

USER_NAME = Attribute(Scope.USER, "name", ValueType.STRING)
USER_GROUPS = Attribute(Scope.USER, "groups", ValueType.SET)
USER_KIND = Attribute(Scope.USER, "kind", ValueType.STRING)
NETWORK = Attribute(Scope.ENV, "network", ValueType.STRING)
PURPOSE = Attribute(Scope.ENV, "purpose", ValueType.STRING)
HOUR = Attribute(Scope.ENV, "hour", ValueType.NUMBER)
WEEKDAY = Attribute(Scope.ENV, "weekday", ValueType.STRING)
CREDENTIAL = Attribute(Scope.ENV, "credential", ValueType.STRING)

BUILT_INS: tuple[Attribute, ...] = (
    *sorted(KEY_ATTRIBUTES),
    *BUILT_IN_FACTS,
    USER_NAME,
    USER_GROUPS,
    USER_KIND,
    NETWORK,
    PURPOSE,
    HOUR,
    WEEKDAY,
    CREDENTIAL,
)
"""Every attribute that a condition may name without declaring it."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def user_attributes(subject: Subject) -> Attributes:
    """What conditions see of the subject: its attributes and the built-in ones."""
    return {
        **subject.attributes,
        USER_NAME.name: frozenset({subject.name}),
        USER_GROUPS.name: frozenset(subject.groups),
        USER_KIND.name: frozenset({subject.kind.value}),
    }


def environment_attributes(subject: Subject, context: Context) -> Attributes:
    """What conditions see of the request's circumstances."""
    now = context.now.astimezone(UTC)
    return {
        NETWORK.name: frozenset({context.network}),
        PURPOSE.name: frozenset({context.purpose}),
        HOUR.name: frozenset({now.hour}),
        WEEKDAY.name: frozenset({WEEKDAYS[now.weekday()]}),
        CREDENTIAL.name: frozenset({subject.credential.value}),
    }
