"""The Cedar schema of a policy: what a principal, a resource and a context hold.

Called by `export`.

Invariants:
- every attribute that a rule of the policy or a declaration names has its type here,
  and may be missing.
"""

from collections.abc import Iterable, Iterator

from pacsgate.model.actions import Action
from pacsgate.policy.cedar.literals import name, string
from pacsgate.policy.environment import BUILT_INS
from pacsgate.policy.findings import attributes_of
from pacsgate.policy.ir import PERMITTED, PERMITTED_USERS, Attribute, Scope, ValueType
from pacsgate.policy.policy import Policy

_RECORDS = {
    ValueType.STRING: ("Strings", "String"),
    ValueType.NUMBER: ("Numbers", "decimal"),
    ValueType.DATE: ("Dates", "Long"),
    ValueType.BOOLEAN: ("Truths", "Bool"),
}
_SET = "Set<String>"
_TARGETS = ("patients", "studies", "series", "collections", "departments", "permissions", "user_permissions")
"""What a grant may be on; the last two are study permissions."""


def schema_of(policy: Policy) -> str:
    """The text of the schema."""
    return "\n".join(_lines(policy)) + "\n"


def _lines(policy: Policy) -> Iterator[str]:
    attributes = _attributes(policy)
    yield "// What an attribute holds: one value, or several where the instances of a study disagree."
    for record, of in _RECORDS.values():
        yield f"type {record} = {{least: {of}, greatest: {of}, values: Set<{of}>}};"
    yield "// What live grants on one action name."
    yield f"type Targets = {{{', '.join(f'{target}: {_SET}' for target in _TARGETS)}}};"
    actions = ", ".join(f"{name(action)}?: Targets" for action in Action)
    yield f"type Granted = {{{actions}}};"
    yield ""
    roles = sorted(role.name for role in policy.roles.values() if role.may or role.name in policy.own_roles)
    yield "entity Group;"
    yield "entity User in [Group] = {"
    yield f"  user: {_record(attributes, Scope.USER)},"
    yield "  // Roles in effect at this moment in this archive, from the directory."
    yield f"  roles: {_SET},"
    yield "  // Likewise, but only for the studies of some collections."
    yield f"  roles_in: {{{', '.join(f'{name(role)}?: {_SET}' for role in roles)}}},"
    yield "  // The actions to which an API token was narrowed."
    yield f"  may_only?: {_SET},"
    yield "  // Live grants to the user and to the user's groups; and those to roles."
    yield "  grants: Granted,"
    yield f"  role_grants: {{{', '.join(f'{name(role)}?: Granted' for role in roles)}}},"
    yield "};"
    yield "// A series with its study; without `series`, the study as such."
    yield "entity Resource = {"
    yield "  archive: String,"
    yield f"  study: {_record(attributes, Scope.STUDY)},"
    yield f"  series?: {_record(attributes, Scope.SERIES)},"
    yield "  // What was looked for, found or not, as `study.department`; not yet what is new to rules."
    yield f"  read: {_SET},"
    yield "};"
    yield f"action {', '.join(string(action) for action in Action)} appliesTo {{"
    yield "  principal: User,"
    yield "  resource: Resource,"
    yield "  // `reason` is there when the request gives one."
    yield f"  context: {{now: datetime, reason?: String, env: {_record(attributes, Scope.ENV)}}},"
    yield "};"


def _attributes(policy: Policy) -> list[Attribute]:
    declared = (declaration.attribute for declaration in policy.declarations.values())
    named = (attribute for rule in policy.rules for attribute in attributes_of(rule.condition))
    return sorted({*BUILT_INS, PERMITTED, PERMITTED_USERS, *declared, *named})


def _record(attributes: Iterable[Attribute], scope: Scope) -> str:
    fields = (f"{name(each.name)}?: {_type(each.type)}" for each in attributes if each.scope is scope)
    return f"{{{', '.join(fields)}}}"


def _type(value_type: ValueType) -> str:
    return _SET if value_type is ValueType.SET else _RECORDS[value_type][0]
