"""The first administrator of a fresh installation, made by whoever can read its console.

There is no default account.  An installation without users prints a code at
every start; it is worth one account with the role `administrator`, and nothing
once a user exists.

Called at start (`begin`) and by the set-up page and command (`complete`).

Invariants:
- the code is kept as a hash, and is gone before the account is made.

Standard: OWASP ASVS 5.0 6.3.2.
"""

import hashlib
import hmac
import secrets
from dataclasses import replace

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.model.errors import ConflictError, RequestError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import TenantScope
from pacsgate.model.role import Assignment, Role
from pacsgate.ports import UserRecord
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change, Office

ADMINISTRATOR = Role(
    name="administrator",
    permissions=frozenset(Permission),
    description="Administers the gate; sees no images.",
)

_CODE_BYTES = 16


class Setup:
    """Makes the first account."""

    def __init__(self, office: Office, users: UserAdministration, roles: RoleAdministration) -> None:
        self._directory = office.directory
        self._office = office
        self._users = users
        self._roles = roles

    def begin(self, scope: TenantScope) -> str | None:
        """A new code to print, in place of any earlier one; `None` once a user exists."""
        if self._directory.users(scope):
            return None
        code = secrets.token_hex(_CODE_BYTES)
        self._directory.set_setup_code(scope, _sha256(code))
        return code

    def complete(self, change: Change, code: str, name: str, password: str) -> UserRecord:
        """Make the first administrator."""
        if self._directory.users(change.scope):
            raise ConflictError(
                "this installation has been set up already; ask an administrator for an account"
            )
        expected = self._directory.setup_code_sha256(change.scope)
        if expected is None or not hmac.compare_digest(_sha256(code.strip()), expected):
            event = change.event(EventKind.SIGN_IN, "set-up code refused", name)
            self._office.trail.record(replace(event, outcome=Outcome.SERIOUS))
            raise RequestError("this is not the set-up code that the gate printed when it last started")
        self._users.check_new(name, password)
        self._directory.set_setup_code(change.scope, None)
        known = {role.name for role in self._directory.roles(change.scope)} | set(self._office.file_roles)
        if ADMINISTRATOR.name not in known:
            self._roles.add(change, ADMINISTRATOR)
        user = self._users.add(change, name, password=password)
        self._users.assign(change, name, Assignment(ADMINISTRATOR.name))
        return user


def _sha256(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
