"""A template at one site: its roles and assignments with the site's name filled in.

Called by `pacsgate.services.apply_template`.
"""

from dataclasses import replace

from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment, AssignmentScope, Role
from pacsgate.policy.policy import SITE, PolicyAssignment, Template


def roles_at(template: Template, site: str) -> tuple[Role, ...]:
    """The template's roles at a site."""
    return tuple(_role(role, site) for role in template.roles)


def assignments_at(template: Template, site: str) -> tuple[PolicyAssignment, ...]:
    """Whom the template gives them to."""
    return tuple(
        replace(
            given,
            users=frozenset(_at(user, site) for user in given.users),
            groups=frozenset(_at(group, site) for group in given.groups),
            assignment=_assignment(given.assignment, site),
        )
        for given in template.assignments
    )


def made_from(template: Template, site: str) -> str:
    """What a role that was made from a template says of where it comes from."""
    return f"{template.name}@{site}"


def _role(role: Role, site: str) -> Role:
    return replace(
        role,
        name=_at(role.name, site),
        owner=_text(role.owner, site),
        description=_text(role.description, site),
        extends=frozenset(_at(name, site) for name in role.extends),
        approved_by=_text(role.approved_by, site),
        template=_text(role.template, site),
    )


def _assignment(given: Assignment, site: str) -> Assignment:
    archive, collection = given.scope.archive, given.scope.collection
    scope = AssignmentScope(
        None if archive is None else ArchiveName(_at(archive, site)), _text(collection, site)
    )
    return replace(given, role=_at(given.role, site), scope=scope)


def _text(text: str | None, site: str) -> str | None:
    return None if text is None else _at(text, site)


def _at(text: str, site: str) -> str:
    return text.replace(SITE, site)
