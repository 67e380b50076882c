"""The first administrator of a fresh installation, made by whoever can read its console.

There is no default account.  An installation that nobody can administer prints a
code at every start; it is worth one account with the role `administrator` for a
day.  It is worth nothing once the gate has a person of its own, or anybody may
administer accounts.  Whom a directory or a provider has brought, and accounts of
programs, leave it open otherwise: a nightly list that ran first must shut nobody out.

Called at start (`begin`) and by the set-up page and command (`complete`).

Invariants:
- the code is kept as a hash, and is gone before the account is made.

Standard: OWASP ASVS 5.0 6.3.2, 6.4.1.
"""

import hashlib
import hmac
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.model.built_in_roles import NEVER_IN_CUSTOM_ROLES
from pacsgate.model.errors import ConflictError, RequestError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import TenantScope
from pacsgate.model.role import Assignment, Role
from pacsgate.model.subject import SubjectKind
from pacsgate.policy.policy import Policy
from pacsgate.ports import UserRecord
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change, Office
from pacsgate.services.mandates import roles_within_reach

ADMINISTRATOR = Role(
    name="administrator",
    permissions=frozenset(Permission) - NEVER_IN_CUSTOM_ROLES,
    description="Administers the gate; sees no images.",
)

_CODE_BYTES = 16
VALID_FOR = timedelta(hours=24)


class Setup:
    """Makes the first account."""

    def __init__(self, office: Office, users: UserAdministration, roles: RoleAdministration) -> None:
        self._directory = office.directory
        self._office = office
        self._users = users
        self._roles = roles

    def begin(self, scope: TenantScope, now: datetime) -> str | None:
        """A new code to print, in place of any earlier one; `None` once somebody can administer."""
        if self._is_done(scope):
            return None
        code = secrets.token_hex(_CODE_BYTES)
        self._directory.set_setup_code(scope, _sha256(code), now + VALID_FOR)
        return code

    def complete(self, change: Change, code: str, name: str, password: str) -> UserRecord:
        """Make the first administrator."""
        if self._is_done(change.scope):
            raise ConflictError(
                "this installation has been set up already; ask an administrator for an account"
            )
        expected = self._directory.setup_code_sha256(change.scope, change.at)
        if expected is None or not hmac.compare_digest(_sha256(code.strip()), expected):
            event = change.event(EventKind.SIGN_IN, "set-up code refused", name)
            self._office.trail.record(replace(event, outcome=Outcome.SERIOUS))
            raise RequestError(
                "this is not the set-up code that the gate printed when it last started, or a day has passed "
                "since: restart it for another"
            )
        self._users.check_new(name, password)
        files = self._office.file_roles(change.scope)
        known = {role.name for role in self._directory.roles(change.scope)} | set(files)
        if ADMINISTRATOR.name not in known:
            self._roles.add(change, ADMINISTRATOR)
        self._users.check_assignment(change, Assignment(ADMINISTRATOR.name))
        self._directory.forget_setup_code(change.scope)
        user = self._users.add(change, name, password=password)
        self._users.assign(change, name, Assignment(ADMINISTRATOR.name))
        return user

    def _is_done(self, scope: TenantScope) -> bool:
        policy = self._office.policy(scope)
        users = self._directory.users(scope)
        if policy is None:  # nobody knows who may administer
            return bool(users)
        return any(_is_own_person(user) or _administers(policy, user) for user in users)


def _is_own_person(user: UserRecord) -> bool:
    return not user.source and user.kind == SubjectKind.USER


def _administers(policy: Policy, user: UserRecord) -> bool:
    roles = (policy.roles.get(name) for name in roles_within_reach(policy, user))
    return any(role is not None and Permission.USER_ADMINISTER in role.permissions for role in roles)


def _sha256(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
