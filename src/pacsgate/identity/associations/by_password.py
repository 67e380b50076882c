"""A name and a passcode: a local user, as at every other door.

Called by `door`.

Standard: PS3.15 B.5 (User Identity plus Passcode).
"""

import hashlib

from pacsgate.identity.associations.ways import Asking, Holding, account_subject
from pacsgate.identity.authenticate import Authenticator
from pacsgate.identity.credentials import PasswordCredential
from pacsgate.identity.lockout import Lockout
from pacsgate.identity.refusals import Cause, Refusal
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import AuthenticationFailed, Directory
from pacsgate.ports.associations import Admitted


class ByPassword:
    """Believes passwords."""

    def __init__(self, directory: Directory, authenticator: Authenticator) -> None:
        self._directory = directory
        self._authenticator = authenticator
        self._lockout = Lockout(directory)

    def admit(
        self, asking: Asking, evidence: PasswordCredential
    ) -> Admitted | Refusal | AuthenticationFailed:
        """Let the user in whose password it is."""
        proof = self._proof(asking.scope, evidence.name)  # read first: it proves no later password
        found = self._authenticator.authenticate(evidence, asking.context)
        if isinstance(found, AuthenticationFailed):
            return found
        if found.tenant != asking.scope.tenant:
            return asking.refusal(Cause.UNKNOWN_USER, Credential.PASSWORD, evidence.name)
        return Admitted(found, asking.remote, proof=proof)

    def again(self, asking: Asking, evidence: PasswordCredential, before: Admitted) -> Holding | None:
        """The same user, while the password is the same and the name is not locked."""
        name = evidence.name
        if before.proof is None or self._proof(asking.scope, name) != before.proof:
            return None
        if self._lockout.lock_on(asking.scope, name, asking.now) is not None:
            return None
        subject = account_subject(self._directory, asking, name, Credential.PASSWORD, None)
        return Holding(subject) if isinstance(subject, Subject) else None

    def _proof(self, scope: TenantScope, name: str) -> bytes | None:
        user = self._directory.user(scope, name)
        if user is None or user.password_hash is None:
            return None
        return hashlib.sha256(user.password_hash.encode()).digest()
