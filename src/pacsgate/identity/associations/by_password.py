"""A name and a passcode: a local user, as at every other door.

Called by `door`.

Standard: PS3.15 B.5 (User Identity plus Passcode).
"""

import hashlib
from dataclasses import replace

from pacsgate.identity.associations.ways import Asking, Holding, account_subject
from pacsgate.identity.authenticate import Authenticator
from pacsgate.identity.credentials import PasswordCredential
from pacsgate.identity.lockout import Attempts
from pacsgate.identity.refusals import Cause, Refusal
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import AuthenticationFailed, Directory
from pacsgate.ports.associations import Admitted
from pacsgate.ports.identity import Guessed


class ByPassword:
    """Believes passwords."""

    def __init__(self, directory: Directory, authenticator: Authenticator) -> None:
        self._directory = directory
        self._authenticator = authenticator
        self._attempts = Attempts(directory)

    def admit(
        self, asking: Asking, evidence: PasswordCredential
    ) -> Admitted | Refusal | AuthenticationFailed:
        """Let the user in whose password it is: a bare name is one of the tenant whose archive was called."""
        name = evidence.name.removeprefix(f"{asking.scope.tenant}/")
        proof = self._proof(asking.scope, name)  # read first: it proves no later password
        # With the tenant in front, whatever it was: nobody guesses here at passwords of another one.
        stated = replace(evidence, name=f"{asking.scope.tenant}/{name}")
        found = self._authenticator.authenticate(stated, asking.context)
        if isinstance(found, AuthenticationFailed):
            return found
        if found.tenant != asking.scope.tenant:
            return asking.refusal(Cause.UNKNOWN_USER, Credential.PASSWORD, evidence.name)
        if proof is None:  # kept elsewhere, and the account may have been made just now
            proof = self._proof(asking.scope, found.name)
        return Admitted(found, asking.remote, proof=proof)

    def again(self, asking: Asking, evidence: PasswordCredential, before: Admitted) -> Holding | None:  # noqa: ARG002 - it was verified once
        """The same user, while the password is the same and the name is not locked."""
        name = before.subject.name
        if before.proof is None or self._proof(asking.scope, name) != before.proof:
            return None
        if self._attempts.lock_on(asking.scope, Guessed.PASSWORD, name, None, asking.now) is not None:
            return None
        subject = account_subject(self._directory, asking, name, Credential.PASSWORD, None)
        if not isinstance(subject, Subject):
            return None
        held = before.subject  # of a source that vouched for it, with what that one may give at most
        proven = replace(
            subject,
            source=held.source,
            role_ceiling=held.role_ceiling,
            methods=held.methods,
            assurance_level=held.assurance_level,
            second_factor_at=held.second_factor_at,
        )
        return Holding(proven, ends_at=held.valid_until)

    def _proof(self, scope: TenantScope, name: str) -> bytes | None:
        """What changes when a password is set or taken away here; one that is kept elsewhere is not seen."""
        user = self._directory.user(scope, name)
        return None if user is None else hashlib.sha256((user.password_hash or "").encode()).digest()
