"""A role template becomes stored roles and assignments at one site, and is compared with what is there.

What is missing or was changed by hand since is a `Difference`.  Applying a template
makes each of them good through the use cases that administer roles and users, so
that every change is recorded as if it had been typed.

An assignment to a group is made to the accounts that are in it at that moment.

Called by the command line.

Invariants:
- applying twice changes nothing the second time;
- nothing is taken away: what the template does not know is told and left alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from enum import StrEnum

from pacsgate.model.errors import NotFoundError, RequestError
from pacsgate.model.resource import TenantScope
from pacsgate.model.role import Assignment, Role
from pacsgate.model.spans import span_text
from pacsgate.policy.policy import Policy, Template
from pacsgate.policy.template import assignments_at, made_from, roles_at
from pacsgate.ports import UserRecord
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change, assignment_text

_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)


class Kind(StrEnum):
    """How a site differs from its template."""

    MISSING = "missing"
    CHANGED = "changed"
    NOT_GIVEN = "not given"
    UNKNOWN = "unknown"
    """The role says that it was made from the template, which does not know it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One role that is not as the template says, or somebody who lacks it."""

    kind: Kind
    role: Role
    detail: str
    user: str | None = None
    assignment: Assignment | None = None


class TemplateAdministration:
    """The templates of the live policy, applied in one tenant."""

    def __init__(self, policy: Policy | None, roles: RoleAdministration, users: UserAdministration) -> None:
        self._templates = {} if policy is None else policy.templates
        self._roles = roles
        self._users = users

    def templates(self) -> tuple[Template, ...]:
        """Every template, by name."""
        return tuple(self._templates[name] for name in sorted(self._templates))

    def sites(self, scope: TenantScope, name: str) -> tuple[str, ...]:
        """The sites at which some role was made from a template."""
        made = (
            role.template.partition("@") for role in self._roles.roles(scope) if role.template is not None
        )
        return tuple(sorted({site for template, _, site in made if template == name}))

    def drift(self, scope: TenantScope, name: str, site: str) -> tuple[Difference, ...]:
        """How a site differs from a template."""
        template = self._template(name, site)
        return (*self._roles_that_differ(scope, template, site), *self._not_given(scope, template, site))

    def apply(self, change: Change, name: str, site: str) -> tuple[Difference, ...]:
        """Make a site as its template says; returns what was not."""
        differences = self.drift(change.scope, name, site)
        for difference in differences:
            match difference.kind:
                case Kind.MISSING:
                    self._roles.add(change, difference.role)
                case Kind.CHANGED:
                    self._roles.change(change, difference.role)
                case Kind.NOT_GIVEN:
                    if difference.user is not None and difference.assignment is not None:
                        self._users.assign(change, difference.user, difference.assignment)
                case Kind.UNKNOWN:
                    pass
        return tuple(each for each in differences if each.kind is not Kind.UNKNOWN)

    def _template(self, name: str, site: str) -> Template:
        if _SITE.fullmatch(site) is None:
            raise RequestError(f"`{site}` cannot be a site's name: letters, digits, `-` and `_`, at most 32")
        if name not in self._templates:
            raise NotFoundError(
                f"no template is called `{name}`; `pacsgate template list` shows those that exist"
            )
        return self._templates[name]

    def _roles_that_differ(self, scope: TenantScope, template: Template, site: str) -> Iterator[Difference]:
        stored = {role.name: role for role in self._roles.roles(scope)}
        wanted = roles_at(template, site)
        for role in wanted:
            found = stored.pop(role.name, None)
            if found is None:
                yield Difference(Kind.MISSING, role, "is not there")
            elif found != role:
                yield Difference(Kind.CHANGED, role, ", ".join(_changes(found, role)))
        for role in stored.values():
            if role.template == made_from(template, site):
                yield Difference(Kind.UNKNOWN, role, "is no longer in the template")

    def _not_given(self, scope: TenantScope, template: Template, site: str) -> Iterator[Difference]:
        roles = {role.name: role for role in roles_at(template, site)}
        users = self._users.users(scope)
        for given in assignments_at(template, site):
            for user in users:
                is_meant = user.name in given.users or bool(user.groups & given.groups)
                if is_meant and given.assignment not in user.assignments:
                    yield _lacks(user, given.assignment, roles)


def _lacks(user: UserRecord, assignment: Assignment, roles: dict[str, Role]) -> Difference:
    role = roles.get(assignment.role, Role(assignment.role))
    detail = f"`{user.name}` lacks {assignment_text(assignment)}"
    return Difference(Kind.NOT_GIVEN, role, detail, user.name, assignment)


def _changes(found: Role, wanted: Role) -> Iterator[str]:
    for field in fields(Role):
        is_, should = getattr(found, field.name), getattr(wanted, field.name)
        if is_ != should:
            yield f"{field.name} is {_shown(is_)} and should be {_shown(should)}"


def _shown(value: object) -> str:
    if isinstance(value, frozenset):
        return " ".join(sorted(str(each) for each in value)) or "nothing"
    if isinstance(value, timedelta):
        return f"`{span_text(value)}`"
    return "nothing" if value is None else f"`{value}`"
