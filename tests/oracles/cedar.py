"""A world as Cedar sees it: entities, a context and requests, made from the subject and the facts alone.

Nothing of the engine is used: roles in effect and live grants are worked out here once more, from assignments and
grants as they are written.
"""

import json
from collections.abc import Iterable
from typing import Any

import cedarpy

from pacsgate.model.actions import Action
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.subject import Attributes, Scalar
from pacsgate.policy.cedar import CedarExport
from pacsgate.policy.cedar.literals import decimal_text
from pacsgate.policy.environment import BUILT_INS, environment_attributes, user_attributes
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import (
    FILTERS,
    FILTERS_ASKED,
    PERMITTED,
    PERMITTED_USERS,
    Scope,
    ValueType,
)
from pacsgate.policy.policy import Policy
from tests.properties.worlds import World

_LISTS = {
    GrantTarget.PATIENT: "patients",
    GrantTarget.STUDY: "studies",
    GrantTarget.SERIES: "series",
    GrantTarget.COLLECTION: "collections",
    GrantTarget.DEPARTMENT: "departments",
    GrantTarget.STUDY_PERMISSION: "permissions",
}


class Cedar:
    """One exported policy, ready to be asked; it may be asked by many worlds."""

    def __init__(self, policy: Policy, export: CedarExport) -> None:
        declared = (declaration.attribute for declaration in policy.declarations.values())
        self._types = {
            (each.scope, each.name): each.type
            for each in (
                *(*BUILT_INS, FILTERS, FILTERS_ASKED, PERMITTED, PERMITTED_USERS),
                *(*declared, *policy.named),
            )
        }
        self._policies = cedarpy.PolicySet.from_str(export.policies)

    def allows(self, world: World, facts: ResourceFacts) -> bool:
        """Whether Cedar allows it; an error inside Cedar is one of ours."""
        needed = [world.action] if world.action is not Action.EXPORT else [Action.EXPORT, Action.RETRIEVE]
        entities = cedarpy.Entities.from_json_str(
            json.dumps([self._principal(world), self._resource(world, facts)])
        )
        requests = [
            {
                "principal": {"type": "User", "id": world.subject.name},
                "action": {"type": "Action", "id": action.value},
                "resource": {"type": "Resource", "id": "asked"},
                "context": self._context(world),
            }
            for action in needed
        ]
        answers = cedarpy.is_authorized_batch(requests, self._policies, entities)
        for answer in answers:
            assert not answer.diagnostics.errors, answer.diagnostics.errors
        return all(answer.decision is cedarpy.Decision.Allow for answer in answers)

    def _record(self, scope: Scope, attributes: Attributes) -> dict[str, Any]:
        """Attributes as the schema has them: sets as they are, scalars with their least and greatest value."""
        found: dict[str, Any] = {}
        for name, values in attributes.items():
            value_type = self._types[scope, name]
            if value_type is ValueType.SET:
                found[name] = sorted(map(str, values))
            elif values:
                ordered = sorted(values)
                found[name] = {
                    "least": _value(ordered[0], value_type),
                    "greatest": _value(ordered[-1], value_type),
                    "values": [_value(value, value_type) for value in ordered],
                }
        return found

    def _context(self, world: World) -> dict[str, Any]:
        now = world.context.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        reason = {} if world.context.reason is None else {"reason": world.context.reason}
        return {
            "now": {"__extn": {"fn": "datetime", "arg": now}},
            "env": self._record(
                Scope.ENV, environment_attributes(world.subject, world.context, world.policy)
            ),
            **reason,
        }

    def _resource(self, world: World, facts: ResourceFacts) -> dict[str, Any]:
        attributes: dict[str, Any] = {
            "archive": world.archive,
            "study": self._record(Scope.STUDY, facts.study),
            "read": [
                *(f"study.{name}" for name in facts.study),
                *(f"series.{name}" for name in facts.series or ()),
            ],
        }
        if facts.series is not None:
            attributes["series"] = self._record(Scope.SERIES, facts.series)
        return {"uid": {"type": "Resource", "id": "asked"}, "attrs": attributes, "parents": []}

    def _principal(self, world: World) -> dict[str, Any]:
        subject, now = world.subject, world.context.now
        live = [
            given
            for given in subject.assignments
            if (given.starts is None or given.starts <= now)
            and (given.until is None or now < given.until)
            and given.scope.archive in (None, world.archive)
        ]
        in_collections: dict[str, set[str]] = {}
        for given in live:
            if given.scope.collection is not None:
                in_collections.setdefault(given.role, set()).add(given.scope.collection)
        grants = [
            grant
            for grant in world.grants
            if (grant.expires is None or now < grant.expires) and grant.archive in (None, world.archive)
        ]
        own = [
            grant
            for grant in grants
            if (grant.grantee_kind is GranteeKind.USER and grant.grantee == subject.name)
            or (grant.grantee_kind is GranteeKind.GROUP and grant.grantee in subject.groups)
        ]
        to_roles = [grant for grant in grants if grant.grantee_kind is GranteeKind.ROLE]
        attributes = {
            "user": self._record(Scope.USER, user_attributes(subject)),
            "roles": sorted({given.role for given in live if given.scope.collection is None}),
            "roles_in": {role: sorted(names) for role, names in in_collections.items()},
            "grants": _granted(own),
            "role_grants": {
                role: _granted(grant for grant in to_roles if grant.grantee == role)
                for role in {grant.grantee for grant in to_roles}
            },
        }
        if subject.token_actions is not None:
            attributes["may_only"] = sorted(subject.token_actions)
        return {
            "uid": {"type": "User", "id": subject.name},
            "attrs": attributes,
            "parents": [{"type": "Group", "id": group} for group in sorted(subject.groups)],
        }


def _value(value: Scalar, value_type: ValueType) -> Any:
    match value_type:
        case ValueType.NUMBER:
            return {"__extn": {"fn": "decimal", "arg": decimal_text(value)}}
        case ValueType.DATE:
            return int(str(value))
        case _:
            return value


def _granted(grants: Iterable[Grant]) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for grant in grants:
        for action in grant.actions:
            lists = (*_LISTS.values(), "user_permissions")
            targets = found.setdefault(action.value, {name: [] for name in lists})
            of_user = grant.grantee_kind is GranteeKind.USER and grant.target is GrantTarget.STUDY_PERMISSION
            targets["user_permissions" if of_user else _LISTS[grant.target]].append(grant.target_id)
    return found
