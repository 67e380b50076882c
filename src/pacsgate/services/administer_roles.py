"""Roles that are made here rather than in a policy file.

One namespace: a role lives in a file or in the directory, never in both.  A
policy file may name a role that is defined here; while it does, the role stays,
and stays such that the policy still loads.

Called by the command line and the administration API.

Standard: PS3.16 CID 401 (110136).
"""

import re

from pacsgate.audit.events import EventKind
from pacsgate.model.built_in_roles import BUILT_IN_ROLES, NEVER_IN_CUSTOM_ROLES
from pacsgate.model.errors import ConflictError, NotFoundError, PolicyError, RequestError
from pacsgate.model.grant import GranteeKind
from pacsgate.model.resource import TenantScope
from pacsgate.model.role import Role
from pacsgate.model.spans import span_text
from pacsgate.policy.document import load_policy
from pacsgate.services.administration import Change, Office, words
from pacsgate.services.study_permissions import StudyPermissionAdministration

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


_ALWAYS_SHOWN = ("may", "permissions", "owner")


class RoleAdministration:
    """Changes to the stored roles of a tenant."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._directory = office.directory

    def roles(self, scope: TenantScope) -> tuple[Role, ...]:
        """The stored roles; those of policy files are not among them."""
        return self._directory.roles(scope)

    def add(self, change: Change, role: Role) -> None:
        """Define a role."""
        if _NAME.fullmatch(role.name) is None:
            raise RequestError(
                f"`{role.name}` cannot be a role name: a letter, then up to 63 letters, digits, `-` and `_`"
            )
        self._office.refuse_file_role(change.scope, role.name)
        self.refuse_kept_back(change.scope, role)
        event = change.event(EventKind.ROLE_CHANGED, "role added", role.name, after=_text(role))
        self._directory.add_role(change.scope, role, event)
        self._office.publish()

    def change(self, change: Change, role: Role) -> None:
        """Define a stored role anew."""
        self._office.refuse_file_role(change.scope, role.name)
        before = next((each for each in self._directory.roles(change.scope) if each.name == role.name), None)
        if before is None:
            raise NotFoundError(f"there is no stored role `{role.name}`")
        self.refuse_kept_back(change.scope, role)
        self._refuse_breaking(change.scope, role)
        event = change.event(
            EventKind.ROLE_CHANGED, "role changed", role.name, before=_text(before), after=_text(role)
        )
        self._directory.change_role(change.scope, role, event)
        self._office.publish()

    def remove(self, change: Change, name: str) -> None:
        """Remove a role that nobody has and no policy file names any more, with its study permissions."""
        self._office.refuse_file_role(change.scope, name)
        self._refuse_named(change.scope, name)
        self._office.need_role(change.scope, name)
        extending = [role.name for role in self._directory.roles(change.scope) if name in role.extends]
        if extending:
            raise ConflictError(f"role `{name}` is extended by {words(extending)}; change that first")
        holders = [
            user.name
            for user in self._directory.users(change.scope)
            if any(assignment.role == name for assignment in user.assignments)
        ]
        if holders:
            raise ConflictError(f"role `{name}` is still assigned to {len(holders)} users: {words(holders)}")
        role = next(role for role in self._directory.roles(change.scope) if role.name == name)
        # Another role of this name, one day, is none of those who were permitted something now.
        StudyPermissionAdministration(self._office).revoke_all_of(change, (GranteeKind.ROLE, name))
        event = change.event(EventKind.ROLE_CHANGED, "role removed", name, before=_text(role))
        self._directory.remove_role(change.scope, name, event)
        self._office.publish()

    def refuse_kept_back(self, scope: TenantScope, role: Role) -> None:
        """Raise `RequestError` for a role that would carry what only a built-in one can."""
        policy = self._office.policy(scope)
        known = BUILT_IN_ROLES if policy is None else policy.roles
        extended = (known[name].permissions for name in role.extends if name in known)
        kept_back = role.permissions.union(*extended) & NEVER_IN_CUSTOM_ROLES
        if kept_back:
            raise RequestError(f"only a built-in role can carry {words(kept_back)}")

    def _refuse_breaking(self, scope: TenantScope, changed: Role) -> None:
        """Raise `ConflictError` if the live policy could not be read with the role as it would be."""
        policy = self._office.policy(scope)
        if policy is None:
            return
        others = [role for role in self._directory.roles(scope) if role.name != changed.name]
        try:
            load_policy(policy.sources, [*others, changed])
        except PolicyError as broken:
            first = broken.diagnostics[0]
            raise ConflictError(f"the policy would no longer load: {first}; change that first") from broken

    def _refuse_named(self, scope: TenantScope, name: str) -> None:
        policy = self._office.policy(scope)
        if policy is None:
            return
        places = [rule.place for rule in policy.rules if name in rule.roles]
        places += [given.place for given in policy.assignments if given.assignment.role == name]
        places += [place for role, place in policy.role_places.items() if name in policy.roles[role].extends]
        places += [rule.place for rule in policy.grant_rules if (GranteeKind.ROLE, name) in rule.grantees]
        for template in policy.templates.values():
            named = {each for role in template.roles for each in role.extends}
            named |= {given.assignment.role for given in template.assignments}
            places += [template.place] if name in named else []
        if places:
            raise ConflictError(f"role `{name}` is named at {words(places)}; change that first")


def _text(role: Role) -> str:
    parts = {
        "may": words(role.may),
        "permissions": words(role.permissions),
        "owner": role.owner or "",
        "extends": words(role.extends),
        "approved": f"{role.approved_by or ''} {role.approved_at or ''}".strip(),
        "longest": "" if role.longest is None else span_text(role.longest),
        "template": role.template or "",
    }
    return "; ".join(f"{name}={text}" for name, text in parts.items() if text or name in _ALWAYS_SHOWN)
