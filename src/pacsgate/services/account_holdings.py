"""What an account was given, in lines that compare: what there is to gain by getting into it.

Whoever administers accounts may get into any that holds no permission that they lack, so for them its
permissions are what counts.  For whoever looks after one archive it is everything, but for what the access
units of that archive open: that comes and goes with them.

Called by `reset_password` and by `access.image_accounts`.

Invariants:
- whatever is given to an account by name, to its groups or by its attributes changes its holdings;
- whatever lets it administer changes its permissions.
"""

from collections.abc import Iterable

from pacsgate.model.built_in_roles import ACCESS_UNIT_HOLDER, UNIT_ACTIONS
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.policy.policy import Policy
from pacsgate.ports import UserRecord
from pacsgate.services.administration import assignment_text, attributes_text


def permissions_held(user: UserRecord, policy: Policy | None) -> tuple[str, ...]:
    """The permissions of its roles, each with the place where it counts."""
    roles = {} if policy is None else policy.roles
    return tuple(
        sorted(
            f"permission {permission} {given.scope.archive or ''}"
            for given in _assigned(user, policy)
            if given.role in roles
            for permission in roles[given.role].permissions
        )
    )


def holdings(
    user: UserRecord, policy: Policy | None, grants: Iterable[Grant], *, but_units_of: ArchiveName
) -> tuple[str, ...]:
    """What the account was given, but for the access units of an archive."""
    granted = [
        grant
        for grant in grants
        if grant.grantee_kind is GranteeKind.USER
        and grant.grantee == user.name
        and not _opens_unit(grant, but_units_of)
    ]
    lines = [
        *(
            f"assignment {assignment_text(given)}"
            for given in _assigned(user, policy)
            if not _is_of_units(given, but_units_of)
        ),
        *(f"group {group}" for group in user.groups),
        *([f"attributes {attributes_text(user.attributes)}"] if user.attributes else []),
        *(f"grant {grant.grant_id}" for grant in granted),
    ]
    return tuple(sorted(lines))


def _assigned(user: UserRecord, policy: Policy | None) -> list[Assignment]:
    by_policy = () if policy is None else policy.assignments
    return [
        *user.assignments,
        *(given.assignment for given in by_policy if user.name in given.users or user.groups & given.groups),
    ]


def _is_of_units(given: Assignment, archive: ArchiveName) -> bool:
    return given.scope == AssignmentScope(archive) and given.role == ACCESS_UNIT_HOLDER


def _opens_unit(grant: Grant, archive: ArchiveName) -> bool:
    is_unit = grant.target in (GrantTarget.COLLECTION, GrantTarget.DEPARTMENT)
    return is_unit and grant.archive == archive and grant.actions <= UNIT_ACTIONS
